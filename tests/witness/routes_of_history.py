"""What the witness answers about a team's history: evals, stored completions, and what an
organisation knows of its models."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from tests.witness.journal import Request
from tests.witness.organisation import Organisation
from tests.witness.paging import page
from tests.witness.rules import Refusal
from tests.witness.state import Json, State


def _found(items: list[Json], object_id: str, what: str) -> Json:
    for item in items:
        if item["id"] == object_id:
            return item
    raise Refusal(404, f"{what} with ID {object_id} not found.", code="not_found")


def _oldest_first(state: State, items: list[Json], asked: Request) -> Json:
    return page(items, asked.query, default=20, newest_first=False, again=state.shown_again)


def list_evals(state: State, asked: Request, form: Any) -> Any:
    return _oldest_first(state, state.evals, asked)


def show_eval(state: State, asked: Request, form: Any, eval_id: str) -> Any:
    return _found(state.evals, eval_id, "Eval")


def list_eval_runs(state: State, asked: Request, form: Any, eval_id: str) -> Any:
    _found(state.evals, eval_id, "Eval")
    runs, wanted = state.eval_runs[eval_id], parse_qs(asked.query).get("status")
    if wanted is not None:
        runs = [run for run in runs if run["status"] == wanted[0]]
    return _oldest_first(state, runs, asked)


def show_eval_run(state: State, asked: Request, form: Any, eval_id: str, run_id: str) -> Any:
    _found(state.evals, eval_id, "Eval")
    return _found(state.eval_runs[eval_id], run_id, "Run")


def list_eval_items(state: State, asked: Request, form: Any, eval_id: str, run_id: str) -> Any:
    show_eval_run(state, asked, form, eval_id, run_id)
    items, wanted = state.eval_items[run_id], parse_qs(asked.query).get("status")
    if wanted is not None:
        items = [item for item in items if item["status"] == wanted[0]]
    return _oldest_first(state, items, asked)


def list_completions(state: State, asked: Request, form: Any) -> Any:
    found, wanted = state.completions, parse_qs(asked.query).get("model")
    if wanted is not None:
        found = [stored for stored in found if stored["model"] == wanted[0]]
    return _oldest_first(state, found, asked)


def show_completion(state: State, asked: Request, form: Any, completion_id: str) -> Any:
    return _found(state.completions, completion_id, "Chat completion")


def list_messages(state: State, asked: Request, form: Any, completion_id: str) -> Any:
    _found(state.completions, completion_id, "Chat completion")
    return _oldest_first(state, state.messages[completion_id], asked)


def list_permissions(seen: Organisation, asked: Request, form: Any, name: str) -> Any:
    found, wanted = seen.permissions.get(name, []), parse_qs(asked.query).get("project_id")
    if wanted is not None:
        found = [given for given in found if given["project_id"] == wanted[0]]
    return page(found, asked.query, default=10)


def usage(seen: Organisation, asked: Request, form: Any) -> Any:
    return seen.usage_page(asked.query)


def list_projects(seen: Organisation, asked: Request, form: Any) -> Any:
    return page(seen.listed_projects(), asked.query, default=20)


ROUTES: dict[str, Callable[..., Any]] = {
    "GET /v1/evals": list_evals,
    "GET /v1/evals/([^/]+)": show_eval,
    "GET /v1/evals/([^/]+)/runs": list_eval_runs,
    "GET /v1/evals/([^/]+)/runs/([^/]+)": show_eval_run,
    "GET /v1/evals/([^/]+)/runs/([^/]+)/output_items": list_eval_items,
    "GET /v1/chat/completions": list_completions,
    "GET /v1/chat/completions/([^/]+)": show_completion,
    "GET /v1/chat/completions/([^/]+)/messages": list_messages,
    "GET /v1/fine_tuning/checkpoints/([^/]+)/permissions": list_permissions,
    "GET /v1/organization/usage/completions": usage,
    "GET /v1/organization/projects": list_projects,
}
