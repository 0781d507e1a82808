"""The worker's part of evaluations: read cases, ask, record, grade; slice by slice."""
