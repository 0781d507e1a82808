"""Contestants head to head: which of two answers is better, said by people or by a judge."""
