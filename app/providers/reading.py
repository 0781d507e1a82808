"""What a provider wrote of its runs, read again from where it lies: no connection is needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.providers.base import CheckpointInfo, RunEvent, RunReport

__all__ = ["Reader", "TunedName", "reader_of"]


@dataclass(frozen=True, slots=True)
class TunedName:
    """What the name of a tuned model says. `made_as` is the model of which it is a checkpoint."""

    base_model: str
    suffix: str | None = None
    made_as: str | None = None
    step: int | None = None


class Reader(Protocol):
    """Reads the JSON of one kind of provider. None where it is not what it should be."""

    def run(self, raw: bytes) -> RunReport | None: ...
    def event(self, raw: bytes) -> RunEvent | None: ...
    def checkpoint(self, raw: bytes) -> CheckpointInfo | None: ...
    def tuned(self, name: str) -> TunedName | None: ...


def _openai() -> Reader:
    # With its package comes the SDK, which takes a second to import.
    from app.providers.openai import reading  # noqa: PLC0415

    return reading


READERS: Mapping[str, Callable[[], Reader]] = {"openai": _openai}


def reader_of(kind: str) -> Reader:
    """The reader of a connection's kind."""
    return READERS[kind]()
