"""Gathers what the page of the playground shows, for a new conversation or one that is there."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy.orm import Session

from app.auth.models import User
from app.budgets.standing import standing_of_budget
from app.catalog.views import Snippet
from app.connections import queries as connections
from app.core import clock
from app.core.pages import path_for
from app.datasets.queries import ready_versions
from app.jobs import queries_offered
from app.jobs.queries_offered import Offered
from app.playground import queries, views
from app.playground.codes import code_of, columns_in, few_shot
from app.playground.forms import MOST_COLUMNS
from app.playground.models import Conversation
from app.playground.preparing import Told, told
from app.playground.prompts import Trained, differences
from app.playground.snippets import snippets
from app.playground.verdicts import grading
from app.projects.access import role_here
from app.settings import settings

VIEWER = (
    "Your role is viewer: an editor or owner of this project may ask its models, because asking "
    "can cost money."
)
NOT_YOURS = "Only whoever began this conversation goes on with it."
START = {"temperature": "0", "max_tokens": "256"}
USUAL_EXAMPLES = "5"


def show(
    request: Request,
    session: Session,
    user: User,
    project_id: int,
    conversation: Conversation | None = None,
) -> views.ShowView:
    """The page, with the models that its address names, else those that were asked last. Raises
    WrongInput for an address that names none.
    """
    here = connections.connections_of(session, project_id)
    offered = queries_offered.offered(session, project_id)
    versions = {
        one.id: f"{one.dataset.name}, version {one.number}"
        for one in ready_versions(session, project_id)
        if one.format == "chat"
    }
    names = views.Names(here, offered, versions)
    was = told(session, conversation) if conversation else None
    asked = [one.model_dump(exclude_none=True) for one in columns_in(_codes(request, was, offered))]
    codes = [code_of(one) for one in asked]
    trained = trained_prompts(session, project_id, names, asked)
    typed = _settings(was, trained)
    last = was.questions[-1] if was and was.questions else None
    graded = grading(request, session, project_id, last)
    is_mine = conversation is None or conversation.created_by == user.id
    month = standing_of_budget(session, project_id, clock.now(session))
    role = role_here(request)
    may_spend = role.may("spend")
    return views.ShowView(
        project_id=project_id,
        conversation_id=conversation.id if conversation else None,
        title=conversation.title if conversation else "",
        by=views.maker_of(conversation) if conversation else "",
        is_mine=is_mine,
        is_shared=bool(conversation and conversation.shared_at),
        columns=views.columns_of(names, asked, _without(request, codes)),
        turns=views.turns_of(names, was, graded.verdicts) if was else (),
        grading=graded,
        settings=typed,
        prompt=check(request, project_id, codes, trained, typed.get("system", "")),
        offers=views.offers_of(offered, here),
        connections=tuple((one.id, one.name) for one in here),
        versions=tuple(versions.items()),
        snippets=_snippets(request, was) if was and may_spend else (),
        can_ask=is_mine and may_spend,
        can_save=role.may("edit"),
        why_not="" if is_mine and may_spend else NOT_YOURS if may_spend else VIEWER,
        cost_note=views.cost_note(asked, here, month),
        most_columns=MOST_COLUMNS,
    )


def _codes(request: Request, was: Told | None, offered: Sequence[Offered]) -> list[str]:
    """What the address names, and what its form adds to that."""
    given = request.query_params
    codes = given.getlist("column") if "column" in given else _usual(was, offered)
    name, place = given.get("name", "").strip(), given.get("connection", "")
    added = f"{place}:{name}" if name and place else given.get("add", "")
    if added and given.get("examples_from"):
        examples = given.get("examples") or USUAL_EXAMPLES
        added = few_shot(added, given["examples_from"], examples)
    return [*codes, added]


def _usual(was: Told | None, offered: Sequence[Offered]) -> list[str]:
    """The models asked last; in a new conversation the newest tuned model and a base model beside
    it.
    """
    if was is not None and was.questions:
        return [code_of(one) for one in was.questions[-1].columns]
    tuned = next((one for one in offered if one.kind == "tuned"), None)
    bases = [one for one in offered if one.kind == "base"]
    beside = [one for one in bases if tuned and one.connection_id == tuned.connection_id] or bases
    return [
        code_of({"connection_id": one.connection_id, "model": one.model})
        for one in (tuned, *beside[:1])
        if one is not None
    ]


def _without(request: Request, codes: Sequence[str]) -> list[str]:
    """The same page without each of the models."""
    found = []
    for code in codes:
        others = [("column", other) for other in codes if other != code] or [("column", "")]
        found.append(f"{request.scope['path']}?{urlencode(others)}")
    return found


def _snippets(request: Request, was: Told) -> tuple[Snippet, ...]:
    if not was.questions:
        return ()
    path = path_for(request, "api.conversations.begin", project_id=was.conversation.project_id)
    last = was.questions[-1]
    body = {"text": last.text, "columns": last.columns, "settings": last.settings}
    return snippets(settings().base_url + path, body)


def trained_prompts(
    session: Session, project_id: int, names: views.Names, asked: Sequence[Mapping[str, Any]]
) -> tuple[Trained, ...]:
    """What the models of these columns were trained with, where that is known."""
    known = queries.trained_with(session, project_id, {one["model"] for one in asked})
    found = []
    for one in asked:
        report, rows = known.get((one["connection_id"], one["model"]), ({}, 0))
        if report.get("system_prompt"):
            prompt, having = report["system_prompt"], report.get("system_prompt_rows", 0)
            found.append(Trained(names.title(one), prompt, having, rows))
    return tuple(found)


def prompt_part(
    request: Request, session: Session, project_id: int, system: str
) -> views.PromptPart:
    """The check of a system prompt for the models that the address names."""
    codes = request.query_params.getlist("column")
    asked = [one.model_dump(exclude_none=True) for one in columns_in(codes)]
    here = connections.connections_of(session, project_id)
    names = views.Names(here, queries_offered.offered(session, project_id), {})
    trained = trained_prompts(session, project_id, names, asked)
    return views.PromptPart(check(request, project_id, codes, trained, system))


def check(
    request: Request,
    project_id: int,
    codes: Sequence[str],
    trained: Sequence[Trained],
    system: str,
) -> views.PromptView:
    """What to say of a system prompt beside those the models were trained with."""
    path = path_for(request, "playground.prompt", project_id=project_id)
    url = f"{path}?{urlencode([('column', code) for code in codes])}"
    return views.PromptView(url, differences(trained, system), bool(trained))


def _settings(was: Told | None, trained: Sequence[Trained]) -> dict[str, str]:
    """The settings of the last question as they are typed; at first what the tuned model knows."""
    if was is None or not was.questions:
        return START | ({"system": trained[0].prompt} if trained else {})
    return {name: _typed(value) for name, value in was.questions[-1].settings.items()}


def _typed(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
