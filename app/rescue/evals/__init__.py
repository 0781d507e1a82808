"""The evals that came home: read, and made ready to go on elsewhere."""
