"""What every domain stands on; it knows nothing of the product."""
