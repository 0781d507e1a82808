"""May a judge be trusted: its grades beside people's, and its own with the order swapped."""
