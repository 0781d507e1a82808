"""What the witness does on each route when nothing goes wrong."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.witness import judging, moderating, routes_of_history, routes_of_webhooks, runlists
from tests.witness.journal import Request
from tests.witness.organisation import Organisation
from tests.witness.paging import page
from tests.witness.rules import Refusal
from tests.witness.state import State
from tests.witness.talk import chunks, completion

Route = Callable[..., Any]


def models(state: State, asked: Request, form: Any) -> Any:
    return {"object": "list", "data": state.models}


def show_model(state: State, asked: Request, form: Any, name: str) -> Any:
    found = next((model for model in state.models if model["id"] == name), None)
    if found is None:
        said = f"The model '{name}' does not exist or you do not have access to it."
        raise Refusal(404, said, code="model_not_found", param="model")
    return found


def chat(state: State, asked: Request, form: Any) -> Any:
    whole = completion(form, {model["id"] for model in state.models})
    way = state.judges.get(form.get("model"))
    said = way and judging.reply(str(form["messages"][-1].get("content")), way, state.right)
    if said:
        whole["choices"][0]["message"]["content"] = said
    return chunks(whole, form) if form.get("stream") else whole


def create_run(state: State, asked: Request, form: Any) -> Any:
    return runlists.shown([state.add_run(form)], state)[0]


def list_runs(state: State, asked: Request, form: Any) -> Any:
    return state.listed_runs(asked.query)


def show_run(state: State, asked: Request, form: Any, run_id: str) -> Any:
    return runlists.shown([state.run(run_id)], state)[0]


def cancel_run(state: State, asked: Request, form: Any, run_id: str) -> Any:
    return runlists.shown([state.cancel(run_id)], state)[0]


def list_events(state: State, asked: Request, form: Any, run_id: str) -> Any:
    state.run(run_id)
    return page(state.events[run_id], asked.query, default=20)


def list_checkpoints(state: State, asked: Request, form: Any, run_id: str) -> Any:
    state.run(run_id)
    return page(state.checkpoints[run_id], asked.query, default=10)


def list_files(state: State, asked: Request, form: Any) -> Any:
    wanted = parse_qs(asked.query).get("purpose")
    found = [file for file in state.files if wanted is None or file["purpose"] == wanted[0]]
    return page(found, asked.query, default=10_000, most=10_000, again=state.shown_again)


def show_file(state: State, asked: Request, form: Any, file_id: str) -> Any:
    found = next((file for file in state.files if file["id"] == file_id), None)
    if found is None:
        raise Refusal(404, f"No such File object: {file_id}", param="id")
    return found


def add_file(state: State, asked: Request, form: Any) -> Any:
    name, content = form["file"]
    return state.add_file(name, content, form["purpose"])


def show_content(state: State, asked: Request, form: Any, file_id: str) -> Any:
    return state.content(file_id)


def open_upload(state: State, asked: Request, form: Any) -> Any:
    made = {"id": state.new_id("upload_"), "object": "upload", "status": "pending", **form}
    state.uploads[made["id"]] = {**made, "parts": {}}
    return made


def add_part(state: State, asked: Request, form: Any, upload_id: str) -> Any:
    part_id = state.new_id("part_")
    state.uploads[upload_id]["parts"][part_id] = form["data"][1]
    return {"id": part_id, "object": "upload.part", "upload_id": upload_id}


def complete_upload(state: State, asked: Request, form: Any, upload_id: str) -> Any:
    upload = state.uploads[upload_id]
    content = b"".join(upload["parts"][part_id] for part_id in form["part_ids"])
    if len(content) != upload["bytes"]:
        raise Refusal(400, "The parts do not add up to the declared bytes.")
    made = state.add_file(upload["filename"], content, upload["purpose"])
    return {"id": upload_id, "object": "upload", "status": "completed", "file": made}


ROUTES: dict[str, Route] = {
    "GET /v1/models": models,
    "GET /v1/models/(.+)": show_model,
    "POST /v1/chat/completions": chat,
    "POST /v1/moderations": moderating.answer,
    "POST /v1/fine_tuning/jobs": create_run,
    "GET /v1/fine_tuning/jobs": list_runs,
    "GET /v1/fine_tuning/jobs/([^/]+)": show_run,
    "POST /v1/fine_tuning/jobs/([^/]+)/cancel": cancel_run,
    "GET /v1/fine_tuning/jobs/([^/]+)/events": list_events,
    "GET /v1/fine_tuning/jobs/([^/]+)/checkpoints": list_checkpoints,
    "GET /v1/files": list_files,
    "POST /v1/files": add_file,
    "GET /v1/files/([^/]+)": show_file,
    "GET /v1/files/([^/]+)/content": show_content,
    "POST /v1/uploads": open_upload,
    "POST /v1/uploads/([^/]+)/parts": add_part,
    "POST /v1/uploads/([^/]+)/complete": complete_upload,
    **routes_of_history.ROUTES,
    **routes_of_webhooks.ROUTES,
}


def follow(seen: Organisation | State, asked: Request, form: Any) -> Any:
    """The answer of the one route that fits to whom `Organisation.admit` lets see this: JSON, a
    file's content, or a list of chunks. Raises Refusal.
    """
    for pattern, route in ROUTES.items():
        found = re.fullmatch(pattern, asked.route)
        if found is not None:
            return route(seen, asked, form, *map(unquote, found.groups()))
    raise Refusal(404, f"Unknown request URL: {asked.route}.", code="unknown_url")
