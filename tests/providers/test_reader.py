"""What providers wrote, read again without a connection."""

import json

import pytest

from app.providers.base import RunStatus
from app.providers.reading import READERS, TunedName, reader_of
from app.providers.registry import PROVIDERS

BASE = "gpt-4o-mini-2024-07-18"
AZURES = "gpt-4.1-2025-04-14.ft-" + "0a" * 16


@pytest.fixture
def reader():
    return reader_of("openai")


def test_what_every_provider_wrote_can_be_read():
    assert READERS.keys() == PROVIDERS.keys()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (f"ft:{BASE}:acme:routing:AbCd1234", TunedName(BASE, "routing")),
        (f"ft:{BASE}:acme::AbCd1234", TunedName(BASE)),
        (
            f"ft:{BASE}:acme:routing:AbCd1234:ckpt-step-90",
            TunedName(BASE, "routing", f"ft:{BASE}:acme:routing:AbCd1234", 90),
        ),
        (AZURES, TunedName("gpt-4.1-2025-04-14")),
        (f"{AZURES}-routing", TunedName("gpt-4.1-2025-04-14", "routing")),
        ("curie:ft-acme-2023-01-01-10-00-00", TunedName("curie")),
        (BASE, None),
        ("ft:", None),
        ("", None),
    ],
)
def test_a_models_name_says_how_it_came_about(reader, name, said):
    assert reader.tuned(name) == said


def test_jobs_events_and_checkpoints_are_read(reader):
    run = reader.run(json.dumps({"id": "ftjob-1", "status": "succeeded", "model": BASE}).encode())
    event = reader.event(b'{"id": "ftevent-1", "type": "metrics", "data": {"step": 1}}')
    saved = reader.checkpoint(
        b'{"id": "c", "fine_tuned_model_checkpoint": "ft:m", "step_number": 3}'
    )

    assert (run.run_id, run.status, run.base_model) == ("ftjob-1", RunStatus.SUCCEEDED, BASE)
    assert (event.kind, event.data) == ("metrics", {"step": 1})
    assert (saved.model_name, saved.step) == ("ft:m", 3)


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{}", b"\xff", b"{" * 100_000])
def test_what_is_none_is_none(reader, raw):
    assert reader.run(raw) is None
    assert reader.event(raw) is None
    assert reader.checkpoint(raw) is None
