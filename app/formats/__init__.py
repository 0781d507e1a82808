"""What a row of each training format is: recognise it, read it safely, name what is wrong with it."""
