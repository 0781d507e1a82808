"""People grade what a run's contestants answered, and choose between two: blind and shuffled."""
