"""Add the measured rows up, in bounded memory whatever the file holds."""

from operator import add
from typing import Any

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
_ROLES_SHOWN = 16
_MULTI_TURN, _SYSTEM = int(Flag.MULTI_TURN), int(Flag.SYSTEM)


class Tallier:
    """Rows of one shape, which is their roles in order, are added up before roles are."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        # By roles: rows, tokens by message, flags, where the last answer is from the end.
        self._shapes: dict[tuple[str, ...], list[Any]] = {}

    def add(self, measured: Measured) -> tuple[int, int]:
        """Count a row; the flags it has earned, and the tokens of its last answer."""
        tally = self.tally
        shape = self._shapes.get(measured.roles) or self._new_shape(measured.roles)
        shape[0] += 1
        shape[1] = list(map(add, shape[1], measured.role_tokens))
        flags: int = shape[2]
        tally.trained_messages += measured.trained
        if tally.labels is not None:
            self._label(tally.labels, measured.answer)
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
        return flags, measured.role_tokens[shape[3]] if shape[3] else 0

    def finish(self) -> None:
        """Add everything up by role and by number of messages, and begin anew."""
        turns = self.tally.turns
        for roles, (rows, tokens, *_) in self._shapes.items():
            turns[len(roles)] = turns.get(len(roles), 0) + rows
            for role, spent in zip(roles, tokens, strict=True):
                total = self._total(role)
                total[0] += rows
                total[2] += spent
            for role in set(roles):
                self._total(role)[1] += rows
        self._shapes.clear()

    def _new_shape(self, roles: tuple[str, ...]) -> list[Any]:
        if len(self._shapes) >= SHAPE_LIMIT or len(roles) > _LONG:
            self.finish()
        flags = _MULTI_TURN if roles.count("assistant") > 1 else 0
        last = -1 - roles[::-1].index("assistant") if "assistant" in roles else 0
        shape = self._shapes[roles] = [0, [0] * len(roles), flags, last]
        return shape

    def _total(self, role: str) -> list[int]:
        roles = self.tally.roles
        if role not in roles and len(roles) >= _ROLES_SHOWN:
            role = "other"
        return roles.setdefault(role[:LABEL_LENGTH], [0, 0, 0])

    def _label(self, labels: dict[str, int], answer: str | None) -> None:
        if answer is None or len(answer) > LABEL_LENGTH or "\n" in answer:
            self.tally.unlabelled += 1
        else:
            labels[answer] = labels.get(answer, 0) + 1
            if len(labels) > LABEL_LIMIT:
                self.tally.labels = None

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
