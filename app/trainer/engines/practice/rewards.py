"""What a job's grader says of sampled answers, and the figures OpenAI's events make of it."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.graders.base import Answer, Fault, Grader, JsonObject, Score
from app.graders.multi import Multi
from app.graders.reading import InvalidGrader, read_grader
from app.trainer.engines.base import InvalidData

FAULTS: tuple[Fault, ...] = (
    "sample_parse_error",
    "invalid_variable_error",
    "formula_parse_error",
    "python_grader_runtime_error",
    "python_grader_server_error",
    "other_error",
)
_WHERE = "method.reinforcement.grader"


@dataclass(frozen=True)
class Graded:
    """Some answers' scores, which answers had to be cut, and the mean seconds of a score.

    An answer that did not come to its end earns nothing, as OpenAI counts it.
    """

    scores: Sequence[Score]
    is_cut: NDArray[np.bool_]
    seconds: float

    def rewards(self, part: str = "") -> NDArray[np.float64]:
        """What each earns, in all or by one grader of several."""
        return np.where(self.is_cut, 0.0, [_part(score, part).value for score in self.scores])

    @property
    def unreadable(self) -> float:
        """The share of answers that a grader wanted to read as JSON and could not."""
        return sum(
            any(fault.fault == "sample_parse_error" for fault in score.faults())
            for score in self.scores
        ) / len(self.scores)


class Rewarding:
    """The job's grader."""

    def __init__(self, grader: Mapping[str, Any] | None) -> None:
        try:
            self._grader = read_grader(grader, _WHERE)
        except InvalidGrader as error:
            raise InvalidData("invalid_grader", error.message, error.param) from None
        if obstacle := self._grader.alone():
            raise InvalidData("invalid_grader", obstacle, _WHERE)

    def graded(
        self, items: Sequence[JsonObject], texts: Sequence[str], is_cut: Sequence[bool]
    ) -> Graded:
        """Each answer beside what is known of its row."""
        began = time.perf_counter()
        scores = [
            self._grader.grade(item, Answer(text)) for item, text in zip(items, texts, strict=True)
        ]
        seconds = (time.perf_counter() - began) / len(scores)
        return Graded(scores, np.array(is_cut), seconds)

    def scores(self, found: Mapping[str, Graded]) -> JsonObject:
        """`scores`: the rewards' means, in all and of each grader, by "train" and "valid"."""
        parts = self._parts().items()
        graders = [_named(grader) | _means(found, name) for name, grader in parts]
        return _means(found, "") | {"graders": graders}

    def errors(self, found: Mapping[str, Graded]) -> JsonObject:
        """`errors`: how often each grader could not grade, and why."""
        graders = []
        for name, grader in self._parts().items():
            entry = _named(grader)
            for side, graded in found.items():
                cut = int(graded.is_cut.sum())
                faults = [_part(score, name).fault for score in graded.scores]
                counts = Counter(fault.fault for fault in faults if fault is not None)
                told = {kind: counts[kind] for kind in FAULTS}
                for kind, count in (told | {"truncated_observation_error": cut}).items():
                    entry[f"{side}_{kind}_mean"] = count / len(faults)
                    entry[f"{side}_{kind}_count"] = float(count)
            graders.append(entry)
        return {"graders": graders}

    def timing(self, found: Mapping[str, Graded]) -> list[JsonObject]:
        """`timing.graders`: the whole grader's, parts are not timed apart."""
        latencies = {
            f"{side}_execution_latency_mean": graded.seconds for side, graded in found.items()
        }
        return [_named(self._grader) | latencies]

    def _parts(self) -> dict[str, Grader]:
        """The graders a reward is made of; a single one goes by no name."""
        return dict(self._grader.parts) if isinstance(self._grader, Multi) else {"": self._grader}


def _part(score: Score, name: str) -> Score:
    return score.parts[name] if name else score


def _named(grader: Grader) -> JsonObject:
    return {"name": grader.name, "type": grader.type}


def _means(found: Mapping[str, Graded], part: str) -> JsonObject:
    return {
        f"{side}_reward_mean": float(graded.rewards(part).mean()) for side, graded in found.items()
    }
