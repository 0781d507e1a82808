"""What many pages share: the state of a form, and what went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FormState:
    """What was typed and what is wrong with it, by field; the key "" is about the whole form."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorView:
    """`message` is one sentence for a person, `reference` what the log knows this failure by."""

    status: int
    title: str
    message: str
    reference: str | None = None
