"""How many requests a second a server takes, and what it says to the one too many."""

import time

from tests.witness.rules import Refusal

BURST_SECONDS = 0.25


class Allowance:
    """A bucket that fills with `rate` tokens a second; None takes everything."""

    def __init__(self, rate: float | None = None) -> None:
        self.rate = rate
        self.tokens = self.most = (rate or 0) * BURST_SECONDS
        self.filled_at = time.monotonic()

    def take(self) -> None:
        """Raise Refusal, 429 with the wait in both of OpenAI's headers, when it is empty."""
        if self.rate is None:
            return
        now = time.monotonic()
        self.tokens = min(self.most, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return
        wait = (1 - self.tokens) / self.rate
        raise Refusal(
            429,
            "Rate limit reached for requests. Please slow down.",
            code="rate_limit_exceeded",
            headers={"retry-after": str(int(wait) + 1), "retry-after-ms": f"{1000 * wait:.0f}"},
        )
