"""Tables and lists come in as they are, are made into rows by the worker, and keep their source."""

import csv
import json
from io import StringIO

import pytest

from app.core import storage
from app.core.database import unit_of_work
from app.datasets import service, tasks
from app.datasets.index import open_index
from app.datasets.models import DatasetVersion, VersionStatus
from app.datasets.sources import Reading, read_as, recognise_source, sample
from app.formats.tables import Columns
from app.projects.models import Project
from app.settings import settings
from tests import make
from tests.stage import one_database, version_of

PAIRS = [("Where is my card?", "card_arrival"), ('It says "no",\ntwice', "declined")] * 6


def table(delimiter=",", header=("text", "category"), rows=PAIRS):
    text = StringIO()
    csv.writer(text, delimiter=delimiter).writerows([header, *rows])
    return text.getvalue().encode()


def objects(names=("question", "answer"), rows=PAIRS):
    return [dict(zip(names, row, strict=True)) for row in rows]


def lines(values):
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


CHAT = [json.loads(make.chat_row(f"Where is {n}?", "x")) for n in range(12)]
PREFERENCES = [{"prompt": f"Q{n}", "chosen": "Yes", "rejected": "No", "id": n} for n in range(12)]


@pytest.mark.parametrize(
    ("content", "name", "kind", "columns"),
    [
        (table(), "x.csv", "csv", Columns("text", "category")),
        (table(), "x.txt", "csv", Columns("text", "category")),
        (table("\t"), "x.tsv", "csv", Columns("text", "category")),
        (b"\xef\xbb\xbf" + table(";"), "x.csv", "csv", Columns("text", "category")),
        (lines(objects()), "x.jsonl", "lines", Columns("question", "answer")),
        (lines([{"question": "a", "answer": [1]}]), "x.jsonl", "lines", None),
        (
            json.dumps(objects(), indent=1).encode(),
            "x.json",
            "array",
            Columns("question", "answer"),
        ),
        (json.dumps(CHAT).encode(), "x.json", "array", None),
        (lines(CHAT), "x.jsonl", "lines", None),
        (make.chat_file(), "x.csv", "lines", None),
        (b"hello\n", "x.jsonl", "lines", None),
        (b"[1]\n", "x.jsonl", "lines", None),
        (b"PK\x03\x04", "x.csv", "lines", None),
    ],
)
def test_what_came_is_recognised(content, name, kind, columns):
    reading = recognise_source(content, name)
    assert (reading.kind, reading.columns, reading.told) == (kind, columns, ())
    assert Reading.from_json(json.loads(json.dumps(reading.as_json()))) == reading


@pytest.fixture
def receive(team, letters):
    """Upload these bytes and let the workers read them."""

    def work(content, name="x.csv", **words):
        with unit_of_work() as session:
            project = session.get_one(Project, team.project_id)
            version_id = service.receive_upload(
                session,
                project_id=project.id,
                actor_id=None,
                blob=make.make_blob(content),
                file_name=name,
                name="Table",
                **words,
            ).id
        letters.deliver()
        return version_of(version_id)

    return work


def stored(version):
    return [
        json.loads(line) for line in storage.blob_path(version.sha256).read_bytes().splitlines()
    ]


CONVERSATIONS = [
    {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}
    for asked, said in PAIRS
]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (table(), "train.csv"),
        (table("\t"), "train.tsv"),
        (lines(objects()), "train.jsonl"),
        (json.dumps(objects()).encode(), "train.json"),
    ],
    ids=["csv", "tsv", "lines", "list"],
)
@one_database
def test_a_table_becomes_conversations_and_stays_beside_them(database, receive, content, name):
    version = receive(content, name)

    assert (version.status, version.rows, version.format) == (VersionStatus.READY, 12, "chat")
    assert stored(version) == CONVERSATIONS
    assert version.came_as == make.make_blob(content)
    assert version.came_as.sha256 != version.sha256
    assert version.report["labels"] == [["card_arrival", 6], ["declined", 6]]


@one_database
def test_a_list_of_rows_is_its_rows(database, receive):
    version = receive(json.dumps(CHAT, indent=2).encode(), "rows.json")
    assert (version.status, version.format, stored(version)) == ("ready", "chat", CHAT)


@one_database
def test_pairs_under_names_that_openai_gave_up_get_todays(database, receive):
    asked, yes = {"messages": [{"role": "user", "content": "Q"}]}, [{"role": "assistant"}]
    older = {"input": asked, "preferred_completion": yes, "non_preferred_completion": []}
    version = receive(lines([older]), "pairs.jsonl")
    assert stored(version) == [
        {"input": asked, "preferred_output": yes, "non_preferred_output": []}
    ]


@one_database
def test_pairs_written_for_others_are_said_in_openais_words(database, receive):
    version = receive(lines(PREFERENCES), "pairs.jsonl")
    assert (version.status, version.format, version.errors) == ("ready", "preference", 0)
    with open_index(storage.index_path(version.id)) as index:
        (left_out,) = index.findings(rule="table.left_out")
    assert left_out.reason == 'The column "id" is not in the rows.'
    assert stored(version)[3] == {
        "input": {"messages": [{"role": "user", "content": "Q3"}]},
        "preferred_output": [{"role": "assistant", "content": "Yes"}],
        "non_preferred_output": [{"role": "assistant", "content": "No"}],
    }


@one_database
def test_trls_prompts_and_completions_of_messages_come_in_as_conversations(database, receive):
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"é": 1}}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    told = [
        {"role": "system", "content": "Be brief.", "tool_calls": None},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Where is it?"},
    ]
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    rows = [
        {"prompt": told, "completion": [calling], "tools": tools, "id": 7},
        *({"prompt": told[1:2], "completion": [{**told[2], "name": None}]} for _ in range(10)),
        {"prompt": told[1:2], "completion": "Hello."},
        {"prompt": "Hi", "completion": "Hello."},
    ]
    version = receive(lines(rows), "trl.jsonl")
    assert (version.status, version.format) == ("ready", "chat")
    with open_index(storage.index_path(version.id)) as index:
        (left_out,) = index.findings(rule="table.left_out")
        assert {one.row for one in index.findings(severity="error")} == {13}
    assert left_out.reason == 'The column "id" is not in the rows.'
    rows = stored(version)
    first, calls = rows[0]["messages"], rows[0]["messages"][-1]["tool_calls"]
    assert [one.get("weight") for one in first] == [None, None, 0, None, None]
    assert first[0] == {"role": "system", "content": "Be brief."}
    assert calls[0]["function"]["arguments"] == '{"é": 1}'
    assert rows[0]["tools"] == tools
    assert rows[1] == rows[11] == {"messages": told[1:3]}
    assert rows[12] == {"prompt": "Hi", "completion": "Hello."}

    begun = sample(lines([{"prompt": told, "completion": [calling]}]), "trl.jsonl")
    assert read_as(begun, "completion", None).format == "completion"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (table(header=("a", "b")), 'a table with the columns "a", "b"; which is the question'),
        (table() + b'"open,x', "cannot be read beyond line"),
        (table() + b"\xff,x\n", "is not UTF-8 after line"),
        (table(header=("a", "b\0")), "line 1 is not JSON"),
        (table(header=("question", "answer", "c\0")), "line 1 is not JSON"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(database, receive, content, said):
    version = receive(content)
    assert version.status == VersionStatus.REJECTED
    assert said in version.reason
    assert version.came_as == make.make_blob(content)


@one_database
def test_two_columns_of_one_name_are_told_and_the_last_is_read(database, receive):
    rows = [("x", *pair) for pair in PAIRS]
    version = receive(table(header=("answer", "question", "answer"), rows=rows))
    assert stored(version) == CONVERSATIONS
    with open_index(storage.index_path(version.id)) as index:
        (told,) = index.findings(rule="table.columns")
    assert (told.severity, told.row) == ("warning", None)
    assert 'called "answer"' in told.reason


@one_database
def test_a_list_that_breaks_off_says_where(database, receive):
    version = receive(json.dumps(objects()).encode()[:-20], "x.json")
    assert (version.status, version.rows) == (VersionStatus.REJECTED, 0)
    assert "element 12 of the list is not JSON" in version.reason


@one_database
def test_rows_that_outgrow_the_limit_are_refused(database, receive, monkeypatch):
    monkeypatch.setenv("LUTHIER_UPLOAD_LIMIT", str(2 * len(table())))
    settings.cache_clear()
    version = receive(table())
    assert version.status == VersionStatus.REJECTED
    assert "made into rows, the file is larger than" in version.reason


@one_database
def test_cells_that_are_missing_or_too_many_are_told_with_their_rows(database, receive):
    rows = [*PAIRS, ("alone",), ("a", "b", "c")]
    version = receive(table(rows=rows))
    assert (version.status, version.rows) == (VersionStatus.READY, 14)
    with open_index(storage.index_path(version.id)) as index:
        told = {one.rule: (one.row, one.reason) for one in index.findings(severity="warning")}
        (empty,) = index.findings(rule="content.empty")
    assert told["table.missing"] == (None, "Row 13 is without the question or the answer.")
    assert told["table.cells"][1] == "Row 14 is with more cells than there are columns."
    assert empty.row == 13


@one_database
def test_a_row_of_lines_that_cannot_be_read_keeps_its_place(database, receive):
    content = lines(objects()) + b'{"question": NaN}\n\n' + lines(objects()[:1])
    version = receive(content, "x.jsonl")
    with open_index(storage.index_path(version.id)) as index:
        found = {one.rule: one.row for one in index.findings(severity="error")}
    assert found == {"read.not_a_number": 13, "read.blank_line": 14}


class Died(BaseException):
    """The worker's process was killed."""


def test_a_worker_that_dies_while_it_makes_rows_costs_only_its_time(receive, letters, monkeypatch):
    told = []

    def dies(session, work, offset):
        told.append((work.version_id, offset))
        raise Died

    monkeypatch.setattr(tasks, "TELL_SECONDS", -1.0)
    with monkeypatch.context() as killed:
        killed.setattr(service, "record_converting", dies)
        with pytest.raises(Died):
            receive(table())
    ((version_id, offset),) = told
    assert 0 < offset <= len(table())
    with unit_of_work() as session:
        version = session.get_one(DatasetVersion, version_id)
        version.lease_until = version.created_at
        assert (version.status, version.source_sha256) == ("checking", None)

    letters.post("datasets.check", version_id)
    letters.deliver()

    version = version_of(version_id)
    assert (version.status, version.rows) == (VersionStatus.READY, 12)
    assert f"version:{version_id}" in letters.nudges


@one_database
def test_how_far_the_making_of_rows_is_stands_on_the_page(
    database, team, browser, receive, monkeypatch
):
    seen = []
    keeps = service.record_converting

    def look(session, work, offset):
        keeps(session, work, offset)
        seen.append(session.get_one(DatasetVersion, work.version_id).progress)

    monkeypatch.setattr(tasks, "TELL_SECONDS", -1.0)
    monkeypatch.setattr(service, "record_converting", look)
    version = receive(table())
    assert {one["phase"] for one in seen} == {"converting"}

    with unit_of_work() as session:
        held = session.get_one(DatasetVersion, version.id)
        held.status, held.progress = VersionStatus.CHECKING, seen[0]
    page = browser(team.users["viewer"]).get(f"/dataset-versions/{version.id}")
    assert page.status_code == 200


@one_database
def test_a_guess_is_overruled_and_the_next_version_comes_of_the_same_file(
    database, team, browser, receive, letters
):
    version = receive(table(header=("a", "b")))
    editor = browser(team.users["editor"])
    where = f"/dataset-versions/{version.id}/reading"
    page = editor.get(where).text
    assert "Where is my card?" in page
    assert '<option value="a"' in page
    refused = editor.get(f"/dataset-versions/{version.id}").text
    assert 'id="name-columns"' in refused
    assert "stands below" not in refused
    viewer = browser(team.users["viewer"]).get(f"/dataset-versions/{version.id}").text
    assert 'id="name-columns"' not in viewer

    refused = editor.post(where, {"format": "table", "question": "a"})
    assert refused.status_code == 422
    assert "Choose a column." in refused.text
    refused = editor.post(where, {"format": "chat"})
    assert "CSV is a table" in refused.text

    columns = {"question": "a", "answer": "b", "prompt": "Name the intent."}
    made = editor.post(where, {"format": "table", **columns})
    assert made.status_code == 303
    twice = editor.post(where, {"format": "table", **columns})
    assert twice.headers["location"] == made.headers["location"]
    letters.deliver()

    following = version_of(int(made.headers["location"].partition("?")[0].rpartition("/")[2]))
    assert (following.number, following.dataset_id) == (2, version.dataset_id)
    assert (following.status, following.came_as) == (VersionStatus.READY, version.came_as)
    assert stored(following)[0]["messages"][0] == {"role": "system", "content": "Name the intent."}
    report = editor.get(f"/dataset-versions/{following.id}").text
    assert "the question is a, the answer b, under a system prompt of yours" in report
    assert 'id="other-columns"' in report
    source = editor.get(f"/dataset-versions/{following.id}/source")
    assert source.content == table(header=("a", "b"))
    again = editor.get(f"/dataset-versions/{following.id}/reading").text
    assert '<option value="a" selected>' in again
    assert "Name the intent." in again


@one_database
def test_a_script_reads_a_file_differently(database, team, script, receive, letters):
    pairs = [{"prompt": f"Q{n}", "completion": f" A{n}"} for n in range(12)]
    version = receive(lines(pairs), "pairs.jsonl")
    api = script(team.users["editor"])
    where = f"/dataset-versions/{version.id}/reading"
    known = api.get(where).json()

    assert (known["format"], known["columns"]["question"]) == ("chat", "prompt")
    assert known["records"][0] == pairs[0]

    made = api.post(where, json={"format": "completion"})

    assert made.status_code == 202
    letters.deliver()
    following = version_of(made.json()["version"]["id"])
    assert (following.status, following.format) == (VersionStatus.READY, "completion")
    assert stored(following) == pairs
    assert following.source_sha256 is None
    assert api.post(where, json={"format": "poem"}).status_code == 422
