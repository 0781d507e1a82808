"""Moderation of a version's rows, when somebody asks for it: row by row, over a connection."""
