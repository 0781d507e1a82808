"""Evaluations: the same cases put to several contestants, and graded."""
