"""How the rows of a format are written for those who read them: providers, programs, people."""
