"""The pages of a project's graders: the library, a grader and its versions, its form."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.connections import queries as connections
from app.core.database import DbSession
from app.core.errors import NotFound, ProductError, WrongInput
from app.core.forms import form_values
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.listing import NUMBER
from app.core.pages import asked_part, page, redirect
from app.core.views import FormState
from app.graders.base import JsonObject
from app.graders.reading import read_grader
from app.grading import queries, service, views
from app.grading.access import CurrentGrader, EditableGrader
from app.grading.boxes import begun, typed
from app.grading.drafting import around_form, as_json, typed_in
from app.grading.drafts import TYPES, Mistyped, Typed, json_at
from app.grading.listing import GRADERS
from app.grading.models import GraderVersion, LibraryGrader
from app.grading.starting import BY_KEY
from app.projects.access import CurrentProject, EditableProject, role_here
from app.projects.queries import members_of

router = APIRouter(dependencies=[Depends(csrf_checked)])

PAGE = 25
Values = Annotated[dict[str, str], Depends(form_values)]
Number = Annotated[int | None, Query(ge=1, le=2**53)]


@router.get("/projects/{project_id}/graders", name="graders.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    asked, part = GRADERS.read(request), asked_part(request, "rows")
    fenced = queries.ids_of_graders(project.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    rows = queries.graders_by_ids(session, project.id, found.ids)
    place = place_of(session, fenced, asked, found)
    people = [(str(one.user_id), one.user.name) for one in members_of(session, project.id)]
    view = views.IndexView(
        project_id=project.id,
        graders=tuple(views.row(one) for one in rows),
        list=list_view(request, asked, found, place, options={"by": people}),
        has_any=bool(rows) or queries.has_graders(session, project.id),
        can_edit=role_here(request).may("edit"),
    )
    return page(request, "graders/index.html", view, fragment=part)


@router.get("/projects/{project_id}/graders/new", name="graders.new")
def new(
    request: Request,
    session: DbSession,
    project: EditableProject,
    kind: Annotated[str, Query(alias="type")] = "",
    task: str = "",
) -> Response:
    if task in BY_KEY:
        body = BY_KEY[task].grader
        return _form(request, session, project.id, _as_kept(body))
    if kind in TYPES:
        came = Typed(begun(TYPES[kind]), {}, TYPES[kind], {"type": kind})
        return _form(request, session, project.id, came)
    return page(request, "graders/choose.html", views.choose(project.id, FormState()))


@router.post("/projects/{project_id}/graders", name="graders.create")
def create(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: EditableProject,
    values: Values,
) -> Response:
    came = typed_in(session, project.id, values)
    try:
        grader = service.create_grader(
            session,
            project_id=project.id,
            actor_id=user.id,
            body=as_json(came),
            connection_id=_whole(values.get("connection_id", "")),
        )
    except ProductError as error:
        return _form(request, session, project.id, came.refused(error), status=422)
    return redirect(request, "graders.show", grader_id=grader.id, toast=f"{grader.name} is kept.")


@router.post("/projects/{project_id}/graders/import", name="graders.paste")
def paste(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: EditableProject,
    values: Values,
) -> Response:
    try:
        grader = service.create_grader(
            session, project_id=project.id, actor_id=user.id, body=_pasted(values)
        )
    except ProductError as error:
        words = error.errors[0].message if error.errors else error.message
        view = views.choose(project.id, FormState(values, {"json": words}))
        return page(request, "graders/choose.html", view, status=422)
    return redirect(request, "graders.show", grader_id=grader.id, toast=f"{grader.name} is kept.")


def _pasted(values: dict[str, str]) -> JsonObject:
    try:
        found = json_at("json", values)
    except Mistyped as wrong:
        raise WrongInput.field("json", wrong.words) from wrong
    if isinstance(found, dict) and isinstance(found.get("grader"), dict):
        found = found["grader"]
    if not isinstance(found, dict):
        raise WrongInput.field("json", "Paste a grader: a JSON object with a type.")
    return service.storable(found)


@router.get("/graders/{grader_id}", name="graders.show")
def show(
    request: Request, session: DbSession, grader: CurrentGrader, version: Number = None
) -> Response:
    found = _version(session, grader, version)
    read = read_grader(found.settings)
    over, is_judged = found.connection_id, bool(read.judges)
    choices = queries.versions_to_try(session, grader.project_id)
    usual = FormState({"rows": "10" if is_judged else "50"})
    view = views.show(
        grader,
        found,
        read,
        queries.versions_of(session, grader.id),
        views.TryView(choices, usual, is_judged=is_judged),
        connections.connection_in(session, grader.project_id, over) if over else None,
        role=role_here(request),
    )
    return page(request, "graders/show.html", view)


@router.get("/graders/{grader_id}/edit", name="graders.edit")
def edit(request: Request, session: DbSession, grader: EditableGrader) -> Response:
    version = _version(session, grader, None)
    came = _as_kept(version.settings, version.connection_id)
    return _form(request, session, grader.project_id, came, grader)


@router.post("/graders/{grader_id}", name="graders.change")
def change(
    request: Request, session: DbSession, user: CurrentUser, grader: EditableGrader, values: Values
) -> Response:
    came = typed_in(session, grader.project_id, values)
    before = grader.number
    try:
        service.change_grader(
            session,
            grader,
            actor_id=user.id,
            after=_whole(values.get("number", "")),
            body=as_json(came),
            connection_id=_whole(values.get("connection_id", "")),
        )
    except ProductError as error:
        came = came.refused(error)
        return _form(request, session, grader.project_id, came, grader, status=error.status)
    is_new = grader.number != before
    toast = f"Version {grader.number} is kept." if is_new else "Nothing changed."
    return redirect(request, "graders.show", grader_id=grader.id, toast=toast)


@router.post("/graders/{grader_id}/delete", name="graders.delete")
def delete(
    request: Request, session: DbSession, user: CurrentUser, grader: EditableGrader
) -> Response:
    project_id, name = grader.project_id, grader.name
    service.delete_grader(session, grader, actor_id=user.id)
    return redirect(request, "graders.index", project_id=project_id, toast=f"{name} is deleted.")


@router.get("/graders/{grader_id}/grader.json", name="graders.export")
def export(session: DbSession, grader: CurrentGrader, version: Number = None) -> Response:
    found = _version(session, grader, version)
    text = json.dumps(read_grader(found.settings).written(), indent=2, ensure_ascii=False)
    name = f"grader-{grader.id}-version-{found.number}.json"
    return Response(
        text + "\n",
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def _as_kept(body: JsonObject, connection_id: int | None = None) -> Typed:
    kind = TYPES[body["type"]]
    over = {"connection_id": str(connection_id or "")}
    return Typed({**typed(kind, body), **over}, {}, kind, body)


def _whole(text: str) -> int | None:
    return int(text) if NUMBER.fullmatch(text) else None


def _version(session: Session, grader: LibraryGrader, number: int | None) -> GraderVersion:
    found = queries.version_of(session, grader, number)
    if found is None:
        raise NotFound
    return found


def _form(
    request: Request,
    session: Session,
    project_id: int,
    came: Typed,
    grader: LibraryGrader | None = None,
    *,
    status: int = 200,
) -> Response:
    around = around_form(session, project_id)
    trying = views.TryView(around.choices, FormState({"rows": "50", **came.values}))
    view = views.form_view(project_id, came, around, trying, grader)
    return page(request, "graders/form.html", view, status=status)
