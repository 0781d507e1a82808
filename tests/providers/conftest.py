"""A witness for these tests, and providers that talk to it."""

import pytest

from app.core.http import HttpOptions
from app.providers.base import RunRequest
from app.providers.openai import OpenAIProvider
from tests.providers.contract import upload
from tests.witness import handle


@pytest.fixture(scope="session")
def _shared_witness(tmp_path_factory):
    with handle.running(tmp_path_factory.mktemp("witness")) as witness:
        yield witness


@pytest.fixture
def witness(_shared_witness):
    """A witness as new; do not kill it."""
    _shared_witness.reset()
    return _shared_witness


@pytest.fixture
def mortal_witness(tmp_path):
    """A witness of this test alone, to be killed."""
    with handle.running(tmp_path) as started:
        yield started


@pytest.fixture
def open_at():
    """Open providers at a witness; they are closed after the test."""
    opened = []

    def open_one(witness, *, profile="openai", key=handle.KEY, **http):
        options = HttpOptions(allow=frozenset({witness.host}), **http)
        provider = OpenAIProvider(witness.url, key, profile, options)
        opened.append(provider)
        return provider

    yield open_one
    for provider in opened:
        provider.close()


@pytest.fixture
def provider(open_at, witness):
    return open_at(witness)


@pytest.fixture
def order(provider, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"{}\n" * 10)
    file = upload(provider, path, "rows.jsonl")
    return RunRequest(
        base_model="gpt-4o-mini-2024-07-18",
        training_file_id=file.file_id,
        method="supervised",
        op_key="op-1",
        instance="here",
    )
