"""What the witness holds: models, files, uploads, runs and their events, in OpenAI's JSON."""

import base64
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.witness import dice, runlists
from tests.witness.content import Content, chunks_of, size_of
from tests.witness.rules import Refusal, check_run
from tests.witness.webhooks import Webhooks

Json = dict[str, Any]
ENDED = {"succeeded", "failed", "cancelled"}
BORN = 1_700_000_000
KEPT_BACK = {"assistants", "assistants_output", "user_data", "vision"}


# Ahead of any test, so that none is refused its job on the day the real one stops.
STOPS = (datetime.now(UTC).date() + timedelta(days=47)).isoformat()


def model(name: str, owner: str = "openai", shutdown: str | None = None) -> Json:
    return {
        "id": name,
        "object": "model",
        "created": BORN,
        "owned_by": owner,
        "shutdown_date": shutdown,
    }


class Told(dict[str, list[Json]]):
    """Lists by the id of what they belong to. Those of a large history are made anew whenever they
    are asked for, by the call in `makers`, and kept only once something is added.
    """

    def __init__(self) -> None:
        super().__init__()
        self.makers: dict[str, Callable[[], list[Json]]] = {}

    def __missing__(self, key: str) -> list[Json]:
        return self.makers[key]()

    def kept(self, key: str) -> list[Json]:
        """The list itself, to be changed."""
        return self.setdefault(key, self[key])


class State:
    """A project's things, behind the server's lock; lists are newest first but those of evals and
    completions. `lag` hides each new run from lists for so many seconds, or for some of a range;
    `filter` and `paging` say how runs are listed (see `runlists`), `leaves_out` which of their
    fields are never shown, `refuses` which of an order's are not known here. Runs that are `hidden`
    nobody finds until they are shown again. Its clock is `skew` seconds ahead of everybody's. After
    `expires_after` more requests the key is refused. `shown_again` are the cursors whose next page
    begins with them once more; `deleted` the ids of what was there and is gone, with its kind.
    `judges` are the models that compare two answers, each with its way, and `right` the answers to
    questions that a fair one goes by (see `judging`).
    """

    def __init__(
        self, project_id: str = "proj_0", api_key_id: str = "key_0", name: str = "Default"
    ) -> None:
        self.project_id, self.api_key_id, self.name = project_id, api_key_id, name
        self.models = [
            model("gpt-4o-mini-2024-07-18", shutdown=STOPS),
            model("gpt-4.1-mini-2025-04-14"),
            model("gpt-6"),
            model("text-embedding-3-small"),
            model("ft:gpt-4o-mini-2024-07-18:acme::abcd1234", owner="acme"),
        ]
        self.files: list[Json] = []
        self.contents: dict[str, Content] = {}
        self.encoded: set[str] = set()
        self.refused: dict[str, str] = {}
        self.uploads: dict[str, Json] = {}
        self.runs: list[Json] = []
        self.events, self.checkpoints = Told(), Told()
        self.visible_at: dict[str, float] = {}
        self.evals: list[Json] = []
        self.eval_runs: dict[str, list[Json]] = {}
        self.eval_items = Told()
        self.completions: list[Json] = []
        self.messages: dict[str, list[Json]] = {}
        self.webhooks = Webhooks(project_id)
        self.lag: float | list[float] = 0.0
        self.skew = 0.0
        self.filter, self.paging = "exact", "newest first"
        self.leaves_out: list[str] = []
        self.refuses: list[str] = []
        self.hidden: set[str] = set()
        self.judges: dict[str, str] = {}
        self.right: dict[str, str] = {}
        self.count = 0
        self.expires_after: int | None = None
        self.shown_again: set[str] = set()
        self.deleted: dict[str, str] = {}

    def new_id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count:08d}"

    def takes_a_request(self) -> bool:
        """Whether the key is good once more."""
        if self.expires_after is None:
            return True
        self.expires_after -= 1
        return self.expires_after >= 0

    def add_file(
        self,
        name: str,
        content: Content,
        purpose: str,
        *,
        announced: int | None = None,
        refused: str | None = None,
        is_encoded: bool = False,
        **fields: Any,
    ) -> Json:
        """Keep a file. `announced` bytes may be wrong; `refused` are the words for who wants its
        content; with `is_encoded` that is sent in base64, as results of jobs sometimes are.
        """
        made = {
            "object": "file",
            "id": fields.pop("id", None) or self.new_id("file-"),
            "purpose": purpose,
            "filename": name,
            "bytes": size_of(content) if announced is None else announced,
            "created_at": int(time.time()),
            "expires_at": None,
            "status": "processed",
            "status_details": None,
            **fields,
        }
        self.files.insert(0, made)
        self.contents[made["id"]] = content
        if refused is not None:
            self.refused[made["id"]] = refused
        if is_encoded:
            self.encoded.add(made["id"])
        return made

    def content(self, file_id: str) -> Content:
        """A file's bytes as they are sent. Raises Refusal."""
        found = next((file for file in self.files if file["id"] == file_id), None)
        if found is None:
            raise Refusal(404, f"No such File object: {file_id}", param="id")
        if file_id in self.refused:
            raise Refusal(400, self.refused[file_id])
        if found["purpose"] in KEPT_BACK:
            raise Refusal(400, f"Not allowed to download files of purpose: {found['purpose']}")
        content = self.contents[file_id]
        if file_id in self.encoded:
            return base64.b64encode(b"".join(chunks_of(content)))
        return content

    def lists(self) -> Iterator[tuple[str, list[Json]]]:
        """Every list that is kept, with the kind of what stands in it."""
        yield "job", self.runs
        yield "file", self.files
        yield "eval", self.evals
        yield "completion", self.completions
        for runs in self.eval_runs.values():
            yield "eval_run", runs

    def list_with(self, object_id: str) -> tuple[str, list[Json], int]:
        """The kind of an object, its list, and its place there."""
        for kind, items in self.lists():
            for place, item in enumerate(items):
                if item["id"] == object_id:
                    return kind, items, place
        raise KeyError(object_id)

    def delete(self, object_id: str) -> None:
        """Let an object be gone, as when somebody deletes it; jobs go on naming a file."""
        kind, items, place = self.list_with(object_id)
        del items[place]
        self.deleted[object_id] = kind

    def shift(self, how: str, first_id: str, last_id: str) -> None:
        """Let a list change behind a page from one object to another: see `script.Shift`."""
        _, items, place = self.list_with(last_id)
        if how == "again":
            self.shown_again.add(last_id)
        elif how in {"gone", "vanished"}:
            self.delete(last_id if how == "gone" else first_id)
        elif place + 1 < len(items):
            items.insert(0, items.pop(place + 1))

    def add_run(self, body: Json) -> Json:
        """Create a run, or raise Refusal."""
        unknown = next((name for name in self.refuses if name in body), None)
        if unknown is not None:
            message = f"Unknown parameter: '{unknown}'."
            raise Refusal(400, message, code="unknown_parameter", param=unknown)
        usable = {f["id"] for f in self.files if f["purpose"] == "fine-tune"}
        check_run(body, usable, {m["id"] for m in self.models})
        run_id = self.new_id("ftjob-")
        made = {
            "id": run_id,
            "object": "fine_tuning.job",
            "created_at": int(time.time() + self.skew),
            "finished_at": None,
            "estimated_finish": None,
            "model": body["model"],
            "fine_tuned_model": None,
            "organization_id": "org-witness",
            "status": "validating_files",
            "training_file": body["training_file"],
            "validation_file": body.get("validation_file"),
            "result_files": [],
            "trained_tokens": None,
            "hyperparameters": {
                "n_epochs": "auto",
                "batch_size": "auto",
                "learning_rate_multiplier": "auto",
            },
            "method": body.get("method"),
            "seed": body.get("seed") or 1,
            "metadata": body.get("metadata") or {},
            "user_provided_suffix": body.get("suffix"),
            "error": {},
        }
        self.runs.insert(0, made)
        lag = self.lag
        hidden_for = lag if isinstance(lag, (int, float)) else dice.of("lag", run_id).uniform(*lag)
        self.visible_at[run_id] = time.monotonic() + hidden_for
        self.events[run_id] = []
        self.checkpoints[run_id] = []
        self.add_event(run_id, message="Created fine-tuning job")
        return made

    def add_event(self, run_id: str, **given: Any) -> Json:
        """Write a line in a run's log."""
        made = {
            "id": self.new_id("ftevent-"),
            "object": "fine_tuning.job.event",
            "created_at": int(time.time() + self.skew),
            "level": "info",
            "message": "",
            "type": "message",
            "data": {},
            **given,
        }
        self.events.kept(run_id).insert(0, made)
        return made

    def run(self, run_id: str) -> Json:
        found = next((run for run in self.runs if run["id"] == run_id), None)
        if found is None or run_id in self.hidden:
            raise Refusal(404, f"Could not find fine tune: {run_id}", code="fine_tune_not_found")
        return found

    def move(self, run_id: str, fields: Json) -> None:
        """Change a run; a tuned model it names can be talked to. Its end is told by webhook."""
        _, runs, place = self.list_with(run_id)
        run = runs[place]
        has_ended = run["status"] in ENDED
        run.update(fields)
        if isinstance(fields.get("fine_tuned_model"), str):
            self.models.append(model(fields["fine_tuned_model"], owner="acme"))
        if not has_ended and run["status"] in ENDED:
            self.webhooks.tell(run)

    def cancel(self, run_id: str) -> Json:
        """End a run; one that has ended already is refused."""
        run = self.run(run_id)
        if run["status"] in ENDED:
            raise Refusal(400, f"Job has already {run['status']}.", code="invalid_status")
        run.update(status="cancelled", finished_at=int(time.time() + self.skew))
        self.add_event(run_id, message="Fine-tuning job cancelled")
        self.webhooks.tell(run)
        return run

    def listed_runs(self, query: str) -> Json:
        """A page of runs: see `runlists`."""
        now = time.monotonic()
        there = [
            run
            for run in self.runs
            if self.visible_at[run["id"]] <= now and run["id"] not in self.hidden
        ]
        return runlists.page_of(self, there, query)
