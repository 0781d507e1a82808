"""`regex`: does a pattern occur in the text, by RE2, whose time is bounded.

Engines that go back (Python's own, the package `regex`, fancy-regex) can be made to take minutes or
all memory by a short pattern, and a grader's pattern may come from anybody.
"""

from functools import cached_property
from typing import Any, Literal

import re2
from pydantic import field_validator

from app.graders.base import Answer, Case, Score, Ungradable
from app.graders.settings import setting
from app.graders.texts import Reads

LONGEST = 2_000
MOST_MEMORY = 1 << 20
MOST_STEPS = 20_000_000
"""Steps of the pattern's program times bytes of the text: RE2 takes 7 ns for each at the worst."""


class Regex(Reads):
    """1 where the pattern is found as asked, else 0. Its time: `MOST_STEPS`, at the very worst."""

    title = "Regular expression"
    purpose = "Does a pattern occur in the text, is it the whole text, or is it nowhere: 1 or 0."

    type: Literal["regex"]
    pattern: str = setting(
        "pattern",
        "Pattern",
        "RE2: as in most languages, but without (?=…), (?<=…) and \\1. (?i) ignores capitals; "
        "\\w and \\d are ASCII, \\pL is any letter.",
        example="(?i)order #\\d{6}",
    )
    matches: Literal["somewhere", "whole", "nowhere"] = setting(
        "choice",
        "Passes where it is",
        "The whole text, or any part of it.",
        default="somewhere",
        choices={
            "somewhere": "somewhere in the text",
            "whole": "the whole text",
            "nowhere": "nowhere in the text",
        },
    )

    @field_validator("pattern")
    @classmethod
    def _is_pattern(cls, pattern: str) -> str:
        _understood(pattern)
        return pattern

    @cached_property
    def _program(self) -> Any:
        return _understood(self.pattern)

    def score(self, case: Case, answer: Answer) -> Score:
        text = self.given(case, answer).encode()
        longest = MOST_STEPS // self._program.programsize
        if len(text) > longest:
            reason = f"The text is too long for this pattern: {longest:,} bytes are the most."
            raise Ungradable("other_error", reason)
        if self.matches == "whole":
            return Score(float(self._program.fullmatch(text) is not None))
        is_found = self._program.search(text) is not None
        return Score(float(is_found == (self.matches == "somewhere")))


def _understood(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        raise ValueError(f"A pattern has at most {LONGEST:,} characters.")
    options = re2.Options()
    options.max_mem = MOST_MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern.encode(), options)
    except UnicodeEncodeError as error:
        raise ValueError("The pattern holds half a character (a lone surrogate).") from error
    except re2.error as error:
        raise ValueError(_told(error.args[0].decode(errors="replace"))) from error


def _told(error: str) -> str:
    if "(?=" in error or "(?!" in error or "(?<" in error:
        cure = "Ask for each thing in a grader of its own, and join them in a multi grader."
        return f"RE2 has no lookaround ({error}). {cure}"
    if "invalid escape sequence" in error:
        return f"{error}. RE2 has no backreferences; write a backslash twice to mean itself."
    if "too large" in error or "repetition" in error:
        return f"{error}. Repeat less: {{1000}} is the most, all repetitions within one another."
    return f"{error}."
