"""Datasets: rows as they came, checked once, never changed; a new upload is a new version."""
