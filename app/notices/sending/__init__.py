"""Notices on their way out: to whom, in which words, when again, and what became of it."""
