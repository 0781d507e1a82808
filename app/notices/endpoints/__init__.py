"""Where else a project's notices are sent: signed webhooks, and Slack and what takes the same."""
