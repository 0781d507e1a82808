"""What a service says of training files, as data beside its profile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from app.formats.base import Severity

# "none": the service minds it not at all.
Weight = Severity | Literal["none"]
Weights = Mapping[str, Weight]


@dataclass(frozen=True, slots=True)
class MethodRules:
    """How a service tunes by one method, under OpenAI's name, whether Luthier can start it there or
    not. `weights` are as in RowRules, and come before those.
    """

    name: str
    label: str
    formats: tuple[str, ...]
    needs_validation: bool = False
    weights: Weights = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """What a service does of which no file can tell. It is a hint, said of all `rows` or of
    those with `images`.
    """

    rule: str
    about: Literal["rows", "images"]
    reason: str
    cure: str


@dataclass(frozen=True, slots=True)
class RowRules:
    """What is known of how a service reads rows, and who says so.

    `weights` say of a rule what breaking it means here, where that is not what its finding is by
    itself: "error" is refused. `byte_order_mark` is what its documents say of one; `image_rows`
    how many rows of a file may show images. `job_tokens` is how many tokens a job may go
    through, all epochs together.
    """

    source: str
    read_on: date
    methods: tuple[MethodRules, ...]
    weights: Weights = field(default_factory=dict)
    byte_order_mark: Literal["wanted", "unwanted"] | None = None
    image_rows: int | None = None
    job_tokens: int | None = None
    notes: tuple[Note, ...] = ()

    def method(self, name: str) -> MethodRules | None:
        """The method of that name, where the service has it."""
        return next((method for method in self.methods if method.name == name), None)

    def methods_for(self, format_: str) -> tuple[MethodRules, ...]:
        """The methods that take rows of this format."""
        return tuple(method for method in self.methods if format_ in method.formats)

    def weight(self, method: MethodRules, rule: str, otherwise: Weight) -> Weight:
        """What breaking a rule means for this method here."""
        return method.weights.get(rule) or self.weights.get(rule) or otherwise
