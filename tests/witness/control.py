"""What a test may tell a running witness, beside what the wire has."""

from collections.abc import Callable
from typing import Any

from tests.witness import expected, history
from tests.witness.allowance import Allowance
from tests.witness.content import Rows
from tests.witness.organisation import Organisation
from tests.witness.state import State

OF_THE_ORGANISATION = {"latency", "scope_status"}


def project(organisation: Organisation, state: State, asked: Any) -> Any:
    organisation.add_project(asked["key"], asked["name"])
    return {}


def settings(organisation: Organisation, state: State, asked: Any) -> Any:
    for name, value in asked.items():
        if name == "allowance":
            organisation.allowance = Allowance(value)
        else:
            setattr(organisation if name in OF_THE_ORGANISATION else state, name, value)
    return {}


def run(organisation: Organisation, state: State, asked: Any) -> Any:
    state.move(asked["id"], asked)
    return {}


def hide(organisation: Organisation, state: State, asked: Any) -> Any:
    (state.hidden.add if asked["hidden"] else state.hidden.discard)(asked["id"])
    return {}


def webhooks(organisation: Organisation, state: State, asked: Any) -> Any:
    state.webhooks.plan += asked.get("plan", [])
    return {"data": state.webhooks.deliveries, "endpoints": state.webhooks.endpoints}


def carried_out(organisation: Organisation, state: State, asked: Any) -> Any:
    return state.add_run(asked)


def crowd(organisation: Organisation, state: State, asked: Any) -> Any:
    """Many runs of one order at once, as they are a while after it; ids, the oldest first."""
    made = [state.add_run(asked["body"]) for _ in range(asked["count"])]
    for run in made:
        run.update(asked["fields"])
        state.visible_at[run["id"]] = 0.0
    return {"data": [run["id"] for run in made]}


def event(organisation: Organisation, state: State, asked: Any) -> Any:
    return state.add_event(asked.pop("run_id"), **asked)


def checkpoint(organisation: Organisation, state: State, asked: Any) -> Any:
    state.checkpoints.kept(asked["fine_tuning_job_id"]).insert(0, asked)
    return {}


def file(organisation: Organisation, state: State, asked: Any) -> Any:
    rows = asked.pop("rows", None)
    content = asked.pop("content").encode("latin-1") if rows is None else Rows(**rows)
    return state.add_file(asked.pop("name"), content, **asked)


def deleted(organisation: Organisation, state: State, asked: Any) -> Any:
    state.delete(asked["id"])
    return {}


def files(organisation: Organisation, state: State, asked: Any) -> Any:
    return {"data": state.files}


def runs(organisation: Organisation, state: State, asked: Any) -> Any:
    return {"data": state.runs}


def filled(organisation: Organisation, state: State, asked: Any) -> Any:
    history.build(organisation, state, **asked)
    return {}


def there(organisation: Organisation, state: State, asked: Any) -> Any:
    return {"data": expected.of(organisation, state, **asked)}


CONTROLS: dict[str, Callable[[Organisation, State, Any], Any]] = {
    "/_project": project,
    "/_set": settings,
    "/_run": run,
    "/_carry_out": carried_out,
    "/_hide": hide,
    "/_webhooks": webhooks,
    "/_crowd": crowd,
    "/_event": event,
    "/_checkpoint": checkpoint,
    "/_file": file,
    "/_delete": deleted,
    "/_files": files,
    "/_runs": runs,
    "/_fill": filled,
    "/_expected": there,
}
