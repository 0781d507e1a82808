"""Evaluations that run by themselves when a job has ended, for its model and its checkpoints."""
