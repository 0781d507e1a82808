"""The instance's secret rotated under a running instance, then really lost: what people see."""

import base64
import os

import pytest

from tests.journeys.api import OWNER, Script, command
from tests.processes import start_luthier
from tests.witness import handle

pytestmark = [pytest.mark.processes, pytest.mark.full, pytest.mark.timeout(240)]


def practice_answers(script, project):
    """The trainer of this machine takes the key that Practice has."""
    (practice, *_) = script.get(f"/projects/{project['id']}/connections")["data"]
    tested = script.post(f"/connections/{practice['id']}/test", expected=200)
    assert tested["profile"] == "luthier"
    return tested["status"] == "ready"


def test_a_secret_is_rotated_while_all_runs_and_lost_without_harm(tmp_path):
    home = tmp_path / "house"  # "home" is that of the witness, too
    with handle.running(tmp_path) as witness:
        words = {**OWNER, "LUTHIER_ALLOW_HOSTS": witness.host}
        with start_luthier(home, **words) as luthier, Script(luthier) as script:
            project = script.post("/projects", json={"name": "Support"})
            account = {"name": "OpenAI", "base_url": witness.url, "api_key": handle.KEY}
            made = script.post(f"/projects/{project['id']}/connections", json=account)
            path, before = f"/connections/{made['id']}", (home / "secret").read_text()
            assert "2 keys" in command(home, "rotate-secret")
            assert before.strip() not in (home / "secret").read_text()
            assert script.post(f"{path}/test", expected=200)["status"] == "ready"
            assert practice_answers(script, project)
        with start_luthier(home, **words) as luthier, Script(luthier) as script:
            assert script.post(f"{path}/test", expected=200)["status"] == "ready"
            assert practice_answers(script, project)
        (home / "secret").write_text(base64.urlsafe_b64encode(os.urandom(32)).decode())
        with start_luthier(home, **words) as luthier, Script(luthier) as script:
            assert script.get(path)["status"] == "unreadable"
            assert "Enter it again" in script.get(path)["words"]
            assert practice_answers(script, project)
            script.patch(path, json={"api_key": handle.KEY})
            assert script.post(f"{path}/test", expected=200)["status"] == "ready"
