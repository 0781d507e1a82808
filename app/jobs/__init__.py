"""Fine-tuning jobs: started once, followed to their end, every number kept."""
