"""Rescue: a team's whole history at a provider, brought home while it can still be read."""
