"""Who calls which model, by the provider's own counts."""
