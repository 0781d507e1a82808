"""What people look at: charts that are true to the rows, each a table too; a row token by token."""

import csv
import io
import json
from collections import Counter

import pytest

from app.core import tokens
from app.core.database import unit_of_work
from app.core.tokens import message_tokens, pieces, row_tokens
from app.datasets import tasks
from app.datasets.charts import histogram_of
from app.datasets.derived.base import Making
from app.datasets.figures import figures, table
from app.datasets.health import health
from app.datasets.index import FindingGroup
from app.datasets.marking import ENCODINGS, MOST_PIECES, mark, total
from app.datasets.views_figures import Histogram
from tests import make
from tests.datasets.making import check
from tests.formats.rows import ANSWER, CALL, TOOL, USER, make_row
from tests.stage import one_database

SYSTEM = {"role": "system", "content": "Say the intent."}
ODD = {"role": "user", "content": "Wo ist 𒀀 🙃 mein\n  Päckchen?", "name": "anna"}
ROWS = [
    make_row(USER, ANSWER),
    make_row(SYSTEM, USER, ANSWER, ODD, {**ANSWER, "weight": 0}),
    make_row(SYSTEM, ODD, {"role": "assistant", "tool_calls": [CALL]}, tools=[TOOL]),
    make_row({"role": "system", "content": "Be kind."}, USER, {**ANSWER, "content": "lost"}),
]


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    lines = [json.dumps(row).encode() for row in ROWS * 9]
    return check(tmp_path_factory.mktemp("figures"), lines)


def drawn(checked):
    with checked.index() as index:
        return {one.key: one for one in figures(index)}


def test_tokens_are_counted_by_row_and_by_role(checked):
    found = drawn(checked)
    with checked.index() as index:
        lengths = index.facts["lengths"]
    of_rows = Counter(row_tokens(row["messages"]) for row in ROWS * 9)
    assert dict(map(tuple, lengths["row"])) == of_rows
    for role in ("system", "user", "assistant"):
        spent = Counter(
            sum(
                message_tokens(one, tokens.counter())
                for one in row["messages"]
                if one["role"] == role
            )
            for row in ROWS * 9
            if any(one["role"] == role for one in row["messages"])
        )
        assert dict(map(tuple, lengths["roles"][role])) == spent, role
        assert found[f"tokens-{role}"].drawn.total == sum(n * rows for n, rows in spent.items())
    assert [key for key in found if key.startswith("tokens")][:2] == ["tokens", "tokens-system"]
    bars = found["messages"].drawn.bars
    assert [(bar.low, bar.count) for bar in bars if bar.count] == [(2, 9), (3, 18), (5, 9)]


def test_every_chart_says_the_same_in_its_table(checked):
    found = drawn(checked)
    assert {"tokens", "messages", "holds", "limits", "systems"} <= found.keys()
    for figure in found.values():
        heads, *rows = table(figure)
        assert len({len(row) for row in (heads, *rows)}) == 1, figure.key
        if isinstance(figure.drawn, Histogram):
            assert sum(row[2] for row in rows) == sum(bar.count for bar in figure.drawn.bars)
    systems = {line.words: line.rows for line in found["systems"].drawn.lines}
    assert systems == {"Say the intent.": 18, "Be kind.": 9}
    holds = {line.words: line.rows for line in found["holds"].drawn.lines}
    assert holds["System prompt"] == 27
    assert holds["Tools"] == 9


def test_rows_over_a_limit_are_counted_exactly(tmp_path):
    long = make_row({**USER, "content": "card " * 17_000}, ANSWER)
    found = drawn(check(tmp_path, [json.dumps(row).encode() for row in (ROWS[0], long)]))
    over = {line.words: line for line in found["limits"].drawn.lines}
    assert over["Over 16,385"].rows == 1
    assert over["Over 65,536"].rows == 0
    assert "No more of a row is trained on at" in over["Over 65,536"].note
    assert over["Over 16,385"].query == {"at_least": 16_386}


def test_bars_hold_every_row_whatever_the_lengths():
    for counts in ([(1, 1)], [(2, 5), (3, 1)], [(n * n, 3) for n in range(1, 900)]):
        bars = histogram_of(counts).bars
        assert sum(bar.count for bar in bars) == sum(rows for _, rows in counts)
        assert len(bars) <= 20
        assert bars[0].low <= counts[0][0]
        assert counts[-1][0] < bars[-1].high


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_marked_as_its_estimate_counts_it(row, encoding):
    turns = mark("chat", row, encoding)
    counted = row_tokens(row["messages"], tokens.counter(encoding))
    assert tokens.PER_ROW + sum(turn.tokens for turn in turns) == counted
    assert total("chat", row, encoding) == counted
    for turn, message in zip(turns, row["messages"], strict=True):
        assert turn.tokens == turn.frame + sum(text.tokens for text in turn.texts)
        assert turn.is_trained == (turn.role == "assistant" and message.get("weight") != 0)
        for text in turn.texts:
            assert text.tokens == sum(piece.tokens for piece in text.pieces)
        if isinstance(message.get("content"), str):
            [content] = [text for text in turn.texts if text.key == "content"]
            assert "".join(piece.text for piece in content.pieces) == message["content"]


def test_rows_of_other_formats_are_marked_text_by_text():
    pair = {"input": {"messages": [USER]}, "preferred_output": [ANSWER],
            "non_preferred_output": [{**ANSWER, "content": "lost_card"}]}  # fmt: skip
    asked, good, bad = mark("preference", pair, tokens.O200K)
    assert [turn.is_trained for turn in (asked, good, bad)] == [False, True, False]
    assert "".join(piece.text for piece in bad.texts[0].pieces) == "lost_card"
    graded = {"messages": [USER], "label": "card_arrival"}
    assert not any(turn.is_trained for turn in mark("reinforcement", graded, tokens.O200K))
    assert mark("completion", {"prompt": 3}, tokens.O200K) == ()


def test_a_character_of_several_tokens_is_one_piece():
    assert [piece for piece in pieces("a 𒀀") if piece[1] > 1] != []
    assert "".join(text for text, _ in pieces("a 𒀀🙃")) == "a 𒀀🙃"


def test_a_very_long_row_is_marked_as_far_as_a_page_goes():
    row = make_row({**USER, "content": "card " * 9_000}, ANSWER)
    question, answer = mark("chat", row, tokens.O200K)
    assert (
        sum(len(text.pieces) for turn in (question, answer) for text in turn.texts) == MOST_PIECES
    )
    assert question.texts[0].is_cut
    assert question.texts[0].tokens > MOST_PIECES


@one_database
def test_the_pages_show_charts_and_a_row(team, browser):
    viewer = browser(team.users["viewer"])
    where = f"/dataset-versions/{team.version_id}"
    report = viewer.get(where).text
    assert "Tokens per row" in report
    assert "Rows per label" in report
    assert "Longest row" in report
    figures_page = viewer.get(f"{where}/figures").text
    for title in ("Assistant tokens per row", "Rows over each limit", "System prompts"):
        assert title in figures_page
    labels = viewer.get(f"{where}/figures.csv?figure=labels")
    assert labels.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(labels.text)))
    assert rows[1][:2] == ["delivery", "6"]
    assert viewer.get(f"{where}/figures.csv?figure=weather").status_code == 404
    row = viewer.get(f"{where}/row?line=2").text
    assert "Token by token" in row
    assert "Where is parcel 1?" in row
    assert viewer.get(f"{where}/row?line=2&encoding=cl100k_base").status_code == 200
    assert viewer.get(f"{where}/row?line=2&encoding=x").status_code == 422
    assert viewer.get(f"{where}/row?line=99").status_code == 404


@one_database
def test_a_spreadsheet_takes_no_label_for_a_formula(team, browser, letters):
    content = b"".join(make.chat_row(f"{n}?", ("=1+1", "b")[n % 2]) for n in range(12))
    editor = browser(team.users["editor"])
    path = f"/projects/{team.project_id}/datasets/upload"
    made = editor.send("PUT", path, params={"name": "x.jsonl"}, content=content).json()["location"]
    letters.deliver()
    text = editor.get(f"{made}/figures.csv?figure=labels").text
    assert "'=1+1" in text


@one_database
def test_what_the_deeper_checks_make_of_a_version_is_told_and_shown(team, browser, letters):
    same = [make.chat_row(f"Where  IS my parcel number {n % 4}?", "delivery") for n in range(8)]
    other = [make.chat_row(f"Where is my parcel number {n}?", "delivery") for n in range(4)]
    editor = browser(team.users["editor"])
    path = f"/projects/{team.project_id}/datasets/upload"
    content = b"".join([*same, *other])
    made = editor.send("PUT", path, params={"name": "x.jsonl"}, content=content).json()["location"]
    letters.deliver()
    for kind in ("search", "checks"):
        with unit_of_work() as session:
            row_id = make.make_derived(session, int(made.rpartition("/")[2]), kind).id
        tasks.derive(row_id)
    assert "All checks are done." in editor.get(f"{made}/further").text
    report = editor.get(made).text
    assert "Still on its way" not in report
    assert "exact, normalised" in report
    clusters = editor.get(f"{made}/clusters").text
    assert "4 clusters" in clusters
    rows = editor.get(f"{made}/rows?cluster=1").text
    assert "3 rows" in rows
    assert "12 rows" in editor.get(f"{made}/rows?sort=-tokens").text
    assert "duplicate.normalised" in editor.get(f"{made}/findings").text
    found = editor.get(f"{made}/rows?rule=duplicate.normalised&findings=warning").text
    assert "4 rows" in found
    assert "4 rows" in editor.get(f"{made}/rows?findings=none").text


@one_database
def test_a_further_file_says_how_far_it_is(team, browser):
    with unit_of_work() as session:
        row = make.make_derived(session, team.version_id)
        row.status, row.progress = "making", Making(phase="comparing", share=0.93).as_json()
    viewer = browser(team.users["viewer"])
    where = f"/dataset-versions/{team.version_id}"
    assert 'id="further"' in viewer.get(where).text
    told = viewer.get(f"{where}/further").text
    assert "Near copies, quality, safety" in told
    assert "comparing rows" in told
    assert "93 %" in told
    assert "hx-trigger" in told
    assert "Secrets" in viewer.get(where).text


def test_the_strip_says_what_was_found_and_what_is_not_known_yet():
    verdict = {"format": "chat", "longest_tokens": 70_000, "labels": [("a", 40), ("b", 3)]}
    found = [
        FindingGroup("duplicate.exact", "warning", 4, (), "", ""),
        FindingGroup("secret.key", "warning", 2, (), "", ""),
        FindingGroup("answer.contradicts", "warning", 3, (), "", ""),
        FindingGroup("label.few", "hint", 1, (), "", ""),
    ]
    early = {one.label: one for one in health({"verdict": verdict}, found[:1], is_deep=False)}
    assert (early["Secrets"].value, early["Secrets"].tone) == ("unknown", "")
    assert "near not known yet" in early["Duplicates"].small
    assert "Contradictions" not in early
    late = {one.label: one for one in health({"verdict": verdict}, found, is_deep=True)}
    assert {name: one.tone for name, one in late.items()} == {
        "Errors": "good",
        "Duplicates": "warn",
        "Contradictions": "warn",
        "Secrets": "warn",
        "Longest row": "warn",
        "Balance": "warn",
    }
    assert late["Balance"].value == "3 to 40"
    clean = {one.label: one for one in health({"verdict": verdict}, [], is_deep=True)}
    assert clean["Duplicates"].tone == clean["Secrets"].tone == "good"


def test_fields_that_sort_rows_into_kinds_are_counted(tmp_path):
    rows = [
        {
            "item": {
                "question": f"Why {at}?",
                "category": "cards" if at % 4 else "loans",
                "tags": ["hard", "=1+1"] if at % 2 else ["hard"],
                "is_checked": at < 9,
                "note": "x" * 81,
                "weight": 0.5,
            }
        }
        for at in range(12)
    ]
    found = drawn(check(tmp_path, [json.dumps(row).encode() for row in rows]))

    told = {one.title: list(table(one)) for one in found.values() if one.key.startswith("field-")}
    assert told == {
        "Rows per category": [
            ("category", "rows", "share", "note"),
            ("cards", 9, "0.750000", ""),
            ("loans", 3, "0.250000", ""),
        ],
        "Rows per tags": [
            ("tags", "rows", "share", "note"),
            ("hard", 12, "1.000000", ""),
            ("=1+1", 6, "0.500000", ""),
        ],
        "Rows per is_checked": [
            ("is_checked", "rows", "share", "note"),
            ("true", 9, "0.750000", ""),
            ("false", 3, "0.250000", ""),
        ],
    }


def test_a_field_of_too_many_values_and_fields_beyond_the_first_few_are_let_go(tmp_path):
    rows = [
        {"messages": [USER], "id": at, "kind": at % 3, **{f"f{name}": 1 for name in range(40)}}
        for at in range(450)
    ]
    made = check(tmp_path, [json.dumps(row).encode() for row in rows])

    assert made.verdict.format == "reinforcement"
    with made.index() as index:
        assert index.facts["tags"] == [["kind", [["0", 150], ["1", 150], ["2", 150]]]]
