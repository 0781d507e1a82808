"""A backup of a living instance while files are uploaded, brought back as another instance."""

import hashlib
import re
import shutil
import threading
from contextlib import contextmanager

import httpx2
import pytest

from tests import broker
from tests.journeys.api import OWNER, TRAINING, Curve, Script, command
from tests.make import chat_file
from tests.processes import start_luthier, start_server_shape
from tests.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

SECRET = {"LUTHIER_SECRET": "c2VjcmV0LW9mLWEtdGVzdC10aGF0LWlzLWxvbmctZW5vdWdo"}
FEW = 3


@contextmanager
def instance(shape, home, url):
    """A running instance of that shape: its web process and the settings that commands need."""
    if shape == "embedded":
        with start_luthier(home, **OWNER, **SECRET) as luthier:
            yield luthier, SECRET
        return
    with (
        broker.running() as redis_url,
        start_server_shape(
            home, database_url=url, redis_url=redis_url, workers=1, **OWNER, **SECRET
        ) as programs,
    ):
        yield programs["web"], {"DATABASE_URL": url, **SECRET}


class Uploads:
    """Files that keep coming until the block ends."""

    def __init__(self, script, project_id):
        self.script, self.project_id, self.done = script, project_id, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        eventually(lambda: self.done >= FEW, within=30)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self):
        # Two a second: each is checked, and looked at again where the backup comes back.
        while not self._stop.wait(0.5):
            content = chat_file(12, words=f"Number {self.done}, where is parcel")
            self.script.post(
                f"/projects/{self.project_id}/datasets",
                202,
                files={"file": ("rows.jsonl", content)},
                data={"name": f"Rows {self.done}"},
            )
            self.done += 1


@pytest.mark.parametrize(
    ("here", "there"),
    [
        pytest.param("embedded", "servers", marks=pytest.mark.full),
        pytest.param("servers", "embedded", marks=pytest.mark.full),
    ],
)
def test_a_living_instance_comes_back_and_waits_for_its_owner(
    tmp_path, postgres, postgres_url, here, there
):
    kept, rows = tmp_path / "kept.zip", tmp_path / "rows.jsonl"
    rows.write_text("\n".join(TRAINING.read_text().splitlines()[::20]) + "\n")
    with (
        instance(here, tmp_path / "here", postgres_url) as (web, words),
        Script(web, **words) as script,
    ):
        project_id = script.post("/projects", json={"name": "Support"})["id"]
        trained = script.upload(project_id, rows, "Banking77")["version"]
        job = script.start_job(
            project_id, suffix="one", n_epochs=1, training_version_id=trained["id"]
        )
        eventually(lambda: script.get(f"/jobs/{job['id']}")["run_id"], within=30)
        with Uploads(script, project_id) as uploads:
            before = uploads.done
            said = command(web.home, "backup", str(kept), **words)
            eventually(lambda: uploads.done > before, within=30)
    assert "The secret is not in it" in said

    fresh = postgres.create()
    target = {"DATABASE_URL": fresh} if there == "servers" else {}
    said = command(tmp_path / "there", "restore", str(kept), **SECRET, **target)
    assert "Jobs wait until" in said
    with instance(there, tmp_path / "there", fresh) as (web, words), Script(web, **words) as script:
        datasets = script.get(f"/projects/{project_id}/datasets", limit=100)["data"]
        names = {one["name"] for one in datasets}
        assert {"Banking77", *(f"Rows {n}" for n in range(FEW))} <= names
        for one in datasets:
            eventually(
                lambda one=one: (
                    script.get(f"/dataset-versions/{one['version']['id']}")["status"] == "ready"
                ),
                within=30,
            )
            content = script.content(one["version"]["id"])
            assert hashlib.sha256(content).hexdigest() == one["version"]["sha256"]
        assert script.get(f"/jobs/{job['id']}")["run_id"]

        second = script.start_job(
            project_id, suffix="two", n_epochs=1, training_version_id=trained["id"]
        )
        page = sign_in(web.address)
        assert "starts nothing until its owner says so" in page.get(f"/jobs/{second['id']}").text
        assert script.get(f"/jobs/{second['id']}")["status"] == "queued"
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.get("/projects").text)[1]
        assert page.post("/instance/allow-starts", data={"csrf": csrf}).status_code == 303
        for made in (job, second):
            ended = Curve(script, made["id"]).follow(within=90)
            assert (ended["status"], ended["error"]) == ("succeeded", None)
        page.close()
    postgres.drop(fresh)
    shutil.rmtree(tmp_path / "there")


def sign_in(address):
    """The owner's browser."""
    page = httpx2.Client(base_url=address, trust_env=False, timeout=30)
    names = ("LUTHIER_OWNER_EMAIL", "LUTHIER_OWNER_PASSWORD")
    email, password = (OWNER[name] for name in names)
    answer = page.post("/login", data={"email": email, "password": password})
    assert answer.status_code == 303, answer.text
    return page
