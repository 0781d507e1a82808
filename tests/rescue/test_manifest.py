"""The manifest as a list and as files, and the page of each object."""

import csv
import io
import json

import pytest

from app.connections.models import Connection
from app.core import storage
from app.core.database import unit_of_work
from app.projects.models import Project
from app.rescue.models import Kind, Outcome, RescuedObject, Stage
from tests import make
from tests.stage import one_database, read

HOSTILE = "<img src=x onerror=alert(1)>\"'{{7*7}}"


@pytest.fixture
def rescue(team):
    """A rescue with an object of some kinds and outcomes; its id, and those of its objects."""
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        rescue = make.make_rescue(session, connection, stage=Stage.FETCHING)

        def add(kind, object_id, content=None, **fields):
            fields = {"rescue_id": rescue.id, **fields}
            return make.make_rescued_object(
                session, connection, kind, object_id, content, **fields
            ).id

        ids = {
            "eval": add(Kind.EVAL, "eval_1", b'{"id":"eval_1"}', name="Refund tone"),
            "run": add(Kind.EVAL_RUN, "evalrun_1", b'{"id":"r"}', parent_id="eval_1"),
            "items": add(
                Kind.EVAL_ITEMS,
                "evalrun_1",
                b"".join(b'{"id":"item_%d"}\n' % n for n in range(60)),
                parent_id="evalrun_1",
                lines=60,
            ),
            "file": add(Kind.FILE, "file-a", b"step,loss\n1,2.0\n", name="../results\n.csv"),
            "refused": add(
                Kind.FILE, "file-b", outcome=Outcome.REFUSED, error=HOSTILE, name=HOSTILE
            ),
            "waiting": add(Kind.FILE, "file-c", announced=12_345, facts={"purpose": "fine-tune"}),
        }
        return rescue.id, ids


@pytest.fixture
def owner(team, browser):
    return browser(team.users["owner"])


def rows(page):
    """The ids of the objects shown, in order."""
    return [part.partition('"')[0] for part in page.split('id="object-')[1:]]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", ["eval", "run", "items", "file", "refused", "waiting"]),
        ("?kind=file", ["file", "refused", "waiting"]),
        ("?kind=eval,eval_run", ["eval", "run"]),
        ("?outcome=refused", ["refused"]),
        ("?q=refund", ["eval"]),
        ("?q=FILE-&sort=-object", ["waiting", "refused", "file"]),
        ("?sort=bytes&outcome=home", ["run", "eval", "file", "items"]),
        ("?connection=999", []),
    ],
)
def test_the_manifest_is_filtered_sorted_and_searched(rescue, owner, asked, shown):
    rescue_id, ids = rescue
    answer = owner.get(f"/rescues/{rescue_id}/manifest{asked}")
    assert answer.status_code == 200
    assert rows(answer.text) == [str(ids[name]) for name in shown]


@one_database
def test_its_columns_can_be_chosen_and_it_lives_while_the_rescue_works(rescue, owner):
    rescue_id, _ = rescue
    page = owner.get(f"/rescues/{rescue_id}/manifest?column=object,parent,connection").text
    assert "evalrun_1" in page
    assert 'data-label="sha256"' not in page
    assert f'data-topic="rescue:{rescue_id}"' in page
    part = owner.get(f"/rescues/{rescue_id}/manifest", **{"HX-Request": "true"}).text
    assert part.lstrip().startswith('<div class="stack stack--tight" id="rows"')


@one_database
def test_it_comes_as_jsonl_and_csv_to_a_browser(rescue, owner):
    rescue_id, _ = rescue
    answer = owner.get(f"/rescues/{rescue_id}/manifest.jsonl")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["object_id"] for line in lines][:2] == ["eval_1", "evalrun_1"]
    assert answer.headers["content-disposition"].startswith("attachment")
    table = list(csv.DictReader(io.StringIO(owner.get(f"/rescues/{rescue_id}/manifest.csv").text)))
    assert [row["kind"] for row in table] == [line["kind"] for line in lines]


@one_database
def test_a_manifest_holds_what_any_rescue_over_its_connections_found_and_nothing_else(
    team, rescue, owner
):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        other = make.make_connection(session, project, name="Other")
        make.make_rescued_object(session, other, Kind.FILE, "file-elsewhere", b"x")
        mine = session.get_one(Connection, team.connection_id)
        later = make.make_rescue(session, mine).id
    assert len(rows(owner.get(f"/rescues/{later}/manifest").text)) == 6


@one_database
def test_an_object_says_what_it_is_and_leads_to_its_kin(rescue, owner):
    _, ids = rescue
    page = owner.get(f"/rescued/{ids['run']}").text
    assert f'href="/rescued/{ids["eval"]}"' in page
    assert f'href="/rescued/{ids["items"]}"' in page
    assert "&#34;id&#34;: &#34;r&#34;" in page
    assert "Belongs to it" not in owner.get(f"/rescued/{ids['items']}").text
    waiting = owner.get(f"/rescued/{ids['waiting']}").text
    assert "found, and still to come" in waiting
    assert "12,345 announced" in waiting
    assert "Download" not in waiting


@one_database
def test_many_lines_are_read_page_by_page(rescue, owner):
    _, ids = rescue
    first = owner.get(f"/rescued/{ids['items']}").text
    assert first.count('class="raw') == 25
    start = first.partition("?at=")[2].partition("#")[0]
    second = owner.get(f"/rescued/{ids['items']}?at={start}").text
    assert "item_25" in second
    assert "item_24&" not in second
    assert owner.get(f"/rescued/{ids['items']}?at=-1").status_code == 422
    assert owner.get(f"/rescued/{ids['items']}?at={2**53}").status_code == 200


@one_database
def test_its_bytes_are_downloaded_as_they_came_and_never_opened(rescue, owner):
    _, ids = rescue
    answer = owner.get(f"/rescued/{ids['file']}/content")
    assert answer.content == b"step,loss\n1,2.0\n"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''results%20.csv"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert owner.get(f"/rescued/{ids['waiting']}/content").status_code == 409


@one_database
def test_bytes_that_are_gone_from_the_disk_are_told(rescue, owner):
    _, ids = rescue
    storage.blob_path(read(RescuedObject, ids["file"]).sha256).unlink()
    page = owner.get(f"/rescued/{ids['file']}")
    assert page.status_code == 200
    assert "Its bytes are not here." in page.text
    assert owner.get(f"/rescued/{ids['file']}/content").status_code == 409


@one_database
def test_what_a_provider_wrote_stays_text(rescue, owner):
    rescue_id, ids = rescue
    for path in (f"/rescues/{rescue_id}/manifest", f"/rescued/{ids['refused']}"):
        page = owner.get(path).text
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
        assert "<img src=x" not in page


def fill(team, first, last):
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        for n in range(first, last):
            outcome = (Outcome.HOME, Outcome.REFUSED, Outcome.WAITING)[n % 3]
            kind = (Kind.FILE, Kind.EVAL_RUN, Kind.JOB)[n % 3]
            made = make.make_rescued_object(
                session, connection, kind, f"id-{n}", outcome=outcome, parent_id="eval_1"
            )
            made.size, made.version_id = n, team.version_id if n % 2 else None
            make.make_rescue(session, connection)


def test_pages_ask_as_often_with_three_hundred_rows_as_with_three(team, rescue, owner, queries):
    rescue_id, ids = rescue
    paths = [
        f"/rescues/{rescue_id}",
        f"/rescues/{rescue_id}/manifest",
        f"/rescued/{ids['eval']}",
        f"/projects/{team.project_id}/rescue",
        f"/projects/{team.project_id}/side",
        f"/connections/{team.connection_id}/rescue",
    ]

    def count():
        found = {}
        for path in paths:
            owner.get(path)
            with queries() as seen:
                assert owner.get(path).status_code == 200
            found[path] = seen.count
        return found

    few = count()
    fill(team, 0, 20)  # every list has its full page
    full = count()
    fill(team, 20, 300)
    assert count() == full
    assert max(full.values()) <= 20
    assert all(full[path] - few[path] <= 1 for path in paths)
