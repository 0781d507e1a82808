"""The worker's part of a rescue: look around, fetch, verify; slice by slice, killed at any line."""
