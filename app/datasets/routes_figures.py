"""The pages of a version's charts, and of one row in every token."""

import csv
import io
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.auth.access import csrf_checked
from app.core import storage
from app.core.cells import cell
from app.core.errors import NotFound, WrongInput
from app.core.pages import page, redirect
from app.core.tokens import O200K
from app.datasets.access import CurrentVersion
from app.datasets.figures import figures, is_whole, table
from app.datasets.heads import head_of
from app.datasets.index import open_index
from app.datasets.marking import ENCODINGS, mark, total
from app.datasets.rows import cards, lines_of, row_value
from app.datasets.views import FiguresView, RowView
from app.datasets.views_tokens import MarkedTurn
from app.formats.base import JsonObject

router = APIRouter(dependencies=[Depends(csrf_checked)])

Line = Annotated[int, Query(ge=1, le=2**53)]


@router.get("/dataset-versions/{version_id}/figures", name="datasets.figures")
def all_figures(request: Request, version: CurrentVersion) -> Response:
    if not version.is_final:
        return redirect(request, "datasets.show", version_id=version.id)
    with open_index(storage.index_path(version.id)) as opened:
        view = FiguresView(head_of(request, version, opened), figures(opened), is_whole(opened))
    return page(request, "datasets/figures.html", view)


@router.get("/dataset-versions/{version_id}/figures.csv", name="datasets.figure_csv")
def figure_csv(version: CurrentVersion, figure: str = "tokens") -> Response:
    if not version.is_final:
        raise NotFound
    with open_index(storage.index_path(version.id)) as opened:
        found = {one.key: one for one in figures(opened)}
    if figure not in found:
        raise NotFound
    lines = io.StringIO()
    rows = ([cell(value) for value in row] for row in table(found[figure]))
    csv.writer(lines).writerows(rows)
    return Response(
        lines.getvalue(),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="version-{version.id}-{figure}.csv"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


@router.get("/dataset-versions/{version_id}/row", name="datasets.row")
def row(
    request: Request, version: CurrentVersion, line: Line = 1, encoding: str = O200K
) -> Response:
    if not version.is_final:
        return redirect(request, "datasets.show", version_id=version.id)
    if encoding not in ENCODINGS:
        raise WrongInput.field("encoding", f"One of: {', '.join(ENCODINGS)}.")
    with open_index(storage.index_path(version.id)) as opened:
        found = opened.row(line)
        if found is None:
            raise NotFound(f"There is no row {line}.")
        beside = {one.n: one.line for one in opened.rows_at((found.n - 1, found.n + 1))}
        [(_, content)] = lines_of(version, [found])
        turns, tokens = _marked(version.format, row_value(content), encoding)
        view = RowView(
            head=head_of(request, version, opened),
            card=cards(version, opened, [found])[0],
            turns=turns,
            total=tokens,
            encoding=encoding,
            encodings=tuple(ENCODINGS.items()),
            earlier=beside.get(found.n - 1),
            later=beside.get(found.n + 1),
        )
    return page(request, "datasets/row.html", view)


def _marked(
    name: str | None, value: JsonObject | None, encoding: str
) -> tuple[tuple[MarkedTurn, ...], int | None]:
    """The row token by token, and how many they are; nothing where it cannot be read."""
    if name is None or value is None:
        return (), None
    return mark(name, value, encoding), total(name, value, encoding)
