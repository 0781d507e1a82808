"""The one list of engines; light: the server reads it, only a child imports an engine."""

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from app.trainer.engines.base import Engine


@dataclass(frozen=True)
class EngineEntry:
    """`module` has an attribute `ENGINE`; `base_models` are the names on the wire."""

    module: str
    base_models: tuple[str, ...]
    methods: tuple[str, ...]


ENGINES: dict[str, EngineEntry] = {
    "practice": EngineEntry(
        "app.trainer.engines.practice",
        ("practice-small",),
        ("supervised", "dpo", "reinforcement"),
    ),
}

BASE_MODELS: dict[str, str] = {
    model: name for name, entry in ENGINES.items() for model in entry.base_models
}


def load_engine(name: str) -> Engine:
    """Import the engine. Raises KeyError for a name that is not in the list."""
    return cast("Engine", import_module(ENGINES[name].module).ENGINE)
