"""What promptfoo asserts, as graders: one for an assertion that every test has, and one of Python
for those that only some tests have.

Their names and defaults: promptfoo's configuration reference and src/assertions.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.evaluations.imports import native, own
from app.evaluations.imports.base import Telling, mapping, objects
from app.evaluations.imports.native import Assertion, Unlike
from app.evaluations.imports.nunjucks import Names, Untranslatable, filled, translated
from app.formats.base import JsonObject
from app.graders.reading import InvalidGrader, read_grader

OWN_FIELD = "asserts"
# What is called the right answer, where a test asserts several things.
REFERENCES = ("equals", "contains", "icontains", "rouge-n", "bleu", "gleu", "meteor")
DROPPED = "It weighs nothing, so it decides nothing there; it is left out."
SOME = "Only some tests assert it."
FEW = "Only some tests assert it, and a judge here grades every case."


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a suite: where it stands, its values, what it asserts."""

    place: str
    item: JsonObject
    asserts: list[Any]
    judge: str | None = None


@dataclass(slots=True)
class Checks:
    """The graders of a suite, and for each test: the fields they add to its item, its right answer,
    and the grader (by place) of each assertion in its order, None where it did not carry over.
    """

    graders: list[JsonObject] = field(default_factory=list)
    fields: list[JsonObject] = field(default_factory=list)
    references: list[str | None] = field(default_factory=list)
    places: list[list[int | None]] = field(default_factory=list)


Key = tuple[str, str, int]
"""An assertion's type, everything of it but the value, and which of such it is in its test."""


def checks_of(tests: Sequence[Test], names: Names, judge: str | None, telling: Telling) -> Checks:
    """The graders that these tests ask for. `judge` judges where no model is named."""
    found = Checks(
        fields=[{} for _ in tests],
        references=[None for _ in tests],
        places=[[] for _ in tests],
    )
    read = [_read(test, judge, names) for test in tests]
    by_key: dict[Key, list[tuple[int, int, Assertion]]] = {}
    for at, assertions in enumerate(read):
        found.places[at] = [None] * len(assertions)
        seen: Counter[tuple[str, str]] = Counter()
        for nth, one in enumerate(assertions):
            kind = (one.type, one.settings)
            by_key.setdefault((*kind, seen[kind]), []).append((at, nth, one))
            seen[kind] += 1
    making = _Making(tests, names, telling, found)
    for several in by_key.values():
        making.add(several)
    making.add_own()
    for at, (test, assertions) in enumerate(zip(tests, read, strict=True)):
        found.references[at] = _reference(test, assertions, names)
    return found


def _read(test: Test, judge: str | None, names: Names) -> list[Assertion]:
    """A test's assertions in a row; those of a set stand in its place."""
    found: list[Assertion] = []
    for number, one in enumerate(test.asserts, start=1):
        at = f"{test.place}, assertion {number}"
        given = mapping(one)
        inner = objects(given.get("assert"))
        is_plain_set = given.get("type") == "assert-set" and given.get("threshold") is None
        found += [
            native.assertion_of(each, at, test.judge or judge, names)
            for each in (inner if is_plain_set else [given])
        ]
    return found


class _Making:
    """Puts a suite's graders together."""

    def __init__(
        self, tests: Sequence[Test], names: Names, telling: Telling, checks: Checks
    ) -> None:
        self.tests, self.names, self.telling, self.checks = tests, names, telling, checks
        self.own: list[tuple[int, int, Assertion]] = []
        self.taken = {name for test in tests for name in test.item}

    def add(self, several: list[tuple[int, int, Assertion]]) -> None:
        """One assertion, in all the tests that have it."""
        first = several[0][2]
        if first.weight == 0:
            self.telling(first.place, f"{first.type}: {DROPPED}")
            return
        try:
            place = self._keep(self._for_all(several), first)
            for at, nth, _ in several:
                self.checks.places[at][nth] = place
        except Unlike as error:
            self._tell(several, str(error))
        except Untranslatable as error:
            if own.knows(first):
                self.own += several
            else:
                self._tell(several, str(error))

    def _tell(self, several: list[tuple[int, int, Assertion]], words: str) -> None:
        for _, _, one in several:
            self.telling(one.place, f"{one.type}: {words}")

    def _for_all(self, several: list[tuple[int, int, Assertion]]) -> JsonObject:
        """A grader for every case. Raises Untranslatable where it takes Python, Unlike where it
        takes more.
        """
        first = several[0][2]
        native.check_known(first)
        if len(several) < len(self.tests):
            raise Unlike(FEW) if first.type in native.JUDGED else Untranslatable(SOME)
        is_same = len({json.dumps(one.value, sort_keys=True) for _, _, one in several}) == 1
        if is_same:
            text = first.value
            is_template = isinstance(text, str) and first.type not in native.CODE
            return native.grader_of(first, translated(text, self.names) if is_template else text)
        if first.type not in native.FILLED:
            raise Untranslatable("Its value is another in each test.")
        texts = {
            at: filled(native.text_of(one.value), self.tests[at].item, self.names)
            for at, _, one in several
        }
        name = self._free("expected" if first.type == "equals" else first.type.replace("-", "_"))
        grader = native.grader_of(first, f"{{{{ item.{name} }}}}")
        for at, text in texts.items():
            self.checks.fields[at][name] = text
        return grader

    def _free(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}_{number}", number + 1
        self.taken.add(name)
        return name

    def _keep(self, grader: JsonObject, first: Assertion) -> int:
        """The grader's place. Raises Untranslatable where it cannot be one here."""
        try:
            read_grader(grader)
        except InvalidGrader as error:
            raise Untranslatable(error.message) from error
        self.checks.graders.append(grader)
        if note := native.NOTES.get(first.type):
            self.telling(first.place, f"{first.type}: {note}")
        return len(self.checks.graders) - 1

    def add_own(self) -> None:
        """The grader of what only some tests assert."""
        name = self._free(OWN_FIELD)
        place = len(self.checks.graders)
        is_used = False
        for at, nth, one in sorted(self.own, key=lambda found: found[:2]):
            try:
                said = own.said(one, self.tests[at].item, self.names)
            except Untranslatable as error:
                self.telling(one.place, f"{one.type}: {error}")
                continue
            self.checks.fields[at].setdefault(name, []).append(said)
            self.checks.places[at][nth] = place
            is_used = True
        if is_used:
            self.checks.graders.append(own.grader(name))


def _reference(test: Test, assertions: list[Assertion], names: Names) -> str | None:
    for kind in REFERENCES:
        for one in assertions:
            if one.type == kind and isinstance(one.value, str | int | float):
                try:
                    return filled(native.text_of(one.value), test.item, names)
                except Untranslatable:
                    return None
    return None
