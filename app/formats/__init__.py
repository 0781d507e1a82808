"""What a row of each training format is: recognise it, read it safely, say what is wrong."""
