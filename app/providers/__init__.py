"""Adapters to the places that fine-tune and serve models; pure, no database."""
