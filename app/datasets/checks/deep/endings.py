"""Answers that look cut, go round in circles, or say nothing."""

from collections.abc import Iterator, Sequence

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck, Said
from app.datasets.checks.deep.texts import answers_in
from app.datasets.derived.base import Part
from app.formats.base import Finding
from app.formats.words import quoted

_FENCE = "```"
_OPEN_END = frozenset(",;:-–—(/&")
_LONG = 200  # characters: shorter answers end as they like
_MOST_LINES = 1_000
_USUAL = 0.9
_LOOP = 24  # characters at the end of a text that would come again
_REACH = 2_000  # characters from the end in which it must have come before
_ROUNDS = 5
_SHORT = 12


class CutAnswers(DeepCheck):
    """Answers whose end is missing: a model trained on them learns to stop anywhere."""

    name = "cut"

    def look(self, rows: Sequence[Said], part: Part) -> Iterator[Located]:
        """A hint for a code block left open at once; for an open end when it is the exception."""
        lines: list[tuple[int, str]] = self.kept.setdefault("lines", [])
        for line, text in answers_in(rows):
            content = text.text.rstrip()
            if _FENCE in content and content.count(_FENCE) % 2:
                reason = "The answer ends within a code block."
                yield line, _cut(text.field, f"{reason} It looks cut.")
            elif len(content) >= _LONG:
                self.kept["long"] = self.kept.get("long", 0) + 1
                if content[-1].isalpha() or content[-1] in _OPEN_END:
                    self.kept["open"] = self.kept.get("open", 0) + 1
                    if len(lines) < _MOST_LINES:
                        lines.append((line, text.field))

    def end(self, part: Part) -> Iterator[Located]:
        """A hint for each answer that ends within a sentence, where nine in ten do not."""
        if self.kept.get("open", 0) <= (1 - _USUAL) * self.kept.get("long", 0):
            for line, field in self.kept.get("lines", []):
                reason = "The answer ends within a sentence, as few others do. It looks cut."
                yield line, _cut(field, reason)


class Loops(DeepCheck):
    """Answers that say the same words over and over at the end, as a model that got stuck does."""

    name = "loops"

    def look(self, rows: Sequence[Said], part: Part) -> Iterator[Located]:
        """One hint an answer."""
        for line, text in answers_in(rows):
            if (rounds := rounds_at_end(text.text)) >= _ROUNDS:
                yield line, _loop(text.field, rounds)


class EmptyAnswers(DeepCheck):
    """Answers without a letter, a digit or a sign that says something."""

    name = "empty"

    def look(self, rows: Sequence[Said], part: Part) -> Iterator[Located]:
        """One warning an answer."""
        for line, text in answers_in(rows):
            if len(text.text) <= _SHORT and not text.text.strip(" \t\r\n.…-–—_*\"'"):
                yield line, _empty(text.field, text.text)


def rounds_at_end(text: str) -> int:
    """How often the last words of a text stand in its second half, where nothing else does.

    Lines of a table or a list share no end this long, and rulers of dashes are no words.
    """
    text = text.rstrip()
    tail = text[-_LOOP:]
    before = text.rfind(tail, max(len(text) - _REACH, 0), len(text) - 1)
    if before < 0 or not any(map(str.isalnum, tail)):
        return 0
    period, middle = len(text) - _LOOP - before, len(text) // 2
    is_one_loop = text[middle + period :] == text[middle : len(text) - period]
    return (len(text) - middle) // period if is_one_loop else 0


def _cut(field: str, reason: str) -> Finding:
    cure = "Complete the answer, or drop the row: a model trained on it learns to stop short."
    return Finding("answer.cut", field, "hint", reason, cure)


def _loop(field: str, rounds: int) -> Finding:
    reason = f"The second half of the answer says the same {rounds:,} times."
    cure = "Write the end anew, or drop the row: a model trained on it learns to get stuck."
    return Finding("answer.repetition", field, "hint", reason, cure)


def _empty(field: str, text: str) -> Finding:
    reason = f"The answer {quoted(text)} says nothing." if text.strip() else "The answer is blank."
    return Finding("answer.blank", field, "warning", reason, "Write the answer, or drop the row.")
