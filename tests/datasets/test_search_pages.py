"""Search and export on the pages and in the API: what is found, offered and sent."""

import csv
import io

import pytest

from app.core.database import unit_of_work
from app.datasets import tasks
from app.datasets.checks.deep import rows as deep_rows
from app.datasets.search import finding, making
from app.formats.reading import BOM
from app.projects.models import Project
from tests import make
from tests.stage import one_database, version_of

HOSTILE = "<script>alert(1)</script> =1+1 refund"
CONTENT = b"".join(
    [
        *(make.chat_row(f"Where is parcel {n}?", "tracking") for n in range(45)),
        make.chat_row(HOSTILE, "refund"),
    ]
)


def take_up(version_id):
    """A worker makes the search file."""
    with unit_of_work() as session:
        row_id = make.make_derived(session, version_id, "search").id
    tasks.derive(row_id)


@pytest.fixture
def version_id(team, letters):
    """46 rows with their words taken up."""
    made = received(team, CONTENT)
    letters.deliver()
    take_up(made)
    return made


def received(team, content):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        return make.make_version(session, project, content).id


def test_rows_are_found_marked_and_paged(team, version_id, browser):
    viewer = browser(team.users["viewer"])
    path = f"/dataset-versions/{version_id}/search"
    assert "Rows are found that hold all the words" in viewer.get(path).text
    first = viewer.get(f"{path}?q=parcel")
    assert "1 to 20 of 45 rows" in first.text
    assert "Where is <mark>parcel</mark> 0?" in first.text
    last = viewer.get(f"{path}?q=parcel&after=40", **{"HX-Request": "true"})
    assert "41 to 45 of 45 rows" in last.text
    assert "<html" not in last.text
    found = viewer.get(f"{path}?q=refund&role=user").text
    assert f"/dataset-versions/{version_id}/rows?row=46" in found
    assert "&lt;script&gt;alert(1)&lt;/script&gt; =1+1 <mark>refund</mark>" in found
    assert "No row matches" in viewer.get(f"{path}?q=nowhere").text
    odd = viewer.get(f"{path}?q=%22%2B%2B")
    assert odd.status_code == 200
    assert "Nothing to look for" in odd.text
    assert viewer.get(f"{path}?q=x&role=king").status_code == 422


@one_database
def test_a_page_says_that_it_did_not_look_through_all_rows(
    team, letters, browser, script, monkeypatch
):
    monkeypatch.setattr(deep_rows, "_BATCH_BYTES", 1)
    monkeypatch.setattr(making, "VOLUME", 10)
    monkeypatch.setattr(finding, "LOOKING_SECONDS", -1)
    made = received(team, CONTENT)
    letters.deliver()
    take_up(made)
    viewer, sends = browser(team.users["viewer"]), script(team.users["viewer"])
    path = f"/dataset-versions/{made}/search"
    none = viewer.get(f"{path}?q=refund").text
    assert "No row among those looked through so far" in none
    assert "0 rows among those looked through" in none
    assert f"{path}?q=refund&amp;after=10" in none
    assert "1 to 1 of 1 rows" in viewer.get(f"{path}?q=refund&after=40").text
    assert sends.get(f"{path}?q=refund").json() == {"data": [], "next": 10}


def test_a_search_waits_for_its_words(team, browser, script):
    fresh = received(team, make.chat_file(12))
    viewer, sends = browser(team.users["viewer"]), script(team.users["viewer"])
    path = f"/dataset-versions/{fresh}/search"
    assert viewer.get(path).headers["location"].endswith(f"/dataset-versions/{fresh}")
    assert sends.get(f"{path}?q=x").status_code == 409
    tasks.check(fresh)
    assert "takes up the words" in viewer.get(path).text
    panel = viewer.get(f"{path}/progress", **{"HX-Request": "true"})
    assert panel.status_code == 200
    assert "<html" not in panel.text
    assert "not all taken up" in sends.get(f"{path}?q=x").json()["detail"]
    take_up(fresh)
    made = viewer.get(f"{path}/progress", **{"HX-Request": "true"})
    assert made.headers["HX-Redirect"] == path


@one_database
def test_a_script_searches_by_the_same_words(team, version_id, script):
    sends = script(team.users["viewer"])
    path = f"/dataset-versions/{version_id}/search"
    found = sends.get(f"{path}?q=parcel&limit=30").json()
    assert (len(found["data"]), found["next"]) == (30, 30)
    rest = sends.get(f"{path}?q=parcel&limit=30&after=30").json()
    assert [hit["row"] for hit in rest["data"]] == list(range(31, 46))
    assert rest["next"] is None
    (hit,) = sends.get(f"{path}?q=refund").json()["data"]
    user, answer = hit["excerpts"]
    assert (hit["row"], answer["role"], answer["text"]) == (46, "assistant", "refund")
    assert [user["text"][slice(*match)] for match in user["matches"]] == ["refund"]
    assert user["text"] == HOSTILE
    assert sends.get(path).status_code == 422
    assert sends.get(f"{path}?q=++").status_code == 422


@one_database
def test_a_version_is_written_in_the_words_of_others(team, version_id, browser, script):
    viewer, sends = browser(team.users["viewer"]), script(team.users["viewer"])
    path = f"/dataset-versions/{version_id}"
    offered = viewer.get(f"{path}/export").text
    for name in ("openai", "azure", "trl", "csv"):
        assert f"{path}/content?as={name}" in offered
    assert "cannot be read" not in offered
    assert viewer.get(f"{path}/content?as=openai").content == CONTENT
    azure = sends.get(f"{path}/content?as=azure")
    assert azure.content == BOM + CONTENT
    assert "attachment" in azure.headers["Content-Disposition"]
    assert azure.headers["Content-Security-Policy"].startswith("sandbox")
    table = sends.get(f"{path}/content?as=csv")
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"), newline="")))
    assert (len(rows), rows[45]["question"], rows[45]["answer"]) == (46, HOSTILE, "refund")
    wrong = sends.get(f"{path}/content?as=xml")
    assert wrong.status_code == 422
    assert "openai, azure, trl, csv" in wrong.text


@one_database
def test_what_cannot_be_read_has_no_words_in_any_dialect(team, letters, browser):
    torn, table = received(team, CONTENT + b"not a row\n"), received(team, b"[1]\n" * 20)
    viewer = browser(team.users["viewer"])
    early = viewer.get(f"/dataset-versions/{torn}/content?as=csv")
    assert early.status_code == 409
    letters.deliver()
    assert {version_of(torn).status, version_of(table).status} == {"rejected"}
    offered = viewer.get(f"/dataset-versions/{torn}/export").text
    assert "1 row that cannot be read is in the first file alone" in offered
    assert viewer.get(f"/dataset-versions/{torn}/content?as=openai").content == CONTENT
    assert "content?as=" not in viewer.get(f"/dataset-versions/{table}/export").text
    assert viewer.get(f"/dataset-versions/{table}/content?as=csv").status_code == 409
