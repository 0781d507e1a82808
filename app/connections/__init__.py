"""A project's accounts at providers: sealed keys, and the way to a provider."""
