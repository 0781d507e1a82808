"""The settings of a grader as data, so that a form can draw itself from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

Kind = Literal[
    "text",  # one line
    "texts",  # several
    "template",  # a text with places to fill
    "choice",  # one of several
    "choices",  # any of several
    "number",
    "integer",
    "switch",  # yes or no
    "range",  # two numbers, the lower first
    "json",  # an object
    "code",
    "pattern",
    "formula",
    "messages",
    "sampling",
    "graders",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
LAST = "pass_threshold"


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that may be chosen, in words."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a grader: what a form needs to ask for it.

    `default` is what holds where nothing is given; `example` is what a form may begin with.
    """

    name: str
    kind: Kind
    label: str
    help: str
    is_required: bool
    default: Any
    example: Any
    choices: tuple[Choice, ...]
    minimum: float | None
    maximum: float | None


def setting(
    kind: Kind,
    label: str,
    words: str,
    *,
    default: Any = ...,
    example: Any = None,
    choices: Mapping[str, str] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """A field of a grader's model that can be shown; `words` help who fills it in."""
    told: Any = {"kind": kind, "choices": choices or {}, "bounds": (minimum, maximum)}
    return Field(
        default,
        title=label,
        description=words,
        examples=None if example is None else [example],
        json_schema_extra=told,
        ge=minimum,
        le=maximum,
    )


def settings_of(grader: type[BaseModel]) -> tuple[Setting, ...]:
    """The settings of this type of grader in the order of a form; `type` is none of them."""
    fields = [(name, info) for name, info in grader.model_fields.items() if name != "type"]
    return tuple(_shown(*field) for field in sorted(fields, key=lambda field: field[0] == LAST))


def _shown(name: str, info: FieldInfo) -> Setting:
    told: Any = info.json_schema_extra
    is_required = info.is_required()
    minimum, maximum = told["bounds"]
    return Setting(
        name=name,
        kind=told["kind"],
        label=str(info.title),
        help=str(info.description),
        is_required=is_required,
        default=None if is_required else info.get_default(call_default_factory=True),
        example=info.examples[0] if info.examples else None,
        choices=tuple(Choice(value, label) for value, label in told["choices"].items()),
        minimum=minimum,
        maximum=maximum,
    )
