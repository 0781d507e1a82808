"""An instance with something in every state, for eyes: what the photographs are taken of.

`python -m tests.browser.gallery FOLDER` furnishes one, says where it is, and keeps it open until
Ctrl-C; `photographs.py` then takes its pictures as often as templates and styles change.
"""

import json
import math
import random
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.core.secrets import fingerprint
from tests.browser.gallery_rescue import rescues
from tests.journeys.api import HELD_OUT, OWNER, TRAINING, Curve, Script, command
from tests.processes import Program, start_luthier
from tests.waiting import eventually
from tests.witness import handle
from tests.witness.handle import Witness

EMAIL, PASSWORD = OWNER.values()
VIEWER, EDITOR = "vito@example.org", "elif@example.org"
NAMES = {EMAIL: "Mara Lindqvist", VIEWER: "Vito Amendola", EDITOR: "Elif Aydın"}
TOKEN = "a-token-made-for-the-gallery"
STEPS, DONE, EVERY, EPOCHS = 2_504, 2_060, 10, 4
TUNED = "ft:gpt-4o-mini-2024-07-18:acme:refunds:Qx2LrVd8"


@dataclass(frozen=True)
class Gallery:
    """Where it is, and its pages by name; `empty` is an instance that nobody owns yet."""

    address: str
    home: str
    empty: str
    welcome: str
    pages: dict[str, str]


@contextmanager
def open_gallery(folder: Path) -> Iterator[Gallery]:
    """Furnish an instance in `folder`; it ends with the block."""
    with ExitStack() as open_ones:
        witness = open_ones.enter_context(handle.running(folder))
        reach = {"LUTHIER_ALLOW_HOSTS": witness.host, "LUTHIER_DEBUG": "1"}
        luthier = open_ones.enter_context(start_luthier(folder / "home", **OWNER, **reach))
        empty = open_ones.enter_context(start_luthier(folder / "empty"))
        script = open_ones.enter_context(Script(luthier))
        pages = _furnish(script, witness, luthier, folder)
        welcome = next(word for word in empty.output.split() if "/welcome/" in word)
        yield Gallery(luthier.address, str(luthier.home), empty.address, welcome, pages)


def _furnish(script: Script, witness: Witness, luthier: Program, folder: Path) -> dict[str, str]:
    database = luthier.home / "luthier.sqlite"
    project = script.post("/projects", json={"name": "Support routing"})
    fresh = script.post("/projects", json={"name": "Claims triage"})
    for name in ("Contract clauses, second reading, Zürich and Łódź", "Tone of voice"):
        script.post("/projects", json={"name": name})
    for email, role in ((EDITOR, "editor"), (VIEWER, "viewer")):
        words = ("--project", project["slug"], "--role", role, "--password-stdin")
        command(luthier.home, "create-user", email, *words, typed=f"{PASSWORD}\n")
    at = f"/projects/{project['id']}"
    for role in ("viewer", "editor"):
        script.post(f"{at}/invitations", json={"role": role})

    ready, rejected, warned = _datasets(script, project["id"], folder)
    practice = script.start_job(
        project["id"],
        suffix="intents",
        n_epochs=2,
        training_version_id=ready["version"]["id"],
        validation_version_id=warned["version"]["id"],
    )
    ended = Curve(script, practice["id"]).follow(within=240)
    openai = _connection(script, at, witness, name="OpenAI", database=database)
    jobs = _jobs(script, at, witness, openai, ready, database)
    stopped = _stopped(script, at, witness, ready)
    rescued = rescues(script, at, witness, luthier.home)
    _put(database, "users", "email", {email: {"name": name} for email, name in NAMES.items()})
    # A connection became OpenAI's by hand: its days are looked at again.
    _put(database, "date_watches", "project_id", {project["id"]: {"due_at": "2026-01-01"}})
    links = _links(database)
    # Its test has found out meanwhile that it is no OpenAI.
    _put(database, "connections", "id", {openai: {"profile": "openai"}})
    model = f"/models/{ended['model_id']}"
    version = f"/dataset-versions/{ready['version']['id']}"
    refused = f"/dataset-versions/{rejected['version']['id']}"
    return {
        "home": at,
        "home-new": f"/projects/{fresh['id']}",
        "projects": "/projects",
        "project-new": "/projects/new",
        "datasets": f"{at}/datasets",
        "datasets-empty": f"/projects/{fresh['id']}/datasets",
        "dataset": version,
        "dataset-warned": f"/dataset-versions/{warned['version']['id']}",
        "dataset-refused": refused,
        "rows": f"{version}/rows",
        "rows-refused": f"{refused}/rows?row=6",
        "version-new": f"/datasets/{ready['id']}/upload",
        "jobs": f"{at}/jobs",
        "jobs-empty": f"/projects/{fresh['id']}/jobs",
        "jobs-none": f"{at}/jobs?q=nothing+is+called+this",
        "jobs-chosen": f"{at}/jobs?chosen={ended['id']}",
        "jobs-question": f"{at}/jobs/chosen?do=archive&chosen={ended['id']}",
        "job-form": f"{at}/jobs/new?training_version_id={ready['version']['id']}",
        "job-form-warned": f"{at}/jobs/new?connection_id={openai}",
        "job-done": f"/jobs/{ended['id']}",
        **{f"job-{name}": f"/jobs/{job_id}" for name, job_id in jobs.items()},
        "job-stopped": f"/jobs/{stopped['job']}",
        "models": f"{at}/models",
        "models-empty": f"/projects/{fresh['id']}/models",
        "model": model,
        "try": f"{model}/try",
        "budget": f"{at}/budget",
        "budget-none": f"/projects/{fresh['id']}/budget",
        "notices": f"{at}/notices",
        "notices-none": f"/projects/{fresh['id']}/notices",
        "calendar-link": f"{at}/calendar-link",
        "calendar": f"{at}/calendar",
        "calendar-past": f"{at}/calendar?past=yes",
        "calendar-empty": f"/projects/{fresh['id']}/calendar",
        "dates": "/dates?key=openai-jobs",
        "dates-new": "/dates?add=yes",
        "prices": "/prices",
        "connections": f"{at}/connections",
        "connection": f"/connections/{openai}",
        "webhook": f"/connections/{openai}/webhook",
        "connection-stopped": f"/connections/{stopped['connection']}",
        **rescued,
        "rescues-empty": f"/projects/{fresh['id']}/rescue",
        "members": f"{at}/members",
        "activity": f"{at}/activity",
        "account": "/account",
        "people": "/people",
        "storage": "/storage",
        "api": "/api/docs",
        "kit": "/kit",
        "404": "/jobs/99999",
        "422": f"{at}/jobs?sort=weather",
        **links,
    }


def _datasets(script: Script, project_id: int, folder: Path) -> tuple[Any, Any, Any]:
    """A good file, one that is refused, and one with warnings."""
    lines = TRAINING.read_text().splitlines()
    broken = folder / "broken.jsonl"
    no_answer = json.dumps({"messages": [{"role": "user", "content": "Where is my card?"}]})
    broken.write_text("\n".join([*lines[:5], "not a row", "[]", no_answer, *lines[5:40]]) + "\n")
    warned = folder / "warned.jsonl"
    held_out = HELD_OUT.read_text().splitlines()[:400]
    warned.write_text("\n".join([*held_out, *held_out[:7], *lines[:3]]) + "\n")
    few = folder / "banking77.jsonl"
    few.write_text("\n".join(lines[::8]) + "\n")
    ready = script.upload(project_id, few, "Banking77 intents")
    rejected = script.upload(project_id, broken, "Refund dialogues", verdict="rejected")
    held = script.upload(project_id, warned, "Banking77 held out, first reading by two colleagues")
    return ready, rejected, held


def _connection(
    script: Script, at: str, witness: Witness, *, name: str, database: Path, key: str = handle.KEY
) -> int:
    """An account at the witness that is spoken to as OpenAI is."""
    body = {"name": name, "kind": "openai", "base_url": witness.url, "api_key": key}
    made = int(script.post(f"{at}/connections", json=body)["id"])
    _put(database, "connections", "id", {made: {"profile": "openai"}})
    script.post(f"/connections/{made}/test", 200)
    return made


def _jobs(
    script: Script, at: str, witness: Witness, connection: int, ready: Any, database: Path
) -> dict[str, int]:
    """A job in every state but done: real orders to a real server, those aside that only bad luck
    or ten minutes bring about; they are written into the database.
    """
    made = {}
    names = (
        *("running", "young", "failed", "cancelled", "paused", "vanished"),
        *("in_doubt", "starting", "queued"),
    )
    for name in names:
        body = {
            "connection_id": connection,
            "base_model": "gpt-4o-mini-2024-07-18",
            "training_version_id": ready["version"]["id"],
            "validation_split": 0.1,
            "hyperparameters": {"n_epochs": EPOCHS},
            "suffix": {"running": "refunds-v4", "young": "tone-v1"}.get(name, f"refunds-{name}"),
            "seed": 7,
        }
        key = {"Idempotency-Key": name}
        made[name] = script.post(f"{at}/jobs", json=body, headers=key)["id"]
    runs = {
        name: eventually(lambda job_id=job_id: _run_of(script, job_id), within=180, every=0.5)
        for name, job_id in made.items()
    }
    dials = {"n_epochs": EPOCHS, "batch_size": 16, "learning_rate_multiplier": 1.8}
    for name, far in (("running", DONE), ("young", 230), ("failed", 640), ("paused", 900)):
        _train(witness, runs[name], far)
    for step in (630, 1_250, 1_880):
        values = {"train_loss": _train_loss(step), "full_valid_loss": _full_loss(step)}
        witness.add_checkpoint(
            runs["running"],
            step_number=step,
            fine_tuned_model_checkpoint=f"{TUNED}:ckpt-step-{step}",
            metrics={"step": step, **values},
        )
    # The last: a run whose row has changed has its log read.
    for name in ("running", "young", "failed", "paused"):
        witness.change_run(runs[name], status="running", hyperparameters=dials)
    words = "The job failed due to an invalid training file: example 412 has no assistant message."
    error = {"code": "invalid_training_file", "message": words, "param": "training_file"}
    witness.change_run(runs["failed"], status="failed", error=error)
    witness.change_run(runs["paused"], status="paused")
    script.post(f"/jobs/{made['cancelled']}/cancel", 200)
    wanted = {"running": "running", "failed": "failed", "cancelled": "cancelled"}
    for name, status in wanted.items():
        path = f"/jobs/{made[name]}"
        eventually(
            lambda path=path, status=status: _is(script, path, status), within=180, every=0.5
        )
    eventually(lambda: script.get(f"/jobs/{made['running']}")["progress"]["step"], within=180)
    doubt = "The connection was reset before an answer came."
    _put(
        database,
        "jobs",
        "id",
        {
            made["in_doubt"]: {"status": "in_doubt", "run_id": None, "last_error": doubt},
            made["starting"]: {"status": "starting", "run_id": None, "provider_status": None},
            made["queued"]: {"status": "queued", "run_id": None, "provider_status": None},
            made["vanished"]: {"status": "vanished"},
        },
        due_at=None,
    )
    order = {"outcome": "unknown", "words": doubt, "looks": 6}
    _put(database, "start_attempts", "job_id", {made["in_doubt"]: order})
    with closing(sqlite3.connect(database, timeout=30)) as rows, rows:
        said = "1 run listed, none with the order's tag."
        rows.execute(
            "INSERT INTO start_looks (job_id, at, times, is_answered, words) "
            "SELECT id, created_at, 1, 1, ? FROM jobs WHERE id = ?",
            [said, made["in_doubt"]],
        )
    for name in ("in_doubt", "starting", "queued"):  # nobody finds their runs
        witness.change_run(runs[name], metadata={})
    return made


def _run_of(script: Script, job_id: int) -> str:
    run_id = script.get(f"/jobs/{job_id}")["run_id"]
    assert run_id
    return str(run_id)


def _is(script: Script, path: str, status: str) -> bool:
    found = script.get(path)
    assert found["status"] == status, found
    return True


def _full_loss(step: float) -> float:
    return 4 * math.exp(-step / 260) + 0.3 + 0.05 * max(0.0, step / 1_250 - 1)


def _train_loss(step: float) -> float:
    return 4 * math.exp(-step / 260) + 0.5 * math.exp(-step / 900)


def _train(witness: Witness, run_id: str, far: int) -> None:
    """A run that has come so far: noisy batches, and the full set once an epoch."""
    chance = random.Random(far)  # noqa: S311 - the same picture every time
    for step in range(EVERY, far + 1, EVERY):
        data = {
            "step": step,
            "total_steps": STEPS,
            "train_loss": _train_loss(step) * chance.lognormvariate(0, 0.25),
            "valid_loss": _full_loss(step) * chance.lognormvariate(0, 0.15),
            "train_mean_token_accuracy": min(
                1.0, 1 - _train_loss(step) / 5 + chance.gauss(0, 0.01)
            ),
            "valid_mean_token_accuracy": min(1.0, 1 - _full_loss(step) / 5 + chance.gauss(0, 0.01)),
        }
        if step in {630, 1_250, 1_880}:
            data["full_valid_loss"] = _full_loss(step)
        witness.add_event(run_id, type="metrics", message=f"Step {step}", data=data)


def _stopped(script: Script, at: str, witness: Witness, ready: Any) -> dict[str, int]:
    """A connection whose key is turned down, and the job that waits for another."""
    body = {"name": "OpenAI, the old key", "kind": "openai", "base_url": witness.url}
    made = script.post(f"{at}/connections", json={**body, "api_key": "sk-nobody-knows-this-one"})
    order = {
        "connection_id": made["id"],
        "base_model": "gpt-4o-mini-2024-07-18",
        "training_version_id": ready["version"]["id"],
        "suffix": "refunds-waiting",
    }
    job = script.post(f"{at}/jobs", json=order, headers={"Idempotency-Key": "stopped"})

    def is_stopped() -> bool:
        assert script.get(f"/connections/{made['id']}")["status"] == "refused"
        return True

    eventually(is_stopped, within=180, every=0.5)
    return {"connection": made["id"], "job": job["id"]}


def _links(database: Path) -> dict[str, str]:
    """An invitation and a password link that are open, and pages of links that are not."""
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        made = connection.execute("SELECT created_at FROM projects LIMIT 1").fetchone()[0]
        late = f"2099{made[4:]}"
        mark = fingerprint(TOKEN)
        connection.execute(
            "INSERT INTO invitations (project_id, role, fingerprint, created_by, created_at, "
            "expires_at) SELECT id, 'editor', ?, created_by, created_at, ? FROM projects LIMIT 1",
            [mark, late],
        )
        connection.execute(
            "INSERT INTO single_use_links (fingerprint, purpose, user_id, created_at, expires_at) "
            "SELECT ?, 'set_password', id, ?, ? FROM users WHERE email = ?",
            [mark, made, late, VIEWER],
        )
    return {
        "invitation": f"/invitations/{TOKEN}",
        "invitation-gone": "/invitations/nobody-made-this-one",
        "password": f"/password/{TOKEN}",
        "password-gone": "/password/nobody-made-this-one",
    }


def _put(
    database: Path, table: str, key: str, rows: dict[Any, dict[str, Any]], **always: Any
) -> None:
    """Write values into rows found by `key`."""
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        for found, values in rows.items():
            every = {**values, **always}
            columns = ", ".join(f"{name} = ?" for name in every)
            connection.execute(
                f"UPDATE {table} SET {columns} WHERE {key} = ?",  # noqa: S608 - our own names
                [*every.values(), found],
            )


def main() -> None:
    """Keep a gallery open and write down where it is."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with open_gallery(folder) as gallery:
        (folder / "gallery.json").write_text(json.dumps(asdict(gallery), indent=1))
        sys.stdout.write(f"{gallery.address}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
