"""Names of models that scripts ask for, and the trainer's own model that answers in their place.

Off unless whoever runs the trainer says so. What is answered names the trainer's model: a practice
model never goes by the name of a GPT.
"""

import os
from collections.abc import Mapping
from functools import lru_cache

from app.trainer.engines.registry import BASE_MODELS

VARIABLE = "LUTHIER_TRAINER_STAND_INS"


@lru_cache
def stand_ins() -> Mapping[str, str]:
    """`gpt-4o-mini-2024-07-18=practice-small, …` of the environment. Raises SystemExit."""
    pairs = [
        pair.partition("=") for pair in os.environ.get(VARIABLE, "").split(",") if pair.strip()
    ]
    found = {name.strip(): own.strip() for name, _, own in pairs}
    for name, own in found.items():
        if not name or own not in BASE_MODELS:
            known = ", ".join(BASE_MODELS)
            raise SystemExit(
                f"{VARIABLE} pairs a name with one of: {known}. It has '{name}={own}'."
            )
    return found


def own_name(name: str) -> str:
    """The model that is meant."""
    return stand_ins().get(name, name)
