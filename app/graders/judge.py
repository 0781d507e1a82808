"""Judges: graders that ask a model. They say what to ask and read what comes back; whoever grades
with them makes the call.
"""

import hashlib
import json
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from app.graders.base import NOBODY, Answer, Case, Grader, JsonObject, Score, Ungradable
from app.graders.settings import setting

JUDGE = "The model that judges, by its name at the provider."
MESSAGES = "Say what is good and what is not; {{ sample.output_text }} is the answer."
HOW = (
    "Reply with one JSON object and nothing else: "
    '{{"reason": "why, in a sentence or two", "result": {}}}'
)
LONGEST_REASON, BEGINNING = 2_000, 80
MOST_OPENED = 50
"""Braces of a reply at which an object is looked for."""
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Ask:
    """What a judge is asked about one answer. `messages` have the shape of chat completions,
    `sampling` names fields of `ChatRequest`; `detail` goes into the score. The same case, answer
    and seed make the same.
    """

    messages: tuple[JsonObject, ...]
    sampling: JsonObject
    detail: JsonObject = field(default_factory=dict)

    def key(self, model: str) -> str:
        """The SHA-256 of all that this model is sent: two of one key are the same question."""
        sent = json.dumps([model, self.messages, self.sampling], sort_keys=True)
        return hashlib.sha256(sent.encode()).hexdigest()


class Judge(Grader):
    """What all that ask a model have. `grade` gives back the score that `read` made."""

    model: str = setting("text", "Judge", JUDGE, example="gpt-4.1-mini")

    @abstractmethod
    def ask(self, case: Case, answer: Answer, *, seed: int = 0) -> Ask:
        """What to send to `model`. Raises Ungradable where a place is not filled."""

    @abstractmethod
    def verdict(self, result: Any, ask: Ask) -> tuple[float, JsonObject]:
        """The value, and its details, of the `result` in a reply. Raises ValueError in words."""

    def read(self, reply: str, ask: Ask) -> Score:
        """The score in a reply. One that cannot be read is a fault, with the reply's beginning."""
        try:
            found = _object_in(reply)
            value, detail = self.verdict(found["result"], ask)
        except ValueError as error:
            return Score(0.0, _malformed(reply, str(error)), detail=ask.detail)
        reason = str(found.get("reason") or "").strip()[:LONGEST_REASON]
        return Score(value, detail={**detail, **ask.detail, "reason": reason})

    @property
    def judges(self) -> Mapping[str, "Judge"]:
        return {"": self}

    def grade(self, case: Case, answer: Answer, judged: Mapping[str, Score] = NOBODY) -> Score:  # noqa: ARG002 - the judge has seen them
        return judged[""] if "" in judged else unanswered("Nobody asked the judge.")


def unanswered(words: str) -> Score:
    """A judge's score where its provider did not answer."""
    return Score(0.0, Ungradable("model_grader_server_error", words))


def _malformed(reply: str, why: str) -> Ungradable:
    begins = " ".join(reply[: 2 * BEGINNING].split())[:BEGINNING]
    told = f"begins: {begins}" if begins else "is empty."
    return Ungradable("model_grader_parse_error", f"{why} The judge's reply {told}")


def _object_in(reply: str) -> JsonObject:
    """The JSON object with a result in a reply, whatever stands around it."""
    for brace in islice(re.finditer(r"\{", reply), MOST_OPENED):
        try:
            found: JsonObject = _DECODER.raw_decode(reply, brace.start())[0]
        except (ValueError, RecursionError):
            continue
        if "result" in found:
            return found
    raise ValueError("There is no JSON object with a result.")
