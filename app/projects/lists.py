"""A project's list as pages: the rows its address asks for, and something done to many of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.core import choosing
from app.core.choosing import Act, Values, act_of, chosen_form, chosen_words, do_each, question
from app.core.database import DbSession
from app.core.keyset import page_of, place_of
from app.core.list_views import Choices, ListView, list_view
from app.core.listing import Table, chosen_in
from app.core.pages import asked_part, page, path_for, redirect
from app.projects.models import Project

PAGE = 25


@dataclass(frozen=True)
class ProjectList:
    """One list of every project. `ids` selects all that its reader may see, `things` loads those
    of some ids, `options` finds the choices that the project itself makes. `name` is that of its
    routes; whoever `may` choose rows does the `acts` to them, in the order of `turn`.
    """

    name: str
    table: Table
    acts: tuple[Act, ...]
    may: Callable[..., Project]
    ids: Callable[[int], Select[int]]
    things: Callable[[Session, int, Sequence[int]], Sequence[Any]]
    options: Callable[[Session, int], Mapping[str, Choices]]
    turn: Callable[[Any], Any] = lambda thing: thing.id


class Shown(NamedTuple):
    """A page of a list: the ids in order, what its template shows beside the rows, and the block
    that a live page asked for.
    """

    ids: Sequence[int]
    list: ListView
    told: str
    acts: tuple[Act, ...]
    part: str | None


def shown(
    request: Request, session: Session, project: Project, of: ProjectList, *, can_choose: bool
) -> Shown:
    """The page of a project's list that the address asks for."""
    asked, part = of.table.read(request), asked_part(request, "rows")
    fenced = of.ids(project.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    listed = list_view(
        request,
        asked,
        found,
        place_of(session, fenced, asked, found),
        options={} if part else of.options(session, project.id),
        can_choose=can_choose,
    )
    told, acts = choosing.outcome(of.acts, asked.told), choosing.acts_here(of.acts, asked)
    return Shown(found.ids, listed, told, acts, part)


def add_chosen(router: APIRouter, of: ProjectList) -> None:
    """The two routes that do something to many: the question before it, and the deed."""
    path, index = f"/projects/{{project_id}}/{of.name}/chosen", f"{of.name}.index"

    @router.get(path, name=f"{of.name}.chosen")
    def ask(
        request: Request,
        session: DbSession,
        project: Annotated[Project, Depends(of.may)],
        do: str = "",
    ) -> Response:
        chosen, part = chosen_words(request), asked_part(request, "question")
        things = of.things(session, project.id, chosen_in(chosen))
        if not things:
            return redirect(request, index, project_id=project.id)
        view = question(
            act_of(of.acts, do),
            things,
            noun=of.table.noun,
            do_url=path_for(request, f"{of.name}.do_chosen", project_id=project.id),
            list_url=path_for(request, index, project_id=project.id, query={"chosen": chosen}),
            is_part=part is not None,
        )
        return page(request, "ui/chosen.html", view, fragment=part)

    @router.post(path, name=f"{of.name}.do_chosen")
    def do_chosen(
        request: Request,
        session: DbSession,
        user: CurrentUser,
        project: Annotated[Project, Depends(of.may)],
        values: Values,
    ) -> Response:
        form = chosen_form(values)
        act, things = (
            act_of(of.acts, form.do),
            of.things(session, project.id, chosen_in(form.chosen)),
        )
        done, stayed = do_each(session, act, sorted(things, key=of.turn), actor_id=user.id)
        told = choosing.told(act, done, stayed)
        return redirect(request, index, project_id=project.id, query=told)
