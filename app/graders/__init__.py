"""What a good answer is: settings that can be read, written and shown, and grades from them."""
