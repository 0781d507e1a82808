"""Rows and findings in every order and through every filter, page by page, by seeks alone."""

import itertools
import json
import sqlite3
from dataclasses import replace

import pytest

from app.core import storage
from app.core.errors import WrongInput
from app.core.listing import Asked
from app.datasets import flagged
from app.datasets import shelves as shelving
from app.datasets.browsing import FINDINGS, ROWS, findings_asked_for, rows_asked_for
from app.datasets.checks.tallying import label_code
from app.datasets.index import SCHEMA, VERSION, Flag, deep_path
from app.datasets.parts import part_path
from tests.datasets.making import check, make_blob, slices
from tests.formats.rows import ANSWER, USER, make_line

SYSTEM = {"role": "system", "content": "Say the intent."}
LONG = {**ANSWER, "content": "A much longer answer than the others, of many words."}
KINDS = (
    make_line(USER, ANSWER),
    make_line(SYSTEM, USER, LONG),
    make_line(USER),  # an error: nothing to learn
    b"not a row",
    make_line({**USER, "content": " edges "}, ANSWER),
    make_line(USER, ANSWER, USER, LONG),
)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Sixty rows of every kind, many of them equal."""
    lines = [line for line, _ in itertools.product(KINDS, range(10))]
    return check(tmp_path_factory.mktemp("rows"), [*lines[::7], *lines[1::3], b"", *lines[::2]])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Forty rows, most of which one of two labels answers."""
    lines = [
        line for line, _ in itertools.product((KINDS[0], KINDS[1], KINDS[4], KINDS[5]), range(9))
    ]
    lost = make_line(USER, {**ANSWER, "content": "lost"})
    return check(tmp_path_factory.mktemp("labels"), [*lines, b"", lost, *lines[:3]])


def asked_for(table, sort=None, is_down=False, after=None, before=None, **filters):
    known = {one.key: one for one in table.filters}
    return Asked(
        table,
        table.column(sort or table.start),
        is_down,
        filters,
        tuple(known[key].where(known[key].parse(value)) for key, value in filters.items()),
        after=after,
        before=before,
    )


def pages(fetch, table, limit, **asked):
    """All ids page by page, forwards; the pages backwards agree, and so do their places."""
    found, after = [], None
    while True:
        wants = asked_for(table, after=after, **asked)
        shelves = fetch(wants)
        page = shelves.page(wants, limit=limit)
        place = shelves.place(page, is_down=wants.is_down)
        assert place.first == (len(found) + 1 if page.ids else 0)
        assert page.has_earlier == bool(found)
        if found:
            back = asked_for(table, before=page.ids[0], **asked)
            assert list(fetch(back).page(back, limit=limit).ids) == found[-limit:]
        found += page.ids
        assert place.total >= len(found)
        if not page.has_later:
            assert place.total == len(found)
            return found
        after = page.ids[-1]


@pytest.mark.parametrize("sort", ["row", "tokens", "answer"])
@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"findings": "error"},
        {"findings": "warning,hint"},
        {"findings": "none"},
        {"holds": "system,turns"},
        {"findings": "warning", "holds": "turns"},
        {"holds": "images"},
        {"rule": "duplicate.exact"},
        {"rule": "duplicate.exact", "holds": "turns", "at_least": "20"},
    ],
)
def test_rows_come_as_asked_for_and_none_twice(checked, sort, is_down, filters):
    with checked.index() as index:
        rows = [row for row in index.each_row() if takes(row, filters, index)]
        key = {"row": "n", "tokens": "tokens", "answer": "answer"}[sort]
        rows.sort(key=lambda row: (getattr(row, key), row.n), reverse=is_down)
        asked = {"sort": sort, "is_down": is_down, **filters}
        found = pages(lambda asked: rows_asked_for(index, asked), ROWS, 7, **asked)
        assert found == [row.n for row in rows]
        assert bool(found) == (filters != {"holds": "images"})


def takes(row, filters, index):
    of_flags = (one for one in ROWS.filters if one.key in filters and one.kind == "set")
    return (
        all(one.where(filters[one.key].split(","))(row.flags) for one in of_flags)
        and row.tokens >= int(filters.get("at_least", 0))
        and row.tokens <= int(filters.get("at_most", 10**9))
        and str(row.label) == filters.get("label", str(row.label))
        and (
            "rule" not in filters
            or any(one.rule == filters["rule"] for one in index.findings(row=row.line))
        )
    )


@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize(
    "filters",
    [
        {"at_least": "16", "at_most": "24"},
        {"at_most": "20", "findings": "warning"},
        {"label": LONG["content"]},
        {"label": "card_arrival", "at_least": "15", "findings": "warning,hint"},
        {"label": "no such label"},
    ],
)
def test_rows_of_a_length_or_a_label_come_as_asked_for(labelled, is_down, filters):
    if (label := filters.get("label")) is not None:
        filters = {**filters, "label": str(label_code(label))}
    with labelled.index() as index:
        is_by_length = filters.keys() & {"at_least", "at_most"}
        sort = "tokens" if is_by_length else "row"
        rows = [row for row in index.each_row() if takes(row, filters, index)]
        rows.sort(key=lambda row: (row.tokens if is_by_length else 0, row.n), reverse=is_down)
        asked = {"sort": sort, "is_down": is_down, **filters}
        found = pages(lambda asked: rows_asked_for(index, asked), ROWS, 7, **asked)
        assert found == [row.n for row in rows]
        assert bool(found) == (label != "no such label")


def test_a_row_is_found_by_whatever_a_check_said_of_it(checked):
    with checked.index() as index:
        by_severity = {
            severity: {one.row for one in index.findings(limit=9999, severity=severity)} - {None}
            for severity in ("error", "warning", "hint")
        }
        for severity, lines in by_severity.items():
            asked = asked_for(ROWS, findings=severity)
            ids = rows_asked_for(index, asked).page(asked, limit=9999).ids
            rows = {row.line for row in index.rows_at(ids)}
            assert rows == {line for line in lines if index.row(line)}, severity
        assert by_severity["error"]
        assert by_severity["warning"], "a copy is a warning of the whole file"


@pytest.mark.parametrize("sort", ["row", "severity"])
@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize(
    "filters", [{}, {"severity": "error,hint"}, {"rule": "duplicate.exact"}, {"rule": "no.such"}]
)
def test_findings_come_as_asked_for(checked, sort, is_down, filters):
    with checked.index() as index:
        known = index.findings(limit=9999)
        ranks = ["error", "warning", "hint"]
        kept = [
            one
            for one in known
            if one.severity in filters.get("severity", "error,warning,hint")
            and one.rule == filters.get("rule", one.rule)
        ]
        if sort == "severity":
            kept.sort(key=lambda one: (ranks.index(one.severity), one.id))
        asked = {"sort": sort, "is_down": is_down, **filters}
        found = pages(lambda asked: findings_asked_for(index, asked), FINDINGS, 7, **asked)
        assert found == [one.id for one in (kept[::-1] if is_down else kept)]
        assert index.findings_at(found[:3]) == [
            one for i in found[:3] for one in known if one.id == i
        ]


@pytest.mark.parametrize("sort", ["row", "tokens", "answer"])
@pytest.mark.parametrize("filters", [{}, {"findings": "warning"}])
def test_no_page_reads_more_than_it_shows(checked, sort, filters):
    """Of twenty million rows none may be sorted, or read past, while somebody waits."""
    plans = []
    with checked.index() as index:
        asked = asked_for(ROWS, sort=sort, after=20, **filters)
        shelves = rows_asked_for(index, asked)
        index.connection.set_trace_callback(plans.append)
        shelves.page(asked, limit=7)
        index.connection.set_trace_callback(None)
        assert plans
        for statement in plans:
            steps = [row[3] for row in index.connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
            assert not any("TEMP B-TREE" in step or "SCAN" in step for step in steps), (
                statement,
                steps,
            )


def test_a_place_far_down_is_not_counted(checked, monkeypatch):
    monkeypatch.setattr(shelving, "MOST_COUNTED", 10)
    with checked.index() as index:
        asked = asked_for(ROWS, sort="tokens", after=1)
        shelves = rows_asked_for(index, asked)
        last = shelves.page(asked_for(ROWS, sort="tokens", is_down=True), limit=1).ids[0]
        asked = asked_for(ROWS, sort="tokens", before=last)
        page = shelves.page(asked, limit=3)
        place = shelves.place(page, is_down=False)
        assert (place.first, place.total) == (0, index.row_count)
        asked = asked_for(ROWS, after=50, is_down=True)
        shelves = rows_asked_for(index, asked)
        place = shelves.place(shelves.page(asked, limit=3), is_down=True)
        assert place.first == index.row_count - 48, "in the file's order a number is a place"
        with pytest.raises(WrongInput):
            asked = asked_for(ROWS, sort="tokens", after=10**9)
            rows_asked_for(index, asked).page(asked, limit=3)


def test_a_check_begun_by_an_earlier_luthier_begins_again(tmp_path):
    lines = KINDS * 3
    blob, path = make_blob(tmp_path, lines), tmp_path / "1.sqlite"
    steps = slices(blob, path)
    next(steps)
    with sqlite3.connect(part_path(path)) as connection:
        connection.execute("PRAGMA user_version = 0")
    connection.close()
    *_, last = steps
    assert last.rows == len(lines)
    with check(tmp_path, lines, name="2").index() as index:
        assert index.connection.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_the_pages_keep_order_filter_and_columns_in_their_address(team, browser):
    viewer = browser(team.users["viewer"])
    path = f"/dataset-versions/{team.version_id}/rows"
    shown = viewer.get(f"{path}?sort=-tokens&holds=system&column=row,tokens,bytes").text
    assert 'aria-sort="descending"' in shown
    assert "Holds: system prompt" in shown
    assert "12 rows" in shown
    assert ">Bytes</th>" in shown
    assert "Where is parcel" not in shown
    part = viewer.get(f"{path}?findings=error", **{"HX-Request": "true"}).text
    assert "No row matches." in part
    assert "<html" not in part
    for wrong, words in (
        ("sort=id", "One of: row, tokens, answer;"),
        ("findings=fatal", "One or more of: error, warning, hint, none."),
        ("colour=red", "No filter of this list is called so. It has: findings, holds, rule,"),
    ):
        answer = viewer.get(f"{path}?{wrong}")
        assert answer.status_code == 422
        assert words in answer.text


def test_rows_of_an_index_made_before_they_were_sorted_are_still_shown(team, browser):
    path = storage.index_path(team.version_id)
    with sqlite3.connect(path) as connection:
        for name in ("rows_flags", "rows_tokens", "rows_answer", "rows_labels",
                     "rows_label_tokens", "findings_rule"):  # fmt: skip
            connection.execute(f"DROP INDEX {name}")
        connection.execute("ALTER TABLE rows DROP COLUMN answer")
        connection.execute("PRAGMA user_version = 0")
    connection.close()
    viewer = browser(team.users["viewer"])
    where = f"/dataset-versions/{team.version_id}"
    shown = viewer.get(f"{where}/rows")
    assert shown.status_code == 200
    assert "Where is parcel 0?" in shown.text
    assert "An earlier Luthier checked this version" in shown.text
    assert viewer.get(f"{where}/rows?sort=tokens").status_code == 422
    assert viewer.get(f"{where}/rows?row=5").status_code == 200
    assert viewer.get(f"{where}/findings?sort=severity").status_code == 200
    assert viewer.get(where).status_code == 200


def deepen(checked, found):
    """Leave these findings beside the index as the deeper checks do."""
    path = deep_path(checked.path)
    made = [statement for statement in SCHEMA.split(";\n") if "TABLE rows" not in statement]
    with sqlite3.connect(path) as deep:
        for statement in made:
            deep.execute(statement)
        deep.execute("CREATE INDEX findings_line ON findings(line)")
        deep.execute("CREATE INDEX findings_rule ON findings(severity, rule)")
        deep.executemany("INSERT INTO findings VALUES(?, ?, ?, ?, ?, ?, ?)", found)
        for statement in flagged.SCHEMA.split(";\n"):
            deep.execute(statement)
        moved = flagged.keep_flagged(deep, checked.path)
        deep.execute("INSERT INTO facts VALUES('flagged', ?)", (json.dumps(moved),))
        groups = [{"rule": "duplicate.near", "severity": "warning", "count": len(found),
                   "first_rows": [1], "reason": "r", "cure": "c"}]  # fmt: skip
        deep.execute("INSERT INTO facts VALUES('groups', ?)", (json.dumps(groups),))
    deep.close()


def test_what_the_deeper_checks_found_stands_with_the_rest(tmp_path):
    checked = check(tmp_path, [*KINDS, b"", KINDS[0]])
    before = checked.found()
    deep = [(10**9 + n, line, None, "duplicate.near", "warning", "r", "c")
            for n, line in enumerate((1, 2, 8))]  # fmt: skip
    deepen(checked, deep)
    assert checked.found() == [*before, *((line, "duplicate.near") for line in (1, 2, 8))]
    with checked.index() as index:
        assert "duplicate.near" in [group.rule for group in index.finding_groups()]
        ids = pages(lambda asked: findings_asked_for(index, asked), FINDINGS, 2)
        assert ids[-3:] == [one[0] for one in deep]
        assert len(ids) == len(before) + 3
        assert [row.line for row in index.rows_of_rule("duplicate.near")] == [1, 2, 8]
        found = pages(lambda asked: rows_asked_for(index, asked), ROWS, 2, rule="duplicate.near")
        assert found == [1, 2, 7], "numbers leave blank lines out"
        assert [one.id for one in index.findings(row=8)][-1] == deep[-1][0]


@pytest.mark.parametrize("sort", ["row", "tokens", "answer"])
@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"findings": "warning"},
        {"findings": "none"},
        {"findings": "none", "holds": "turns"},
        {"label": "card_arrival", "findings": "warning"},
        {"rule": "duplicate.near", "findings": "warning"},
    ],
)
def test_a_row_is_found_by_what_the_deeper_checks_said_of_it(deepened, sort, is_down, filters):
    checked, lines = deepened
    by = {"row": "n", "tokens": "tokens", "answer": "answer"}[sort]
    with checked.index() as index:
        rows = [
            replace(row, flags=row.flags | Flag.WARNING) if row.line in lines else row
            for row in index.each_row()
        ]
        if "label" in filters:
            filters = {**filters, "label": str(label_code(filters["label"]))}
            by = by if by == "tokens" else "n"
        rows = [row for row in rows if takes(row, filters, index)]
        rows.sort(key=lambda row: (getattr(row, by), row.n), reverse=is_down)
        asked = {"sort": sort, "is_down": is_down, **filters}
        assert pages(lambda asked: rows_asked_for(index, asked), ROWS, 4, **asked) == [
            row.n for row in rows
        ]
        assert rows
        plan = index.connection.execute(
            f"EXPLAIN QUERY PLAN SELECT n FROM {flagged.OTHERS} "  # noqa: S608
            "WHERE flags = 0 AND tokens > 3 "
            "ORDER BY tokens, n LIMIT 5"
        )
        steps = [step[3] for step in plan]
        assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in steps), steps


@pytest.fixture(scope="module")
def deepened(tmp_path_factory):
    """Forty rows, of some of which the deeper checks said something, and the lines of those."""
    rows = [
        line for line, _ in itertools.product((KINDS[0], KINDS[1], KINDS[3], KINDS[5]), range(9))
    ]
    checked = check(tmp_path_factory.mktemp("deep"), [b"", *rows])
    lines = {3, 8, 12, 13, 25, 30}
    found = [(10**9 + n, line, None, "duplicate.near", "warning", "r", "c")
             for n, line in enumerate(sorted(lines))]  # fmt: skip
    deepen(checked, found)
    return checked, lines
