"""The adapter keeps its contract at our own trainer too, with real training."""

from dataclasses import replace

import pytest

from app.core.http import HttpOptions
from app.providers.base import FilePart, ProviderUnavailable
from app.providers.openai import OpenAIProvider
from tests.processes import free_port, launch
from tests.providers.contract import ProviderContract, upload
from tests.waiting import eventually

KEY = "luthier-trainer-key-for-tests"


class TrainerWorld:
    """A trainer that really trains."""

    base_model = "practice-small"

    def __init__(self, port):
        self.port = port

    def open(self, key=None):
        options = HttpOptions(allow=frozenset({f"127.0.0.1:{self.port}"}))
        return OpenAIProvider(f"http://127.0.0.1:{self.port}/v1", key or KEY, "luthier", options)

    def hold(self, run):
        return replace(run, hyperparameters={"n_epochs": 50, "batch_size": 1})

    def finish(self, run_id):
        with self.open() as provider:
            eventually(lambda: provider.report(run_id).status.has_ended, within=60)


@pytest.fixture(scope="module")
def trainer(tmp_path_factory):
    home, port = tmp_path_factory.mktemp("trainer") / "home", free_port()
    program = launch(
        home, "trainer", "--port", str(port), output="trainer", LUTHIER_TRAINER_KEYS=KEY
    )
    world = TrainerWorld(port)
    try:
        with world.open() as provider:
            eventually(lambda: _answers(provider), within=30)
        yield world
    finally:
        program.process.terminate()
        program.clear_away()


def _answers(provider):
    try:
        return provider.base_models()
    except ProviderUnavailable:
        return None


class TestContract(ProviderContract):
    @pytest.fixture
    def world(self, trainer):
        return trainer

    def test_the_trainer_makes_itself_known(self, provider):
        account = provider.check_key()

        assert account.is_trainer
        assert account.profile == "luthier"

    def test_a_file_larger_than_a_part_goes_in_parts_and_arrives_whole(self, provider, tmp_path):
        path = tmp_path / "large.jsonl"
        path.write_bytes(b"\n" * (64 * 2**20 + 1000))
        state = provider.upload(FilePart(path, "large.jsonl", path.stat().st_size))
        assert (state.file, state.sent) == (None, 64 * 2**20)

        found = upload(provider, path, "large-too.jsonl")

        assert (found.name, found.size) == ("large-too.jsonl", path.stat().st_size)
        assert b"".join(provider.download(found.file_id)) == path.read_bytes()
