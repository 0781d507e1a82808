"""Further files beside a version's index, made after it is ready: each with its own lease."""
