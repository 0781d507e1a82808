"""What a test may tell the witness to do wrong, once or often."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

CREATE_RUN = "POST /v1/fine_tuning/jobs"
LIST_RUNS = "GET /v1/fine_tuning/jobs"
UPLOAD = "POST /v1/files"
LIST_FILES = "GET /v1/files"
LIST_MODELS = "GET /v1/models"
CHAT = "POST /v1/chat/completions"


@dataclass(frozen=True)
class Fault:
    """One thing to go wrong on a route, for its next `times` requests.

    With `commits` the request takes effect first, as when an answer is lost on its way back.
    `end` says what follows: the real answer, this `status` and `body`, a closed connection, an
    answer cut off in the middle, or one whose bytes come a second apart.
    """

    route: str
    end: Literal["real", "answer", "drop", "truncate", "drip"] = "answer"
    commits: bool = False
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    times: int = 1

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


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
