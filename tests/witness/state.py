"""What the witness holds: models, files, uploads, runs and their events, in OpenAI's JSON."""

import time
from typing import Any
from urllib.parse import parse_qs

from tests.witness.rules import Refusal, check_run

Json = dict[str, Any]
ENDED = {"succeeded", "failed", "cancelled"}
BORN = 1_700_000_000


def model(name: str, owner: str = "openai", shutdown: str | None = None) -> Json:
    return {
        "id": name,
        "object": "model",
        "created": BORN,
        "owned_by": owner,
        "shutdown_date": shutdown,
    }


class State:
    """All of it, behind the server's lock. `lag` hides new runs from lists for so many seconds;
    `filter` is how the metadata filter behaves: "exact", "ignored", or "refused"."""

    def __init__(self) -> None:
        self.models = [
            model("gpt-4o-mini-2024-07-18", shutdown="2027-01-14"),
            model("gpt-4.1-mini-2025-04-14"),
            model("gpt-6"),
            model("text-embedding-3-small"),
            model("ft:gpt-4o-mini-2024-07-18:acme::abcd1234", owner="acme"),
        ]
        self.files: list[Json] = []
        self.contents: dict[str, bytes] = {}
        self.uploads: dict[str, Json] = {}
        self.runs: list[Json] = []
        self.events: dict[str, list[Json]] = {}
        self.checkpoints: dict[str, list[Json]] = {}
        self.visible_at: dict[str, float] = {}
        self.lag = 0.0
        self.filter = "exact"
        self.count = 0

    def new_id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count:08d}"

    def add_file(self, name: str, content: bytes, purpose: str) -> Json:
        """Keep a file; newest first in lists."""
        file_id = self.new_id("file-")
        made = {
            "id": file_id,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        self.files.insert(0, made)
        self.contents[file_id] = content
        return made

    def add_run(self, body: Json) -> Json:
        """Create a run, or raise Refusal."""
        usable = {f["id"] for f in self.files if f["purpose"] == "fine-tune"}
        check_run(body, usable, {m["id"] for m in self.models})
        run_id = self.new_id("ftjob-")
        made = {
            "id": run_id,
            "object": "fine_tuning.job",
            "created_at": int(time.time()),
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
        self.visible_at[run_id] = time.monotonic() + self.lag
        self.events[run_id] = []
        self.checkpoints[run_id] = []
        self.add_event(run_id, message="Created fine-tuning job")
        return made

    def add_event(self, run_id: str, **given: Any) -> Json:
        """Write a line in a run's log."""
        made = {
            "id": self.new_id("ftevent-"),
            "object": "fine_tuning.job.event",
            "created_at": int(time.time()),
            "level": "info",
            "message": "",
            "type": "message",
            "data": {},
            **given,
        }
        self.events[run_id].insert(0, made)
        return made

    def run(self, run_id: str) -> Json:
        found = next((run for run in self.runs if run["id"] == run_id), None)
        if found is None:
            raise Refusal(404, f"Could not find fine tune: {run_id}", code="fine_tune_not_found")
        return found

    def move(self, run_id: str, fields: Json) -> None:
        """Change a run; a tuned model it names can be talked to."""
        self.run(run_id).update(fields)
        if isinstance(fields.get("fine_tuned_model"), str):
            self.models.append(model(fields["fine_tuned_model"], owner="acme"))

    def cancel(self, run_id: str) -> Json:
        """End a run; one that has ended already is refused."""
        run = self.run(run_id)
        if run["status"] in ENDED:
            raise Refusal(400, f"Job has already {run['status']}.", code="invalid_status")
        run.update(status="cancelled", finished_at=int(time.time()))
        self.add_event(run_id, message="Fine-tuning job cancelled")
        return run

    def listed_runs(self, query: str) -> Json:
        """A page of runs, filtered by `metadata[k]=v` as far as the filter works."""
        asked = parse_qs(query)
        wanted = {k[9:-1]: v[0] for k, v in asked.items() if k.startswith("metadata[")}
        if wanted and self.filter == "refused":
            raise Refusal(400, "Unknown parameter: metadata.", param="metadata")
        now = time.monotonic()

        def shows(run: Json) -> bool:
            is_there = self.visible_at[run["id"]] <= now
            is_asked_for = wanted.items() <= run["metadata"].items()
            return is_there and (is_asked_for or self.filter == "ignored")

        return page([run for run in self.runs if shows(run)], query, default=20)


def page(items: list[Json], query: str, *, default: int, most: int = 100) -> Json:
    """One page by `after` and `limit`, as OpenAI cuts them."""
    asked = parse_qs(query)
    limit = int(asked.get("limit", [str(default)])[0])
    if not 1 <= limit <= most:
        raise Refusal(400, f"limit must be from 1 to {most}.", param="limit")
    start = 0
    if "after" in asked:
        ids = [item["id"] for item in items]
        if asked["after"][0] not in ids:
            raise Refusal(404, f"No such object: {asked['after'][0]}", param="after")
        start = ids.index(asked["after"][0]) + 1
    found = items[start : start + limit]
    return {
        "object": "list",
        "data": found,
        "has_more": start + limit < len(items),
        "first_id": found[0]["id"] if found else None,
        "last_id": found[-1]["id"] if found else None,
    }


def completion(body: Json, models: set[str]) -> Json:
    """An answer that repeats the last message, so that a test knows what to expect."""
    if body.get("model") not in models:
        message = f"The model `{body.get('model')}` does not exist."
        raise Refusal(404, message, code="model_not_found", param="model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "messages must not be empty.", param="messages")
    text = f"You said: {messages[-1].get('content')}"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": BORN,
        "model": body.get("model"),
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def chunks(whole: Json) -> list[Json]:
    """The same answer in pieces."""
    base = {**whole, "object": "chat.completion.chunk"}
    base.pop("usage")
    text = whole["choices"][0]["message"]["content"]
    words = [word + " " for word in text.split(" ")]
    words[-1] = words[-1].rstrip()
    pieces: list[tuple[Json, str | None]] = [({"role": "assistant", "content": ""}, None)]
    pieces += [({"content": word}, None) for word in words]
    pieces.append(({}, "stop"))
    return [
        {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in pieces
    ]
