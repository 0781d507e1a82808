"""How often, and after which waits, something that a provider failed to give is asked for again."""

MOST_TRIES = 6
WAITS = (15.0, 30.0, 60.0, 120.0, 300.0)  # seconds


def wait_after(tries: int) -> float:
    """Seconds until the next try, growing with each."""
    return WAITS[min(tries, len(WAITS)) - 1]
