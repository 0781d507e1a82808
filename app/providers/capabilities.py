"""What a provider can do, said as data, so that no page asks which provider it is."""

import math
import re
from dataclasses import dataclass
from typing import Literal

AUTO = "auto"
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)

ParameterValue = int | float | str
# How the run of an order is found again: by a list that can be filtered for its metadata, by
# looking through the list for it, or for the end of its suffix, where metadata may not come back.
Tagging = Literal["metadata_list", "metadata_scan", "suffix"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One dial of a job.

    `name` is OpenAI's; `minimum` and `maximum` bound a number, or a text's length.
    """

    name: str
    label: str
    kind: Literal["integer", "number", "text"]
    help: str
    methods: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    suggested_minimum: float | None = None
    suggested_maximum: float | None = None
    auto: bool = False
    default: ParameterValue | None = None
    pattern: str | None = None

    def accept(self, raw: object) -> ParameterValue | None:
        """Read what a person or a script gave; nothing given is the default.

        Raises ValueError with a sentence for the form. Digits are ASCII, so that "१२" is
        not quietly 12.
        """
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            return self.default
        if self.auto and raw == AUTO:
            return AUTO
        if self.kind == "text":
            return self._text(raw)
        return self._within(self._number(raw))

    def _text(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError(f"{self.label} must be text.")  # noqa: TRY004 - one error for forms
        if self.minimum is not None and len(raw) < self.minimum:
            raise ValueError(f"{self.label} must have at least {self.minimum:.0f} characters.")
        if self.maximum is not None and len(raw) > self.maximum:
            raise ValueError(f"{self.label} can have at most {self.maximum:.0f} characters.")
        if self.pattern is not None and not re.fullmatch(self.pattern, raw, re.ASCII):
            raise ValueError(f"{self.label} may have letters, digits, dashes and underscores only.")
        return raw

    def _number(self, raw: object) -> int | float:
        wanted = "a whole number" if self.kind == "integer" else "a number"
        wanted += f' or "{AUTO}"' if self.auto else ""
        text = raw.strip() if isinstance(raw, str) else str(raw)
        is_number = isinstance(raw, (int, float, str)) and not isinstance(raw, bool)
        if is_number and self.kind == "integer" and INTEGER.fullmatch(text):
            return int(text)
        if (
            is_number
            and self.kind == "number"
            and NUMBER.fullmatch(text)
            and math.isfinite(float(text))
        ):
            return float(text)
        raise ValueError(f"{self.label} must be {wanted}.")

    def _within(self, value: float) -> int | float:
        if self.above is not None and value <= self.above:
            raise ValueError(f"{self.label} must be more than {self.above:g}.")
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"{self.label} must be at least {self.minimum:.12g}.")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"{self.label} can be at most {self.maximum:.12g}.")
        return value


@dataclass(frozen=True, slots=True)
class Method:
    """A way of tuning, under OpenAI's name, with the dataset formats it takes."""

    name: str
    label: str
    help: str
    formats: tuple[str, ...]
    needs_validation: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One provider as the product sees it. Sizes are bytes, durations seconds.

    `options` are dials of the job itself (suffix, seed), `parameters` those of its method.
    `abilities` names further things it can do: "cancel", "checkpoints", "pause", "archive" (its
    history can be read: `providers.archive.Archives`), "hooks" (it can be told where to announce
    ended runs: `providers.hooks.Hooks`), "moderation" (it judges texts:
    `providers.moderation.Moderates`). A page offers nothing that is not here.
    """

    label: str
    is_ours: bool
    is_free: bool
    methods: tuple[Method, ...]
    options: tuple[Parameter, ...]
    parameters: tuple[Parameter, ...]
    abilities: tuple[str, ...]
    minimum_rows: int
    tagging: Tagging
    page_size: int
    requests_per_minute: int
    watch_seconds: float
    file_limit: int | None = None
    row_token_cap: int | None = None

    def method(self, name: str) -> Method | None:
        """The method of that name, or None where this provider does not offer it."""
        return next((method for method in self.methods if method.name == name), None)

    def parameters_of(self, method: str) -> tuple[Parameter, ...]:
        """The hyperparameters of one method, in the order a form shows them."""
        return tuple(parameter for parameter in self.parameters if method in parameter.methods)
