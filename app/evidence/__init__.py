"""How sure are we: intervals, tests, power, agreement; pure. docs/evidence.md says it in words."""
