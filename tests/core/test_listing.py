"""What an address may ask of a list, and pages that neither lose nor repeat a row."""

from itertools import pairwise
from urllib.parse import urlencode

import pytest
from starlette.requests import Request

from app.core.errors import WrongInput
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.listing import Asked
from app.jobs import queries
from app.jobs.listing import JOBS
from app.jobs.models import Job, JobStatus
from tests import make

LOSSES = (0.5, None, 0.25, 0.5, None, 0.125, 0.5, 0.25)
NAMES = ("b", "A", "c", "a", "B", "100%", "a_b", "axb")


def request(**query: str) -> Request:
    words = urlencode(query).encode()
    return Request({"type": "http", "path": "/list", "query_string": words, "headers": []})


def asked(**query: str) -> Asked:
    return JOBS.read(request(**query))


@pytest.fixture
def listed(session):
    """A project with eight jobs, some without a loss, some alike; and somebody else's job."""
    owner = make.make_user(session)
    made = []
    for number, project in enumerate([make.make_project(session, owner) for _ in range(2)]):
        connection = make.make_connection(session, project)
        version = make.make_checked_version(session, project)
        for n in range(8 if number == 0 else 1):
            job = make.make_job(session, project, connection, version, key=f"form:{n}")
            job.name, job.best_valid_loss = NAMES[n], LOSSES[n]
            job.status = JobStatus.RUNNING if n % 2 else JobStatus.SUCCEEDED
            made.append(job)
    session.flush()
    return made[0].project_id, made[:8]


def walk(session, fenced, limit, **query):
    """Every page, forward; each as its ids."""
    pages, cursor = [], {}
    while True:
        found = page_of(session, fenced, asked(**query, **cursor), limit=limit)
        pages.append(list(found.ids))
        if not found.has_later:
            return pages
        cursor = {"after": str(found.ids[-1])}


SORTS = [column.key for column in JOBS.columns if column.by is not None]


@pytest.mark.parametrize("sort", [*SORTS, *(f"-{key}" for key in SORTS)])
def test_pages_of_every_order_hold_each_row_once_forward_and_back(session, listed, sort):
    project_id, jobs = listed
    fenced = queries.ids_of_jobs(project_id)
    (whole,) = walk(session, fenced, 50, sort=sort)
    assert sorted(whole) == sorted(job.id for job in jobs)

    pages = walk(session, fenced, 3, sort=sort)
    assert [row for page in pages for row in page] == whole
    for earlier, page in pairwise(pages):
        back = page_of(session, fenced, asked(sort=sort, before=str(page[0])), limit=3)
        assert list(back.ids) == earlier
        assert back.has_later
    assert not page_of(
        session, fenced, asked(sort=sort, before=str(pages[1][0])), limit=3
    ).has_earlier


def test_what_is_unknown_comes_last_whichever_way(session, listed):
    project_id, jobs = listed
    fenced = queries.ids_of_jobs(project_id)
    losses = {job.id: job.best_valid_loss for job in jobs}
    for sort, values in (("best", [0.125, 0.25, 0.25]), ("-best", [0.5, 0.5, 0.5])):
        (ids,) = walk(session, fenced, 50, sort=sort)
        assert [losses[row] for row in ids][:3] == values
        assert [losses[row] for row in ids][-2:] == [None, None]


def test_a_page_knows_where_it_stands(session, listed):
    project_id, _ = listed
    fenced = queries.ids_of_jobs(project_id)
    first = page_of(session, fenced, asked(sort="best"), limit=3)
    then = asked(sort="best", after=str(first.ids[-1]))
    second = page_of(session, fenced, then, limit=3)
    place = place_of(session, fenced, then, second)
    assert (place.first, place.total) == (4, 8)
    view = list_view(request(), then, second, place)
    assert (view.first, view.last) == (4, 6)
    assert view.earlier_url == f"/list?sort=best&before={second.ids[0]}"


def test_letters_of_a_pattern_are_letters(session, listed):
    project_id, jobs = listed
    fenced = queries.ids_of_jobs(project_id)
    names = {job.id: job.name for job in jobs}

    def matching(text):
        return sorted(
            names[row] for (row,) in [*session.execute(fenced.where(*asked(q=text).where))]
        )

    assert matching("a_b") == ["a_b"]
    assert matching("100%") == ["100%"]
    assert matching("%%%_") == []
    assert matching("(a+)+$") == matching("a\\_b") == []
    assert matching("B") == ["B", "a_b", "axb", "b"]


HOSTILE = {
    "sort": ("password", "-user__password", "id;drop table jobs", "curve", "--best", "best,name"),
    "column": ("password", "name,password", "name;", "*"),
    "status": ("done", "running,nonsense", "RUNNING", "running;drop"),
    "connection": ("0x10", "1 or 1=1", "null", "१२", "-1", "1.5", "9" * 30, str(2**64)),
    "since": ("0000-00-00", "2026-13-01", "1000000-01-01", "yesterday", "2026-1-1", "२०२६-०१-०१"),
    "after": ("-1", "1e9", "x", "१", str(2**64)),
    "before": ("-1", "null"),
    "chosen": ("1,x", "-1", "1;2", ",".join(map(str, range(1, 202)))),
    "archived": ("no", "1", "true"),
    "q": ("a" * 201, "nul\x00"),
    "updated_by__password": ("a",),
    "role": ("admin",),
    "project_id": ("2",),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_list_does_not_know_is_refused_by_name(name):
    for value in HOSTILE[name]:
        with pytest.raises(WrongInput) as refused:
            asked(**{name: value})
        assert [error.field for error in refused.value.errors] == [name], value


def test_an_address_says_only_what_is_not_as_usual():
    assert asked().query() == {}
    assert asked(sort="-created", q=" ", status="").query() == {}
    same = asked(sort="best", q="mini", chosen="3,3,4", column="name,best")
    assert same.query() == {"q": "mini", "sort": "best", "column": "name,best", "chosen": "3,4"}
    usual = ",".join(column.key for column in JOBS.columns if not column.is_extra)
    assert asked(column=usual).columns == ()


def test_boxes_sent_one_by_one_are_one_answer():
    found = JOBS.read(
        Request(
            {
                "type": "http",
                "query_string": b"status=running&status=paused&chosen=1&chosen=2&column=best",
                "headers": [],
            }
        )
    )
    assert found.filters == {"status": "running,paused"}
    assert found.chosen == (1, 2)
    assert found.columns == ("best",)
    assert found.shows("name")


def test_a_row_that_is_gone_is_no_edge(session, listed):
    project_id, _ = listed
    stranger = session.query(Job).filter(Job.project_id != project_id).one()
    with pytest.raises(WrongInput):
        page_of(
            session,
            queries.ids_of_jobs(project_id),
            asked(sort="best", after=str(stranger.id)),
            limit=3,
        )
