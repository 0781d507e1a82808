"""The index of a version: its rows and findings page by page, and who is who across versions."""

import sqlite3

import pytest

from app.datasets.index import open_index, read_rows
from tests.datasets.making import check
from tests.formats.rows import ANSWER, USER, make_line, question

GOOD = [question(f"Question {number}?") for number in range(60)]


def answered(text: str, answer: str) -> bytes:
    """A row with this question and this answer."""
    return make_line({**USER, "content": text}, {**ANSWER, "content": answer})


def test_any_row_is_a_seek_away(tmp_path):
    lines = [*GOOD[:30], b"", *GOOD[30:]]
    checked = check(tmp_path, lines)
    with checked.index() as index:
        assert index.row_count == 60
        page = index.rows(offset=28, limit=4)
        assert [row.line for row in page] == [29, 30, 32, 33]
        assert read_rows(checked.blob, page) == [lines[line - 1] for line in (29, 30, 32, 33)]
        for line in (1, 30, 32, 61):
            row = index.row(line)
            assert row is not None
            assert row.line == line
            assert index.row_of_id(row.row_id) == row
        assert [index.row(line) for line in (0, -1, 31, 62, 10**20)] == [None] * 5
        assert index.rows(offset=60) == []
        assert index.row_of_id(-1) is None


def test_findings_come_in_the_order_of_the_file_and_go_on_where_a_page_ends(tmp_path):
    rows = [make_line({"role": "x", "content": 1}, ANSWER)] * 3 + [make_line(USER)] * 2
    checked = check(tmp_path, rows)
    with checked.index() as index:
        everything = index.findings()
        pages, after = [], 0
        while page := index.findings(after=after, limit=3):
            pages += page
            after = page[-1].id
        warnings = index.findings(severity="warning")
        named = index.findings(rule="message.role")
        of_row = index.findings(row=5)
    assert pages == everything
    assert [finding.row for finding in everything] == [None, 1, 2, 2, 3, 3, 4, 5, 5]
    assert {finding.rule for finding in warnings} == {"rows.too_few", "duplicate.exact"}
    assert [finding.row for finding in named] == [1, 2, 3]
    assert [finding.rule for finding in of_row] == ["messages.no_assistant", "duplicate.exact"]


def test_a_finished_index_cannot_be_written(tmp_path):
    with check(tmp_path, GOOD).index() as index, pytest.raises(sqlite3.OperationalError):
        index.connection.execute("DELETE FROM rows")


def test_paths_may_hold_any_characters(tmp_path):
    folder = tmp_path / "a b?c#d%41 'ü\n"
    folder.mkdir()
    checked = check(folder, GOOD)
    assert open_index(checked.path).row_count == 60


def test_row_ids_are_unique_small_enough_for_javascript_and_the_same_when_made_again(tmp_path):
    first = check(tmp_path, GOOD)
    ids = first.ids()
    assert len(set(ids)) == 60
    assert all(0 <= row_id < 2**53 for row_id in ids)
    first.path.unlink()
    assert check(tmp_path, GOOD).ids() == ids
    assert not set(check(tmp_path, GOOD, name="2").ids()) & set(ids)


def test_equal_rows_keep_their_ids_wherever_they_stand_and_however_they_are_written(tmp_path):
    first = check(tmp_path, GOOD)
    respaced = [line.replace(b": ", b":") for line in GOOD]
    moved = [b"", *reversed(respaced), question("New?")]
    second = check(tmp_path, moved, name="2", inherit=first)
    assert second.ids()[:60] == first.ids()[::-1]
    assert second.ids()[60] not in first.ids()


def test_the_nth_equal_row_follows_the_nth(tmp_path):
    first = check(tmp_path, [GOOD[0], GOOD[1], GOOD[0], GOOD[0]])
    second = check(tmp_path, [GOOD[0], GOOD[0], GOOD[2]], name="2", inherit=first)
    assert second.ids()[:2] == [first.ids()[0], first.ids()[2]]
    assert second.ids()[2] not in first.ids()


def test_an_edited_answer_keeps_the_id_of_its_question(tmp_path):
    rows = [answered("A?", "1"), answered("A?", "2"), answered("B?", "3")]
    first = check(tmp_path, rows)
    edited = [answered("B?", "4"), answered("A?", "2"), answered("A?", "5"), answered("A?", "6")]
    second = check(tmp_path, edited, name="2", inherit=first)
    a_one, a_two, b = first.ids()
    assert second.ids()[:3] == [b, a_two, a_one]
    assert second.ids()[3] not in first.ids()
    third = check(tmp_path, rows, name="3", inherit=second)
    assert set(third.ids()) <= set(second.ids())


def test_a_row_that_says_more_is_another_row_with_the_same_prompt(tmp_path):
    first = check(tmp_path, GOOD[:3])
    weighted = make_line({**USER, "content": "Question 1?"}, {**ANSWER, "weight": 1})
    second = check(tmp_path, [GOOD[0], weighted, GOOD[2]], name="2", inherit=first)
    assert second.ids() == first.ids()
    assert "duplicate.exact" not in {rule for _, rule in second.found()}


def test_an_earlier_index_that_is_gone_is_no_obstacle(tmp_path):
    first = check(tmp_path, GOOD)
    first.path.unlink()
    assert len(set(check(tmp_path, GOOD, name="2", inherit=first).ids())) == 60
