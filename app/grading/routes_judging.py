"""Asking a grader's judges about rows of a dataset: the price first, then a few questions at a
time, until all are answered or somebody stops it.
"""

from collections.abc import Mapping
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.connections.models import Connection
from app.core.errors import Conflict, WrongInput
from app.core.forms import form_values, validated
from app.core.listing import NUMBER
from app.grading.access import JudgedGrader, JudgingSeat
from app.grading.asking import ask_judges
from app.grading.forms import TryPageForm
from app.grading.judging import At, Came, Judging, open_questions
from app.grading.judging_views import came_in
from app.grading.opening import Opened, asked_over, opened, planned, rows_of

# It looks at the token itself: no session stays open while a judge thinks.
asking = APIRouter()

AT_ONCE = 4
"""Questions of one request: who stops it pays for no more than these."""


@asking.post("/graders/{grader_id}/judge", name="graders.judge")
async def judge(
    request: Request,
    entered: JudgedGrader,
    _seat: JudgingSeat,
    values: Annotated[dict[str, str], Depends(form_values)],
) -> Response:
    in_thread = anyio.to_thread.run_sync
    number, again = values.get("version", ""), values.get("again", "")
    found = await in_thread(
        opened, entered.thing, int(number) if NUMBER.fullmatch(number) else None
    )
    came = {
        at: one
        for at, one in came_in(values).items()
        if one.reply is not None or again not in {"all", str(at[0])}
    }
    if "stop" not in values:
        came |= await _next(found, values, came)
    view, status = await in_thread(planned, found, values, came, TryPageForm)
    return await in_thread(found.page, request, view, status)


async def _next(
    found: Opened, values: Mapping[str, str], came: Mapping[At, Came]
) -> dict[At, Came]:
    """The next few answers; none where something is wrong, which the page says then."""

    def look() -> tuple[Connection, Judging]:
        given = {name: values[name] for name in TryPageForm.model_fields if values.get(name)}
        form = validated(TryPageForm, given)
        return asked_over(found), rows_of(found, form)

    try:
        connection, rows = await anyio.to_thread.run_sync(look)
    except (WrongInput, Conflict):
        return {}
    questions = open_questions(rows, came)[:AT_ONCE]
    return await ask_judges(connection, found.read.judges, questions)
