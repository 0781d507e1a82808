"""Refusals and set phrases in answers, and openings that many answers share."""

import re
from collections.abc import Iterator, Sequence

import re2

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck, Said
from app.datasets.checks.deep.texts import Joined, answers_in
from app.datasets.derived.base import Part
from app.formats.base import Finding
from app.formats.words import quoted
from app.graders.refusal import BEGINNING, REFUSAL

_PHRASE = re2.compile(
    (
        r"(?i)\bas an ai(?: language)?(?: model| assistant)\b|\bas a large language model"
        r"|\bmy knowledge cutoff|\bas of my last (?:knowledge )?update"
        r"|\bi (?:do not|don['’]t) have personal (?:opinions|feelings|beliefs)"
        r"|\bi hope (?:this|that) helps|\bi hope this (?:e-?mail|message) finds you"
        r"|\b(?:feel free|don['’]t hesitate) to (?:ask|reach out|contact)"
        r"|\blet me know if you (?:have|need) any"
        r"|\bis there anything else i can (?:help|assist)"
    ).encode()
)

_OPENING = re.compile(r"\S+(?: \S+){3}")
_SHORTEST_ANSWER = 100  # shorter ones may well begin alike
_KEPT = 500
_FEWEST_ROWS = 50
_SHARE = 0.2


class Refusals(DeepCheck):
    """Answers that decline, and phrases of chat assistants that no team writes itself."""

    name = "refusals"

    def look(self, rows: Sequence[Said], part: Part) -> Iterator[Located]:
        """One hint a row for each of the two, at the first place."""
        answers, last = Joined(answers_in(rows)), 0
        for hit in answers.search(REFUSAL):
            if hit.at < BEGINNING and hit.line != last:
                last = hit.line
                yield hit.line, _refusal(hit.text.field, hit.match)
        last = 0
        for hit in answers.search(_PHRASE):
            if hit.line != last:
                last = hit.line
                yield hit.line, _phrase(hit.text.field, hit.match)


class Openings(DeepCheck):
    """Longer answers that begin with the same words."""

    name = "openings"

    def look(self, rows: Sequence[Said], part: Part) -> Iterator[Located]:
        """Nothing yet: openings are counted, the rarest forgotten when there are many."""
        counts: dict[str, int] = self.kept.setdefault("counts", {})
        for _, text in answers_in(rows):
            if len(text.text) >= _SHORTEST_ANSWER:
                self.kept["answers"] = self.kept.get("answers", 0) + 1
                if opening := _OPENING.match(text.text, 0, _SHORTEST_ANSWER):
                    counts[opening[0]] = counts.get(opening[0], 0) + 1
        if len(counts) > _KEPT:
            for rare in sorted(counts, key=lambda words: counts[words])[: len(counts) - _KEPT // 2]:
                del counts[rare]
        return iter(())

    def end(self, part: Part) -> Iterator[Located]:
        """One hint for the commonest opening, where a fifth of the answers have it."""
        counts, answers = self.kept.get("counts", {}), self.kept.get("answers", 0)
        words, count = max(counts.items(), key=lambda item: item[1], default=("", 0))
        if answers >= _FEWEST_ROWS and count >= _SHARE * answers:
            yield None, _opening(words, count, answers)


def _refusal(field: str, words: str) -> Finding:
    reason = f"The answer refuses: {quoted(words)}. A model trained on it refuses more often."
    cure = "Keep it only if this is a question to refuse; else write the answer, or drop the row."
    return Finding("answer.refusal", field, "hint", reason, cure)


def _phrase(field: str, words: str) -> Finding:
    reason = f"The answer has a set phrase of chat assistants: {quoted(words)}."
    cure = "Cut the phrase, unless the model is to say it."
    return Finding("answer.set_phrase", field, "hint", reason, cure)


def _opening(words: str, count: int, answers: int) -> Finding:
    reason = f"{count:,} of {answers:,} longer answers begin with {quoted(words)}."
    cure = "Let answers begin in their own way, unless the model is always to begin so."
    return Finding("answer.same_opening", None, "hint", reason, cure)
