"""The adapter keeps its contract at our own trainer too, with real training."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.connections.signatures import NotGenuine, genuine
from app.core.http import HttpOptions
from app.providers.base import FilePart, Hooks, NotFound, ProviderUnavailable
from app.providers.openai import OpenAIProvider
from tests.processes import free_port, launch
from tests.providers.contract import ProviderContract, upload
from tests.trainer.receiver import Receiver
from tests.waiting import eventually

KEY = "luthier-trainer-key-for-tests"


class TrainerWorld:
    """A trainer that really trains."""

    base_model = "practice-small"

    def __init__(self, port, receiver):
        self.port, self.receiver = port, receiver

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
    receiver = Receiver()
    env = {"LUTHIER_TRAINER_KEYS": KEY, "LUTHIER_ALLOW_HOSTS": receiver.host}
    program = launch(home, "trainer", "--port", str(port), output="trainer", **env)
    world = TrainerWorld(port, receiver)
    try:
        with world.open() as provider:
            eventually(lambda: _answers(provider), within=30)
        yield world
    finally:
        program.process.terminate()
        program.clear_away()
        receiver.close()


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


class TestHooks:
    """Its webhooks, made and rotated by its own API, are believed here."""

    @pytest.fixture
    def provider(self, trainer):
        with trainer.open() as provider:
            yield provider

    def test_an_endpoint_is_made_rotated_tried_and_removed(self, trainer, provider):
        assert "hooks" in provider.capabilities().abilities
        assert isinstance(provider, Hooks)
        url = trainer.receiver.url("/hooks/x")
        made = provider.create_hook("Luthier: Practice", url)
        assert made.secret not in repr(made)
        assert (made.endpoint_id, url) in {
            (one.endpoint_id, one.url) for one in provider.hook_endpoints()
        }
        rotated = provider.rotate_hook(made.endpoint_id)
        assert rotated.secret != made.secret
        assert provider.test_hook(made.endpoint_id) == 200
        (arrived,) = trainer.receiver.at("/hooks/x")
        headers = [(name.encode(), value.encode()) for name, value in arrived.headers.items()]
        for secret in (made.secret, rotated.secret):
            found = genuine(headers, arrived.body, [secret], datetime.now(UTC))
            assert (found.type, found.run_id) == ("fine_tuning.job.succeeded", "ftjob-sample")
        with pytest.raises(NotGenuine):
            genuine(headers, arrived.body + b" ", [made.secret], datetime.now(UTC))
        provider.delete_hook(made.endpoint_id)
        for ask in (provider.rotate_hook, provider.test_hook, provider.delete_hook):
            with pytest.raises(NotFound):
                ask(made.endpoint_id)
