"""A running instance with something on every page, and hostile words wherever people type."""

import fcntl
import json
import pickle
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.browser.evaluated import LABELS, evaluate
from tests.browser.rescued import leave
from tests.journeys.api import OWNER, TRAINING, Curve, Script, command
from tests.processes import free_port, start_luthier
from tests.waiting import eventually

EMAIL, PASSWORD = OWNER.values()
VIEWER = "vito@example.org"
TRAP = "/nobody-asked-for-this"
HOSTILE = (
    f"<img src={TRAP} onerror=\"fetch('{TRAP}')\"><div hx-get={TRAP} hx-trigger=load>x</div>"
    f"<script src={TRAP}></script>{{{{7*7}}}}"
)
NAME = f"<div hx-get={TRAP} hx-trigger=load><img src={TRAP}>"

# So that the calendar has lines: the trainer's own models have no day.
FAR_DAY = {
    "profile": "luthier", "kind": "base_model", "models": ["*"], "day": "2099-12-31",
    "title": f"The machine goes {NAME}"[:120],
    "why": f"Its lease ends {NAME}",
    "source_url": "https://example.org/lease",
}  # fmt: skip


@dataclass(frozen=True)
class Workshop:
    """A running instance with something on every page. A provider may answer on `port`."""

    home: Path
    address: str
    project: Any
    ready: Any
    copies: Any
    rejected: Any
    job: Any
    further: dict[str, str]
    port: int

    @property
    def pages(self) -> dict[str, str]:
        """Every page of the product, by a name."""
        project, version = f"/projects/{self.project['id']}", self.ready["version"]["id"]
        copies = self.copies["version"]["id"]
        return {
            "projects": "/projects",
            "project-new": "/projects/new",
            "home": project,
            "datasets": f"{project}/datasets",
            "report": f"/dataset-versions/{version}",
            "rows": f"/dataset-versions/{version}/rows",
            "figures": f"/dataset-versions/{version}/figures",
            "reading": f"/dataset-versions/{version}/reading",
            "row": f"/dataset-versions/{version}/row?line=1",
            "clusters": f"/dataset-versions/{copies}/clusters",
            "leaks": f"/dataset-versions/{copies}/leaks?training_version_id={version}",
            "findings": f"/dataset-versions/{self.rejected['version']['id']}/findings",
            "refused": f"/dataset-versions/{self.rejected['version']['id']}",
            "export": f"/dataset-versions/{version}/export",
            "search": f"/dataset-versions/{version}/search?q=card&role=user",
            "version-new": f"/datasets/{self.ready['id']}/upload",
            "jobs": f"{project}/jobs",
            "job-form": f"{project}/jobs/new",
            "jobs-question": f"{project}/jobs/chosen?do=archive&chosen={self.job['id']}",
            "job": f"/jobs/{self.job['id']}",
            "models": f"{project}/models",
            "models-question": f"{project}/models/chosen?do=archive&chosen={self.job['model_id']}",
            "datasets-question": f"{project}/datasets/chosen?do=archive&chosen={self.ready['id']}",
            "model": f"/models/{self.job['model_id']}",
            "try": f"/models/{self.job['model_id']}/try",
            "graders": f"{project}/graders",
            "graders-new": f"{project}/graders/new",
            "grader-new": f"{project}/graders/new?task=faithfulness",
            "grader": "/graders/1",
            "grader-edit": "/graders/1/edit",
            "grader-tried": f"/graders/1/try?version_id={version}&rows=10",
            "judge-price": f"/graders/2/try?version_id={version}&rows=5",
            "playground": f"{project}/playground",
            "playground-history": f"{project}/playground/history",
            "conversation": "/conversations/1",
            "collections": f"{project}/collections",
            "collection": "/collections/1",
            "connections": f"{project}/connections",
            "connection": f"/connections/{self.job['connection_id']}",
            **self.further,
            "notices": f"{project}/notices",
            "calendar-link": f"{project}/calendar-link",
            "endpoints": f"{project}/endpoints",
            "endpoint": "/endpoints/1",
            "choices": "/account/notices",
            "budget": f"{project}/budget?all=yes",
            "budget-spend": f"{project}/budget/spends/1",
            "members": f"{project}/members",
            "activity": f"{project}/activity",
            "account": "/account",
            "people": "/people",
            "storage": "/storage",
            "calendar": f"{project}/calendar",
            "dates": "/dates?key=openai-jobs",
            "dates-new": "/dates?add=yes",
            "prices": "/prices?profile=openai&model=gpt-4o*",
            "invitation": "/invitations/nobody-made-this-one",
            "api": "/api/docs",
        }


@contextmanager
def open_workshop(folder: Path) -> Iterator[Workshop]:
    """A project with a good and a bad file, a finished job and its model; hostile words on all."""
    rows = folder / "rows.jsonl"
    lines = TRAINING.read_text().splitlines()[::25]
    hostile = {"messages": [{"role": r, "content": HOSTILE} for r in ("system", "user")]}
    hostile["messages"].append({"role": "assistant", "content": "blocked_card"})
    rows.write_text("\n".join([json.dumps(hostile), *lines]) + "\n")
    copied = folder / "copies.jsonl"
    copied.write_text("\n".join([*[json.dumps(hostile)] * 2, *lines[:12]]) + "\n")
    broken = folder / "broken.jsonl"
    broken.write_text("\n".join([*lines[:5], HOSTILE, *[HOSTILE] * 20]) + "\n")
    port = free_port()
    env = {**OWNER, "LUTHIER_ALLOW_HOSTS": f"127.0.0.1:{port}"}
    with start_luthier(folder / "home", **env) as luthier, Script(luthier) as script:
        project = script.post("/projects", json={"name": f"Support {NAME}"})
        ready = script.upload(project["id"], rows, f"Rows {NAME}")
        copies = script.upload(project["id"], copied, "Copies")
        rejected = script.upload(project["id"], broken, "Broken", verdict="rejected")
        job = script.start_job(
            project["id"],
            suffix="short",
            n_epochs=1,
            training_version_id=ready["version"]["id"],
            validation_split=0.1,
        )
        ended = Curve(script, job["id"]).follow(within=60)
        assert ended["status"] == "succeeded", ended
        script.post("/dates", json=FAR_DAY)
        model = script.get(f"/models/{ended['model_id']}")
        columns = [
            {"connection_id": model["connection_id"], "model": name}
            for name in (model["name"], "nobody-has-this")
        ]
        asked = {"text": HOSTILE, "columns": columns, "settings": {"system": HOSTILE}}
        script.post(f"/projects/{project['id']}/conversations", json=asked)
        kept = {"name": f"Kept {NAME}"[:120], "format": "chat"}
        kept = script.post(f"/projects/{project['id']}/collections", json=kept)
        script.post(f"/collections/{kept['id']}/rows", json={"row": hostile})
        grader = {
            "type": "label",
            "name": NAME,
            "reference": "{{ item.answer }}",
            "labels": [HOSTILE[:100], *LABELS],
        }
        script.post(f"/projects/{project['id']}/graders", json={"grader": grader})
        judge = {
            "type": "label_model",
            "name": f"Judge {NAME}"[:120],
            "model": model["name"],
            "labels": ["kind", HOSTILE[:100]],
            "passing_labels": ["kind"],
            "input": [{"role": "user", "content": f"{HOSTILE[:60]} {{{{ sample.output_text }}}}"}],
        }
        kept = {"grader": judge, "connection_id": model["connection_id"]}
        script.post(f"/projects/{project['id']}/graders", json=kept)
        words = ("create-user", VIEWER, "--project", project["slug"], "--password-stdin")
        command(luthier.home, *words, typed=f"{PASSWORD}\n")
        rescued = leave(luthier.home, words=HOSTILE)
        evaluated = evaluate(
            luthier.home,
            project["id"],
            words=HOSTILE,
            name=f"Held-out {NAME}",
            model=f"tuned {NAME}",
            label=HOSTILE,
            job_id=job["id"],
        )
        moderated(luthier.home, ready["version"]["id"])
        leaks = f"/dataset-versions/{copies['version']['id']}/leaks"
        training = {"training_version_id": ready["version"]["id"]}
        assert eventually(lambda: script.get(leaks, **training), within=60)["same"]
        place = {"name": NAME, "url": "https://hooks.example.org/x", "topics": ["budget"]}
        script.post(f"/projects/{project['id']}/webhooks", json=place)
        yield Workshop(
            luthier.home,
            luthier.address,
            project,
            ready,
            copies,
            rejected,
            ended,
            {**rescued, **evaluated},
            port,
        )


def furnished(root: Path) -> Path:
    """The folder of one that was furnished once for all who test beside each other, and ended."""
    folder, kept = root / "furnished", root / "furnished" / "facts"
    with (root / "furnished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with open_workshop(folder) as made:
                facts = pickle.dumps(made)
            kept.write_bytes(facts)
    return folder


@contextmanager
def reopened(folder: Path, home: Path) -> Iterator[Workshop]:
    """A copy of one that was furnished, running in a home of its own."""
    made: Workshop = pickle.loads((folder / "facts").read_bytes())  # noqa: S301 - our own words
    shutil.copytree(made.home, home)
    port = free_port()
    with start_luthier(home, **OWNER, LUTHIER_ALLOW_HOSTS=f"127.0.0.1:{port}") as luthier:
        yield replace(made, home=home, address=luthier.address, port=port)


def moderated(home: Path, version_id: int) -> None:
    """The first row of a version falls under a category of somebody's."""
    found = json.dumps({"categories": {HOSTILE: 1}, "rows": [[1, [HOSTILE], 0.97]]})
    with closing(sqlite3.connect(home / "luthier.sqlite", timeout=30)) as database, database:
        database.execute(
            "INSERT INTO dataset_moderations (version_id, status, n, flagged, found, created_at, "
            "fence, attempts) VALUES (?, 'done', 1, 1, ?, datetime('now'), 0, 0)",
            (version_id, found),
        )
