"""People: signing in, sessions, tokens, and what each of them did."""
