"""Runs, their events and checkpoints on OpenAI's wire, read from their JSON as it was written."""

import re

from app.providers.base import CheckpointInfo, RunEvent, RunReport
from app.providers.openai import runs
from app.providers.openai.wire import json_object
from app.providers.reading import TunedName

# ft:gpt-4o-mini-2024-07-18:acme:routing:AbCd1234, with :ckpt-step-90 behind it for a checkpoint.
TUNED = re.compile(
    r"(?P<made_as>ft:(?P<base>[^:]+):[^:]*:(?P<suffix>[^:]*):[^:]+)(?::ckpt-step-(?P<step>\d{1,9}))?"
)
# gpt-4.1-2025-04-14.ft-0123456789abcdef0123456789abcdef-routing, as Azure names them.
AZURES = re.compile(r"(?P<base>.+)\.ft-[0-9a-f]{32}(?:-(?P<suffix>.+))?")
# curie:ft-acme-2023-01-01-10-00-00, from before 2024.
OLDEST = re.compile(r"(?P<base>[a-z0-9-]+):ft-.+")


def run(raw: bytes) -> RunReport | None:
    """A job object."""
    data = json_object(raw)
    return runs.report(data) if data is not None else None


def event(raw: bytes) -> RunEvent | None:
    """One line of a job's events."""
    data = json_object(raw)
    return runs.event(data) if data is not None else None


def checkpoint(raw: bytes) -> CheckpointInfo | None:
    """One checkpoint of a job."""
    data = json_object(raw)
    return runs.checkpoint(data) if data is not None else None


def tuned(name: str) -> TunedName | None:
    """What a model's name says of how it came about; None for a base model."""
    if found := TUNED.fullmatch(name):
        step = found["step"]
        return TunedName(
            found["base"],
            found["suffix"] or None,
            found["made_as"] if step else None,
            int(step) if step else None,
        )
    if found := AZURES.fullmatch(name):
        return TunedName(found["base"], found["suffix"])
    found = OLDEST.fullmatch(name)
    return TunedName(found["base"]) if found else None
