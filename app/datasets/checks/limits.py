"""What providers say about a file's size: too few rows to train on, too many bytes to take."""

from collections.abc import Iterator

from app.datasets.checks.base import Located, Seen
from app.formats.base import Finding

FEWEST_ROWS = 10
ADVISED_ROWS = 50
OPENAI_FILE_BYTES = 512 * 2**20


class FileLimits:
    """OpenAI's and Azure's limits for a training file."""

    name = "limits"

    def findings(self, seen: Seen) -> Iterator[Located]:
        """Of the file: too few rows, few rows, too large a file. Of no file that is refused."""
        if seen.tally.format is None or seen.tally.is_stopped:
            return
        rows = seen.progress.rows
        if 0 < rows < FEWEST_ROWS:
            yield None, _too_few(rows)
        elif 0 < rows < ADVISED_ROWS:
            yield None, _few(rows)
        if seen.size > OPENAI_FILE_BYTES:
            yield None, _too_large(seen.size)


def _too_few(rows: int) -> Finding:
    has = "1 row" if rows == 1 else f"{rows} rows"
    return Finding(
        "rows.too_few",
        None,
        "warning",
        f"The file has {has}; OpenAI and Azure refuse a training file of fewer than {FEWEST_ROWS}.",
        f"Add rows until there are at least {FEWEST_ROWS}; {ADVISED_ROWS} to 100 good ones are "
        "where it begins to help.",
    )


def _few(rows: int) -> Finding:
    return Finding(
        "rows.few",
        None,
        "hint",
        f"The file has {rows} rows; OpenAI advises to begin with {ADVISED_ROWS} to 100.",
        "Add good rows before you judge what tuning can do.",
    )


def _too_large(size: int) -> Finding:
    return Finding(
        "file.size",
        None,
        "warning",
        f"The file has {size / 2**20:,.0f} MB; OpenAI takes training files of up to 512 MB.",
        "Train on fewer rows, or use a provider that takes larger files.",
    )
