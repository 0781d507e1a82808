"""Luthier: the workshop where teams tune GPT models, and keep them."""
