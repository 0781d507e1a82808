"""A row as a person reads it: turns, two answers side by side, fields; plain values for a page."""

from dataclasses import dataclass

TEXT_LENGTH = 20_000


def cut(text: str, length: int = TEXT_LENGTH) -> str:
    """As much of a text as a page shows."""
    return text if len(text) <= length else f"{text[:length]}…"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of an assistant turn; `arguments` is the JSON text as it stands in the row."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """An image, a sound or a file in a turn, which nobody fetches: `host` of its address, or `size`
    in bytes of one that stands in the row itself. `kind` is image, audio or file.
    """

    kind: str
    host: str | None = None
    size: int | None = None
    media_type: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `role` system, developer, user, assistant, tool or function; `weight` only where
    the row says one; `is_trained` is True for assistant turns a job learns from.
    """

    role: str
    text: str
    is_trained: bool = False
    weight: int | None = None
    name: str | None = None
    calls: tuple[Call, ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One of several answers to the same turns. `title` says which, such as "Preferred"."""

    title: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A named value beside the conversation, which a grader or a template may use."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row. `answers` stand side by side under the turns; `fields` under all; `tools` are the
    names of the tools the row offers.
    """

    turns: tuple[Turn, ...] = ()
    answers: tuple[Answer, ...] = ()
    fields: tuple[Field, ...] = ()
    tools: tuple[str, ...] = ()
