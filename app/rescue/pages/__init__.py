"""What the pages of a rescue are put together from."""
