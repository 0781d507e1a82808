"""Who may ask: named keys, made and revoked beside the running server, and never shown again."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import openai
import pytest

from app.trainer import key_commands, keys
from tests.processes import environment
from tests.trainer.conftest import KEY, ROOT, Trainer


def day_used(home: Path, name: str) -> int | None:
    return keys.days_used(home).get(name)


@pytest.mark.parametrize("key", ["wrong", "a-key-of-the-test", "a-key-of-the-testsx", "ключ"])
def test_a_wrong_key_is_refused_in_openais_words(trainer: Trainer, key: str):
    said = refusal(trainer, f"Bearer {key}")

    assert said["message"].startswith("Incorrect API key provided: ")
    assert key not in said["message"]
    assert (said["type"], said["param"]) == ("invalid_request_error", None)
    assert said["code"] == "invalid_api_key"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", f"Basic {KEY}", KEY])
def test_no_key_is_told_how_to_send_one(trainer: Trainer, header: str | None):
    said = refusal(trainer, header)

    assert said["message"].startswith("You didn't provide an API key.")
    assert (said["type"], said["code"]) == ("invalid_request_error", None)


def test_of_a_long_wrong_key_only_the_ends_are_shown(trainer: Trainer):
    with pytest.raises(openai.AuthenticationError) as refused:
        trainer.client("sk-luthier-abcdefghijklmnopqrstuvwxyz").models.list()

    assert "sk-l****wxyz" in refused.value.body["message"]


def refusal(trainer: Trainer, authorization: str | None):
    """What a request with this header is told; it is told nothing else."""
    headers = {} if authorization is None else {"Authorization": authorization.encode()}
    asked = urllib.request.Request(f"http://127.0.0.1:{trainer.port}/v1/models", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(asked):  # noqa: S310
        pass
    with refused.value as answer:
        assert answer.code == 401
        assert answer.headers["x-luthier-trainer"] == "1"
        return json.load(answer)["error"]


def test_keys_come_and_go_while_the_server_runs(make_trainer):
    trainer: Trainer = make_trainer()
    home = trainer.home
    alice, bob = (trainer.client(keys.create(home, name)) for name in ("alice", "bob"))
    assert alice.models.list().data
    assert bob.models.list().data

    keys.revoke(home, "alice")

    with pytest.raises(openai.AuthenticationError):
        alice.models.list()
    assert bob.models.list().data
    assert trainer.client().models.list().data, "the environment's key stays"
    today = day_used(home, "bob")
    assert today
    assert day_used(home, "environment") == today
    trainer.end()
    trainer.start()
    assert bob.models.list().data
    with pytest.raises(openai.AuthenticationError):
        alice.models.list()


def test_a_key_is_kept_as_a_hash_alone(tmp_path: Path):
    key = keys.create(tmp_path, "alice")

    assert key.startswith("sk-luthier-")
    assert key not in "".join(path.read_text() for path in tmp_path.iterdir())
    assert keys.Keyring(tmp_path, []).owner(key) == "alice"
    assert keys.Keyring(tmp_path, []).owner(key[:-1]) is None


def test_a_name_means_one_key_for_ever(tmp_path: Path):
    keys.create(tmp_path, "alice")
    keys.revoke(tmp_path, "alice")

    for name in ("alice", "environment-2", "", "a b", "-x", "x" * 65):
        with pytest.raises(keys.KeyProblem):
            keys.create(tmp_path, name)
    with pytest.raises(keys.KeyProblem, match="in use is named alice"):
        keys.revoke(tmp_path, "alice")


def test_the_list_tells_names_and_days_and_no_key(tmp_path: Path):
    key = keys.create(tmp_path, "alice")
    keys.create(tmp_path, "bob")
    keys.revoke(tmp_path, "bob")
    ring = keys.Keyring(tmp_path, ["one", "two"])
    assert [ring.owner(each) for each in (key, "two")] == ["alice", "environment-2"]

    head, *rows = key_commands.told("list", tmp_path, None).splitlines()

    today = datetime.fromtimestamp(86_400 * (day_used(tmp_path, "alice") or 0), UTC).date()
    assert head.split() == ["name", "created", "last", "used", "revoked"]
    assert [row.split() for row in rows] == [
        ["alice", f"{today}", f"{today}"],
        ["bob", f"{today}", "never", f"{today}"],
        ["environment-2", f"{today}"],
    ]


def test_the_command_line_makes_keys_that_work(trainer: Trainer, tmp_path: Path):
    def told(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", "trainer-key", *words, "--home", str(trainer.home)],
            cwd=ROOT,
            env=environment(tmp_path),
            check=False,
            capture_output=True,
            text=True,
        )

    made = told("create", "carol")
    assert trainer.client(made.stdout.strip()).models.list().data
    refused = told("create", "carol")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "choose another name" in refused.stderr
    assert told("revoke", "carol").stdout == "carol may no longer ask.\n"


def test_a_server_without_any_key_does_not_start(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "app", "trainer", "--home", str(tmp_path / "home")],
        cwd=ROOT,
        env=environment(tmp_path),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert "set LUTHIER_TRAINER_KEYS, or make one with" in done.stderr
