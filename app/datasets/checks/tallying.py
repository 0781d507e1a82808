"""Add the measured rows up, in bounded memory whatever the file holds."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from xxhash import xxh3_64_intdigest

from app.datasets.checks.base import (
    LABEL_LENGTH,
    LABEL_LIMIT,
    SHAPE_LIMIT,
    SYSTEM_LENGTH,
    SYSTEM_LIMIT,
    Tally,
)
from app.datasets.index import Flag
from app.formats.base import Measured

_LONG = 256
_TOGETHER = 5_000
_CODES = 2**53 - 1  # JavaScript reads larger numbers wrongly
_ROLES_SHOWN = _TAGS_SHOWN = 16
_MULTI_TURN, _SYSTEM = int(Flag.MULTI_TURN), int(Flag.SYSTEM)

Spent = tuple[int, ...]  # the tokens of each message of a row


class Tallier:
    """Rows of one shape, which is their roles in order, are added up before roles are."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        # By roles: the rows' tokens by message, flags, where the last answer is from the end.
        self._shapes: dict[tuple[str, ...], list[Any]] = {}
        self._waiting = 0
        self._codes = {label: label_code(label) for label in tally.labels or ()}

    def add(self, measured: Measured) -> tuple[int, int, int]:
        """Count a row; the flags it has earned, the tokens of its last answer, and which label that
        is.
        """
        tally = self.tally
        shape = self._shapes.get(measured.roles) or self._new_shape(measured.roles)
        shape[0].append(measured.role_tokens)
        flags: int = shape[1]
        tally.trained_messages += measured.trained
        label = self._label(tally.labels, measured.answer) if tally.labels is not None else 0
        if measured.system is not None:
            self._system(measured.system)
            flags |= _SYSTEM
        if measured.has_tools:
            tally.definition_tokens += measured.definition_tokens
            flags |= Flag.TOOLS
        if measured.has_images:
            flags |= Flag.IMAGES
        if measured.has_weights:
            flags |= Flag.WEIGHTS
        if measured.tags:
            self._tags(measured.tags)
        last = shape[2]
        self._waiting += 1
        if self._waiting == _TOGETHER:
            self.finish()
        return flags, measured.role_tokens[last] if last else 0, label

    def finish(self) -> None:
        """Add everything up by role and by number of messages, and begin anew."""
        turns = self.tally.turns
        for roles, (rows, *_) in self._shapes.items():
            turns[len(roles)] = turns.get(len(roles), 0) + len(rows)
            for role, messages, spent in _by_role(roles, rows):
                name = self._name(role)
                total = self.tally.roles.setdefault(name, [0, 0, 0])
                total[0] += messages * len(rows)
                total[1] += len(rows)
                total[2] += sum(spent)
                lengths = self.tally.lengths.setdefault(name, {})
                for tokens, times in Counter(spent).items():
                    lengths[tokens] = lengths.get(tokens, 0) + times
        self._shapes.clear()
        self._waiting = 0

    def _new_shape(self, roles: tuple[str, ...]) -> list[Any]:
        if len(self._shapes) >= SHAPE_LIMIT or len(roles) > _LONG:
            self.finish()
        flags = _MULTI_TURN if roles.count("assistant") > 1 else 0
        last = -1 - roles[::-1].index("assistant") if "assistant" in roles else 0
        shape = self._shapes[roles] = [[], flags, last]
        return shape

    def _name(self, role: str) -> str:
        roles = self.tally.roles
        if role not in roles and len(roles) >= _ROLES_SHOWN:
            role = "other"
        return role[:LABEL_LENGTH]

    def _label(self, labels: dict[str, int], answer: str | None) -> int:
        """The code of the answer as a label; 0 where it cannot be one."""
        if answer is None or len(answer) > LABEL_LENGTH or "\n" in answer:
            self.tally.unlabelled += 1
            return 0
        code = self._codes.get(answer)
        if code is None:
            code = self._codes[answer] = label_code(answer)
        labels[answer] = labels.get(answer, 0) + 1
        if len(labels) > LABEL_LIMIT:
            self.tally.labels = None
        return code

    def _tags(self, tags: Iterable[tuple[str, str]]) -> None:
        """Count the values of the first few fields, until one has too many to be a kind of row."""
        seen = self.tally.tags
        for name, value in tags:
            if name in seen or len(seen) < _TAGS_SHOWN:
                counts = seen.setdefault(name, {})
                if counts is not None:
                    counts[value] = counts.get(value, 0) + 1
                    seen[name] = counts if len(counts) <= LABEL_LIMIT else None

    def _system(self, text: str) -> None:
        systems = self.tally.systems
        seen = systems.get(text)
        if seen is not None:
            systems[text] = seen + 1
        elif len(text) <= SYSTEM_LENGTH:
            if len(systems) >= SYSTEM_LIMIT:
                for rare in [prompt for prompt, rows in systems.items() if rows == 1]:
                    del systems[rare]
            if len(systems) < SYSTEM_LIMIT:
                systems[text] = 1


def label_code(label: str) -> int:
    """What stands for a label in a row and in an address: the same wherever it is met, never 0."""
    return xxh3_64_intdigest(label.encode()) % _CODES + 1


def _by_role(roles: tuple[str, ...], rows: Sequence[Spent]) -> Iterator[tuple[str, int, Spent]]:
    """Of rows of one shape, each role: how many messages it has in a row, and its tokens by row."""
    places: dict[str, list[int]] = {}
    for at, role in enumerate(roles):
        places.setdefault(role, []).append(at)
    for role, where in places.items():
        spent: Iterator[Any] = map(itemgetter(*where), rows)
        yield role, len(where), tuple(spent if len(where) == 1 else map(sum, spent))
