"""A witness of these tests, and the SDK as its owner would use it."""

import openai
import pytest

from tests.witness import handle


@pytest.fixture(scope="session")
def _shared_witness(tmp_path_factory):
    with handle.running(tmp_path_factory.mktemp("witness")) as started:
        yield started


@pytest.fixture
def witness(_shared_witness):
    _shared_witness.reset()
    return _shared_witness


@pytest.fixture
def client_of():
    """The SDK with a project's key, or the admin's; it never tries twice."""
    opened = []

    def open_one(witness, key=None):
        given = key or witness.key
        opened.append(
            openai.OpenAI(
                api_key=given, admin_api_key=given, base_url=witness.url, max_retries=0, timeout=10
            )
        )
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def client(witness, client_of):
    return client_of(witness)
