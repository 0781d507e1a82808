"""The pages of a version's rows and of its findings: sorted, filtered, each in its address."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import csrf_checked
from app.core import storage
from app.core.keyset import Found, Place
from app.core.list_views import Choices, list_view
from app.core.listing import NUMBER, Asked
from app.core.pages import asked_part, page, redirect
from app.datasets.access import CurrentVersion
from app.datasets.browsing import (
    FINDINGS,
    findings_asked_for,
    read_rows,
    rows_asked_for,
)
from app.datasets.clusters import CLUSTERS, cluster_rows, clusters_asked_for
from app.datasets.clusters import count as cluster_count
from app.datasets.heads import head_of
from app.datasets.index import Index, Row, open_index
from app.datasets.report import finding_row
from app.datasets.rows import cards
from app.datasets.views import ClustersView, FindingsView, RowsView

router = APIRouter(dependencies=[Depends(csrf_checked)])

ROWS_PAGE = 20
FINDINGS_PAGE = 50


@router.get("/dataset-versions/{version_id}/rows", name="datasets.rows")
def rows(request: Request, version: CurrentVersion, row: str = "") -> Response:
    if not version.is_final:
        return redirect(request, "datasets.show", version_id=version.id)
    with open_index(storage.index_path(version.id)) as opened:
        asked = read_rows(request, opened, beside="row")
        found = _row_of(opened, row)
        if found is not None:
            asked = _from(asked, found)
        shelves = rows_asked_for(opened, asked)
        ids = shelves.page(asked, limit=ROWS_PAGE)
        place = shelves.place(ids, is_down=asked.is_down)
        view = RowsView(
            head=head_of(request, version, opened),
            list=list_view(request, asked, ids, place, options=_options(opened)),
            cards=cards(version, opened, opened.rows_at(ids.ids)),
            row=found.line if found else None,
            error=f"There is no row {row[:20]}." if row and found is None else None,
            is_sorted=opened.is_sorted,
        )
    return page(request, "datasets/rows.html", view, fragment=asked_part(request, "rows"))


@router.get("/dataset-versions/{version_id}/clusters", name="datasets.clusters")
def clusters(request: Request, version: CurrentVersion) -> Response:
    if not version.is_final:
        return redirect(request, "datasets.show", version_id=version.id)
    asked = CLUSTERS.read(request)
    with open_index(storage.index_path(version.id)) as opened:
        ids, place = Found([], has_earlier=False, has_later=False), Place(0, 0)
        if cluster_count(opened):
            shelves = clusters_asked_for(opened, asked)
            ids = shelves.page(asked, limit=ROWS_PAGE)
            place = shelves.place(ids, is_down=asked.is_down)
        view = ClustersView(
            head=head_of(request, version, opened),
            list=list_view(request, asked, ids, place),
            clusters=cluster_rows(version, opened, ids.ids),
            is_deep=opened.is_deep,
        )
    return page(request, "datasets/clusters.html", view, fragment=asked_part(request, "rows"))


def _options(opened: Index) -> dict[str, Choices]:
    return {
        "rule": [(one.rule, one.rule) for one in opened.finding_groups()],
        "label": [
            (str(code), f"{label} ({rows:,})")
            for label, code, rows in opened.facts.get("labels", ())
        ],
    }


def _row_of(opened: Index, line: str) -> Row | None:
    return opened.row(int(line)) if NUMBER.fullmatch(line) else None


def _from(asked: Asked, row: Row) -> Asked:
    """The page of the file that begins with this row, whatever else was asked."""
    table, after = asked.table, row.n - 1 or None
    return Asked(table, table.column("row"), is_down=False, columns=asked.columns, after=after)


@router.get("/dataset-versions/{version_id}/findings", name="datasets.findings")
def findings(request: Request, version: CurrentVersion) -> Response:
    if not version.is_final:
        return redirect(request, "datasets.show", version_id=version.id)
    asked = FINDINGS.read(request)
    with open_index(storage.index_path(version.id)) as opened:
        shelves = findings_asked_for(opened, asked)
        ids = shelves.page(asked, limit=FINDINGS_PAGE)
        groups = opened.finding_groups()
        kept = {(rule, severity): count for severity, rule, count in opened.kept_findings()}
        listed = list_view(
            request,
            asked,
            ids,
            shelves.place(ids, is_down=asked.is_down),
            options={"rule": [(one.rule, one.rule) for one in groups]},
        )
        view = FindingsView(
            head=head_of(request, version, opened),
            list=listed,
            findings=tuple(finding_row(one) for one in opened.findings_at(ids.ids)),
            cut_off=tuple(
                one.rule for one in groups if one.count > kept.get((one.rule, one.severity), 0)
            ),
        )
    return page(request, "datasets/findings.html", view, fragment=asked_part(request, "rows"))
