"""Whole files through the checks: what each must be told, and how a check survives its process."""

import codecs
import gzip
import io
import json
import multiprocessing
import os
import signal
import sqlite3
import zipfile
from pathlib import Path

import pytest

from app.datasets import checks
from app.datasets.checks import lines, store
from app.datasets.checks.report import histogram
from app.datasets.gone import IndexGone
from app.datasets.index import Flag, open_index
from app.datasets.parts import part_path
from tests.datasets.making import LIMITS, check, make_blob, slices
from tests.formats.rows import ANSWER, USER, make_line, question, raw_question
from tests.formats.test_reading import REFUSED

GOOD = [question(f"Question {number}?") for number in range(60)]
BANKING77 = Path(__file__).parents[2] / "examples" / "banking77"


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("rows.jsonl", make_line())
    return buffer.getvalue()


FILES = {
    "empty": (b"", None, "Refused: the file is empty."),
    "newlines": (b"\n\n\n", "read.blank_line", "Refused: the file has only empty lines."),
    "gzip": (gzip.compress(make_line()), "read.kind", "Refused: the file is compressed with gzip."),
    "zip": (zipped(), "read.kind", "Refused: the file is a zip archive"),
    "parquet": (b"PAR1\x15\x04", "read.kind", "Refused: the file is a Parquet file."),
    "pdf": (b"%PDF-1.7\n", "read.kind", "Refused: the file is a PDF document."),
    "elf": (b"\x7fELF\x02\x01", "read.kind", "Refused: the file is a program."),
    "pickle": (b"\x80\x04\x95\x10", "read.kind", "Refused: the file is a Python pickle."),
    "utf-16": (make_line().decode().encode("utf-16"), "read.utf16", "Refused: the text is UTF-16"),
    "utf-16 bare": (make_line().decode().encode("utf-16-le"), "read.utf16", "Refused: the text is"),
    "utf-32": (make_line().decode().encode("utf-32"), "read.utf16", "Refused: the text is UTF-16"),
    "csv": (b"text,category\nhi,greet\n", "read.json", "Refused: line 1 is not JSON, and 1 more"),
    "questions": (
        b'{"question": 1, "answer": 2}\n' * 3,
        "row.format",
        'has "question" and "answer"',
    ),
}


@pytest.mark.parametrize(("content", "rule", "reason"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_dataset_is_rejected_and_told_why(tmp_path, content, rule, reason):
    checked = check(tmp_path, content)
    assert checked.verdict.status == "rejected"
    assert reason in (checked.verdict.reason or "")
    assert rule in {found for _, found in checked.found()} | {None}


@pytest.mark.parametrize(
    ("line", "rule"),
    [pair for name, pair in REFUSED.items() if "utf-16" not in name and "utf-32" not in name],
)
def test_one_unreadable_line_rejects_the_file_and_is_named_by_number(tmp_path, line, rule):
    checked = check(tmp_path, [*GOOD[:50], line, *GOOD[50:]])
    assert checked.found() == [(51, rule)]
    assert checked.verdict.status == "rejected"
    assert checked.verdict.reason is not None
    assert checked.verdict.reason.startswith("Refused: line 51 ")
    assert checked.verdict.reason.endswith(". The 50 lines before it are fine.")
    assert checked.verdict.rows == 61


def test_broken_rules_leave_a_version_ready_with_its_errors(tmp_path):
    checked = check(tmp_path, [*GOOD, make_line({"role": "human", "content": "hi"}, ANSWER)])
    assert checked.verdict.status == "ready"
    assert checked.verdict.reason is None
    assert checked.verdict.findings == {"error": 1, "warning": 0, "hint": 0}
    with checked.index() as index:
        (finding,) = index.findings()
        row = index.row(61)
    assert (finding.row, finding.field) == (61, "messages[0].role")
    assert row is not None
    assert row.flags & Flag.ERROR


HARMLESS = {
    "no newline at the end": b"\n".join(GOOD),
    "carriage returns": b"\r\n".join(GOOD) + b"\r\n",
    "odd separators in texts": b"\n".join([*GOOD[:-1], question("a\u2028b\x85c\u0085")]),
}


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS)
def test_harmless_ways_to_write_a_file_pass_without_a_word(tmp_path, content):
    checked = check(tmp_path, content)
    assert checked.found() == []
    assert (checked.verdict.status, checked.verdict.rows) == ("ready", 60)


@pytest.mark.parametrize("odd", [b"\f", b"\v"], ids=["form feed", "vertical tab"])
def test_what_json_takes_for_no_space_is_an_error_of_its_line(tmp_path, odd):
    checked = check(tmp_path, [*GOOD[:10], GOOD[0] + odd, odd, *GOOD[10:]])
    assert checked.found() == [(11, "read.json"), (12, "read.json")]


def test_a_byte_order_mark_is_passed_over_with_a_warning(tmp_path):
    checked = check(tmp_path, codecs.BOM_UTF8 + b"\n".join(GOOD))
    assert checked.found() == [(1, "read.bom")]
    assert checked.verdict.status == "ready"
    with checked.index() as index:
        first = index.row(1)
    assert first is not None
    assert first.offset == 3


def test_an_empty_line_is_an_error_but_no_row(tmp_path):
    checked = check(tmp_path, [*GOOD[:10], b"", b"  \r", *GOOD[10:]])
    assert checked.found() == [(11, "read.blank_line"), (12, "read.blank_line")]
    assert checked.verdict.rows == 60
    with checked.index() as index:
        assert index.row(11) is None
        assert index.row(12) is None
        thirteenth = index.row(13)
    assert thirteenth is not None
    assert thirteenth.n == 11


def test_a_line_over_the_limit_is_passed_over_in_bounded_memory(tmp_path):
    long = [question("x" * size) for size in (LIMITS.line, lines.BLOCK_SIZE * 3)]
    checked = check(tmp_path, [*GOOD[:20], *long, *GOOD[20:]])
    assert checked.found() == [(21, "read.line_length"), (22, "read.line_length")]
    assert checked.verdict.rows == 62
    with checked.index() as index:
        rows = index.rows(20, 3)
    assert [row.length for row in rows[:2]] == [len(line) for line in long]
    assert rows[2].offset == sum(len(line) + 1 for line in [*GOOD[:20], *long])


def test_checking_stops_after_many_unreadable_lines_and_says_so(tmp_path):
    few = checks.Limits(line=1000, rows=1000, structural_errors=5)
    checked = check(tmp_path, [b"nonsense"] * 9, limits=few)
    assert checked.found() == [(None, "read.stopped"), *((at, "read.json") for at in range(1, 6))]
    assert checked.verdict.reason == "Refused: line 1 is not JSON, and 4 more lines cannot be read."


def test_more_rows_than_the_instance_takes_are_refused(tmp_path):
    few = checks.Limits(line=1000, rows=59, structural_errors=5)
    checked = check(tmp_path, GOOD, limits=few)
    assert checked.found() == [(None, "read.row_limit")]
    assert checked.verdict.status == "rejected"
    assert check(tmp_path, GOOD[:59], limits=few, name="2").verdict.status == "ready"


def test_of_one_rule_the_first_findings_are_kept_and_all_are_counted(tmp_path):
    few = checks.Limits(line=1000, rows=1000, structural_errors=500, findings_per_rule=3)
    checked = check(tmp_path, GOOD + [make_line(USER)] * 20, limits=few)
    assert checked.verdict.findings == {"error": 20, "warning": 19, "hint": 0}
    with checked.index() as index:
        assert len(index.findings()) == 6
        groups = index.finding_groups()
    assert [(group.rule, group.count, group.first_rows) for group in groups] == [
        ("messages.no_assistant", 20, (61, 62, 63, 64, 65)),
        ("duplicate.exact", 19, (62, 63, 64, 65, 66)),
    ]


def test_the_file_as_a_whole_is_judged_too(tmp_path):
    assert check(tmp_path, GOOD[:9], name="1").found() == [(None, "rows.too_few")]
    assert check(tmp_path, GOOD[:10], name="2").found() == [(None, "rows.few")]
    wide = checks.Limits(line=2_000_000, rows=1000, structural_errors=5)
    long = check(tmp_path, [*GOOD, question("card " * 66_000)], name="3", limits=wide)
    assert long.found() == [(61, "tokens.over_limit")]
    again = [*GOOD, GOOD[3], GOOD[3].replace(b": ", b":  "), GOOD[5]]
    copies = check(tmp_path, again, name="4")
    assert copies.found() == [(row, "duplicate.exact") for row in (61, 62, 63)]


def test_answers_that_are_labels_are_weighed(tmp_path):
    answers = ["refund"] * 40 + ["card_arrival"] * 30 + ["lost_card"] * 2
    rows = [
        make_line({**USER, "content": f"{at}?"}, {**ANSWER, "content": answer})
        for at, answer in enumerate(answers)
    ]
    checked = check(tmp_path, rows)
    assert checked.verdict.labels == (("refund", 40), ("card_arrival", 30), ("lost_card", 2))
    assert checked.found() == [(None, "label.few")]
    assert check(tmp_path, [question(str(n)) for n in range(60)], name="2").verdict.labels is None


def test_banking77_is_ready_without_a_finding(tmp_path):
    checked = check(tmp_path, (BANKING77 / "train.jsonl").read_bytes())
    verdict = checked.verdict
    assert (verdict.status, verdict.format, verdict.rows) == ("ready", "chat", 10_003)
    assert (verdict.tokens, verdict.median_tokens, verdict.longest_tokens) == (527_826, 50, 134)
    assert verdict.labels is not None
    assert (len(verdict.labels), verdict.labels[0][1], verdict.labels[-1][1]) == (77, 187, 35)
    assert verdict.roles["assistant"]["messages"] == verdict.trained_messages == 10_003
    assert sum(role["tokens"] for role in verdict.roles.values()) + 3 * 10_003 == verdict.tokens
    assert verdict.system_prompt_rows == 10_003
    assert sum(bar.count for bar in verdict.histogram) == 10_003
    assert checked.found() == []
    json.dumps(verdict.as_json())


def test_a_histogram_has_at_most_twenty_round_bins_whatever_the_tail():
    counts = [(tokens, 10) for tokens in range(37, 900, 3)] + [(60_000, 1)]
    bars = histogram(counts)
    assert len(bars) <= 20
    assert sum(bar.count for bar in bars) == sum(rows for _, rows in counts)
    assert (bars[0].first, bars[0].last, bars[-1].last) == (0, 49, 60_000)
    assert histogram([]) == ()
    assert [bar.count for bar in histogram([(5, 2)])] == [2]


def mixed_lines() -> list[bytes]:
    """Good rows, findings of every severity and an unreadable line, over several blocks."""
    rows = [question(f"{number} {'word ' * 400}") for number in range(1500)]
    rows[700] = make_line({"role": "human", "content": "hi"}, ANSWER)
    rows[1400] = rows[3]
    rows[900] = b""
    rows[1200] = raw_question(b"\xff")
    return rows


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


def test_slices_of_any_length_come_to_the_same_index(tmp_path):
    once, often = tmp_path / "a", tmp_path / "b"
    blob = make_blob(tmp_path, mixed_lines())
    for folder, seconds in ((once, 60), (often, 0)):
        folder.mkdir()
        steps = list(slices(blob, folder / "1.sqlite", seconds=seconds))
        assert steps[-1].as_json() == checks.Progress.from_json(steps[-1].as_json()).as_json()
    assert len(steps) > 5
    assert dump(once / "1.sqlite") == dump(often / "1.sqlite")


def test_a_slice_made_twice_or_lost_before_it_was_recorded_changes_nothing(tmp_path):
    blob = make_blob(tmp_path, mixed_lines())
    whole = tmp_path / "a" / "1.sqlite"
    again = tmp_path / "b" / "1.sqlite"
    for path in (whole, again):
        path.parent.mkdir()
    list(slices(blob, whole))
    progress = checks.Progress()
    while not progress.is_done:
        checks.check_slice(blob, again, progress, seconds=0, limits=LIMITS)
        progress = checks.check_slice(blob, again, progress, seconds=0, limits=LIMITS)
    assert checks.check_slice(blob, again, checks.Progress(), seconds=0, limits=LIMITS) == progress
    assert dump(whole) == dump(again)


def _die_in_the_middle(blob: Path, index: Path, rows_before_death: int) -> None:
    add = store.Store.add_rows

    def add_and_die(self: store.Store, rows: list[tuple[int, ...]]) -> None:
        last = rows[-1][0] if rows else 0
        add(self, rows)
        if last >= rows_before_death:
            os.kill(os.getpid(), signal.SIGKILL)

    store.Store.add_rows = add_and_die  # type: ignore[method-assign]
    checks.check_slice(blob, index, checks.Progress(), seconds=60, limits=LIMITS)


def test_a_worker_killed_between_two_rows_leaves_nothing_behind(tmp_path):
    blob = make_blob(tmp_path, mixed_lines())
    whole, killed = tmp_path / "a" / "1.sqlite", tmp_path / "b" / "1.sqlite"
    for path in (whole, killed):
        path.parent.mkdir()
    list(slices(blob, whole))
    checks.check_slice(blob, killed, checks.Progress(), seconds=0, limits=LIMITS)
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_die_in_the_middle, args=(blob, killed, 1000))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert not killed.exists()
    list(slices(blob, killed))
    assert dump(whole) == dump(killed)


def test_a_damaged_unfinished_index_is_made_anew(tmp_path):
    blob, index = make_blob(tmp_path, GOOD), tmp_path / "1.sqlite"
    part_path(index).write_bytes(b"SQLite format 3\0 and then nothing that makes sense" * 99)
    assert checks.check_slice(blob, index, checks.Progress(), seconds=9) == checks.Progress()
    assert list(slices(blob, index))[-1].rows == 60


def test_two_workers_at_one_slice_do_not_disturb_each_other(tmp_path):
    blob, index = make_blob(tmp_path, GOOD), tmp_path / "1.sqlite"
    before = checks.Progress(rows=7)
    with store.writing(index, 10):
        assert checks.check_slice(blob, index, before, seconds=0) == before
    assert list(slices(blob, index))[-1].rows == 60


def test_a_lease_is_renewed_while_a_step_lasts(tmp_path):
    blob, index = make_blob(tmp_path, mixed_lines()), tmp_path / "1.sqlite"
    renewed: list[int] = []
    progress = checks.Progress()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.datasets.checks.steps._HANDLER_OPERATIONS", 100)
        while not progress.is_done:
            progress = checks.check_slice(
                blob, index, progress, seconds=0, alive=lambda: renewed.append(1)
            )
    assert renewed


def test_an_index_that_is_not_finished_cannot_be_opened(tmp_path):
    blob, index = make_blob(tmp_path, mixed_lines()), tmp_path / "1.sqlite"
    checks.check_slice(blob, index, checks.Progress(), seconds=0, limits=LIMITS)
    with pytest.raises(IndexGone):
        open_index(index)
    with pytest.raises(IndexGone):
        checks.verdict(index)
    checks.discard(index)
    assert list(tmp_path.iterdir()) == [blob]
