"""Evaluations that began elsewhere: in promptfoo, or in OpenAI's Evals."""
