"""What a test may tell the witness to do wrong, once or often."""

import json
import time
from dataclasses import asdict, dataclass, field, replace
from email.utils import formatdate
from typing import Any, Literal

CREATE_RUN = "POST /v1/fine_tuning/jobs"
LIST_RUNS = "GET /v1/fine_tuning/jobs"
UPLOAD = "POST /v1/files"
LIST_FILES = "GET /v1/files"
LIST_MODELS = "GET /v1/models"
CHAT = "POST /v1/chat/completions"
LIST_EVALS = "GET /v1/evals"
LIST_EVAL_RUNS = "GET /v1/evals/[^/]+/runs"
LIST_EVAL_ITEMS = "GET /v1/evals/[^/]+/runs/[^/]+/output_items"
LIST_EVENTS = "GET /v1/fine_tuning/jobs/[^/]+/events"
LIST_CHECKPOINTS = "GET /v1/fine_tuning/jobs/[^/]+/checkpoints"
LIST_PERMISSIONS = "GET /v1/fine_tuning/checkpoints/[^/]+/permissions"
FILE_CONTENT = "GET /v1/files/[^/]+/content"
LIST_COMPLETIONS = "GET /v1/chat/completions"
LIST_MESSAGES = "GET /v1/chat/completions/[^/]+/messages"
USAGE = "GET /v1/organization/usage/completions"
EVERYTHING = "GET /v1/.*"

FREE_ACCOUNT = (
    "To help mitigate abuse, downloading of fine-tune training files is disabled for free accounts."
)
HTML = {"content-type": "text/html; charset=utf-8"}
# Every way a server asks to wait, and none.
RETRY_AFTER: tuple[dict[str, str], ...] = (
    {"retry-after": "1"},
    {"retry-after": "0.2"},
    {"retry-after": "1", "retry-after-ms": "150"},
    {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"},
    {"retry-after": "soon"},
    {},
)
# The forms of asking to wait of which each means something else: a wait, none, one beyond all
# measure, or nothing that can be read.
WAITS = ("seconds", "date", "zero", "negative", "huge", "junk", "none")
# For how long real lists may not show a new run, in seconds; to be divided as the tests' waits are.
USUAL_LAG = (0.0, 30.0)


@dataclass(frozen=True)
class Fault:
    """One thing to go wrong on a route: a pattern for the whole of it. Of the requests that fit the
    first `skip` are answered well, then every `every`-th goes wrong, `times` in all.

    With a `chance` below 1 it goes wrong only so often of those, as the dice fall.

    With `commits` the request takes effect first, as when an answer is lost on its way back.
    `end` says what follows: the real answer, this `status` and `body`, a closed connection, an
    answer cut off in the middle, one whose bytes come ten a second, one that stops in the middle
    and stays open for `delay` seconds, one of five gigabytes, or one of a megabyte that unfolds
    into a gigabyte.
    """

    route: str
    end: Literal["real", "answer", "drop", "truncate", "drip", "hang", "flood", "bomb"] = "answer"
    commits: bool = False
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    times: int = 1
    skip: int = 0
    every: int = 1
    chance: float = 1.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def by_chance(*faults: tuple[float, Fault]) -> list[Fault]:
    """Faults of one route of which a request meets one at most, each with its share of them all."""
    made, left = [], 1.0
    for share, fault in faults:
        made.append(replace(fault, chance=share / left, times=10**9))
        left -= share
    return made


@dataclass(frozen=True)
class Shift:
    """A list that moves while it is read: what happens once the `page`-th page from now of a list
    whose route fits has been sent.

    `again`: its last object stands on the next page too. `forward`: the object that the next page
    would begin with moves to the front, where only who looks again sees it. `gone`: its last
    object is deleted, and is no cursor any more. `vanished`: its first object is deleted.
    """

    route: str
    how: Literal["again", "forward", "gone", "vanished"]
    page: int = 1

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def too_many(route: str = EVERYTHING, **more: Any) -> list[Fault]:
    """429 with every form of Retry-After, one after the other."""
    body = json.dumps(refusal("Rate limit reached.", "rate_limit_exceeded"))
    return [Fault(route, status=429, body=body, headers=asked, **more) for asked in RETRY_AFTER]


def asked_to_wait(form: str, seconds: int = 2) -> dict[str, str]:
    """The header for one of `WAITS`, where it says how long at all."""
    said = {
        "seconds": str(seconds),
        "date": formatdate(time.time() + seconds, usegmt=True),
        "zero": "0",
        "negative": "-1",
        "huge": "1000000000",
        "junk": "soon",
    }
    return {"retry-after": said[form]} if form in said else {}


def refusal(message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """An error as OpenAI shapes it."""
    return {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": code,
        }
    }
