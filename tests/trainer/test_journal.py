"""The journal of a run: byte offsets as ids, read from the end, mended when torn."""

from pathlib import Path

import pytest

from app.trainer.journal import JournalWriter, newest, oldest_first


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_records_are_read_newest_first_in_pages(path: Path):
    journal = JournalWriter(path)
    offsets = [journal.append({"n": n, "text": "x" * (n * 37 % 9000)}) for n in range(100)]

    before, read = None, []
    while page := newest(path, before=before, limit=7):
        read += page
        before = page[-1][0]

    assert [(offset, record["n"]) for offset, record in read] == list(
        zip(offsets, range(100), strict=True)
    )[::-1]
    assert [record["n"] for record in oldest_first(path)] == list(range(100))
    journal.close()


def test_a_torn_line_is_not_read_and_is_cut_off_when_written_on(path: Path):
    journal = JournalWriter(path)
    journal.append({"n": 1})
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"n": 2')

    assert [record["n"] for _, record in newest(path, before=None, limit=9)] == [1]
    again = JournalWriter(path)
    again.append({"n": 3})
    again.close()
    assert [record["n"] for record in oldest_first(path)] == [1, 3]


def test_an_offset_that_is_no_record_is_refused(path: Path):
    journal = JournalWriter(path)
    journal.append({"n": 1})
    for wrong in (3, -1, 10_000):
        with pytest.raises(ValueError, match="no record"):
            newest(path, before=wrong, limit=1)
    assert newest(path.with_name("missing"), before=None, limit=1) == []
    journal.close()
