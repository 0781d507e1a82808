"""Asking several models the same, side by side, and what they said."""
