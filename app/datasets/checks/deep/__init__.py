"""What is looked at after a version is ready: what its rows say, alone and to each other."""
