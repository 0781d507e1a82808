"""Rows that a team keeps one by one, until they become a dataset."""
