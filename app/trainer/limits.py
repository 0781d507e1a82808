"""How much this trainer takes, read once from the environment, and the words for too much."""

import os
from dataclasses import dataclass

from app.trainer.errors import Refusal

MB, GB = 2**20, 2**30
PART_BYTES = 64 * MB
# A whole body is a little more than the file in it: boundaries, and short fields.
AROUND_BYTES = MB
WAIT_SECONDS = 30
VARIABLES = {
    "file_bytes": "LUTHIER_TRAINER_FILE_BYTES",
    "upload_bytes": "LUTHIER_TRAINER_UPLOAD_BYTES",
    "queued": "LUTHIER_TRAINER_QUEUE",
    "at_once": "LUTHIER_TRAINER_AT_ONCE",
}


@dataclass(frozen=True)
class Limits:
    """Bytes of a file sent whole and of one sent in parts; runs that may wait, and train at once.

    The sizes are OpenAI's. Its queue is shorter: three jobs are the usual allowance.
    """

    file_bytes: int = 512 * MB
    upload_bytes: int = 8 * GB
    queued: int = 1_000
    at_once: int = 1

    @classmethod
    def from_environment(cls) -> "Limits":
        """Raises SystemExit naming the variable that is not a number above 0."""
        return cls(
            **{
                name: _whole(variable, os.environ[variable])
                for name, variable in VARIABLES.items()
                if variable in os.environ
            }
        )


def _whole(variable: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise SystemExit(f"{variable} must be a whole number above 0, but is {text!r}.")
    return int(text)


def said(size: int) -> str:
    """A size as people say it: `512 MB`."""
    if size >= GB and not size % GB:
        return f"{size // GB} GB"
    return f"{size // MB} MB" if size >= MB and not size % MB else f"{size:,} bytes"


def too_large(what: str, limit: int, *, param: str, cure: str = "") -> Refusal:
    """413: more bytes than one file, part or upload may have."""
    message = f"{what} is too large. Maximum size is {said(limit)}.{cure}"
    return Refusal(message, status=413, param=param, code="file_too_large")


def refuse_long_queue(waiting: int, limits: Limits) -> None:
    """Raise OpenAI's 429 when as many runs wait as may."""
    if waiting < limits.queued:
        return
    message = (
        "This fine-tune request has been rate-limited. Your organization has reached the maximum"
        f" of {limits.queued} pending requests. Wait for one to begin, or cancel one."
    )
    raise Refusal(
        message,
        status=429,
        code="rate_limit_exceeded",
        headers={"retry-after": str(WAIT_SECONDS)},
    )
