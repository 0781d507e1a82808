"""Rows longer than a provider trains on: what stands beyond the limit is cut off, not refused."""

from collections.abc import Iterator

from app.datasets.checks.base import Located, Seen
from app.formats.base import Finding

ROW_LIMIT = 65_536  # gpt-4o and gpt-4.1, all sizes


class LongRows:
    """Rows over OpenAI's training context."""

    name = "tokens"

    def findings(self, seen: Seen) -> Iterator[Located]:
        """One warning a row, in the order of the file."""
        longer = seen.index.execute(
            "SELECT line, tokens FROM rows WHERE tokens > ? ORDER BY n", (ROW_LIMIT,)
        )
        for line, tokens in longer:
            yield (
                line,
                Finding(
                    "tokens.over_limit",
                    None,
                    "warning",
                    f"About {tokens:,} tokens; OpenAI trains on the first {ROW_LIMIT:,} of a row "
                    "and cuts the rest off.",
                    "Shorten the conversation, or split it into several rows.",
                ),
            )
