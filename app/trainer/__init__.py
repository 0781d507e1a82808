"""A service that speaks OpenAI's fine-tuning wire and really trains, in child processes."""
