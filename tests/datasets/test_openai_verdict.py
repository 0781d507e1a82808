"""What Luthier says OpenAI would say, against rules written from OpenAI's documents alone: valid
rows are spoilt in every place and by lot, and the two agree on each.
"""

import json
import random

import pytest

from app.datasets.found import read
from app.datasets.verdicts import say
from app.formats.base import Unreadable
from app.formats.reading import read_object
from app.formats.registry import FORMATS
from app.providers.profiles import profiles
from tests.datasets.making import check
from tests.witness.mutating import VALID, mutant, mutants
from tests.witness.rows import refusal_of_file, refusal_of_line

OPENAI = profiles()["openai"]
BY_LOT = 1_000


def refused_here(line: bytes, method: str) -> list[str] | None:
    """The rules for which Luthier says that OpenAI refuses a line; None where it reads it not at
    all, which is stricter than OpenAI by intent.
    """
    try:
        value = read_object(line)
    except Unreadable:
        return None
    how = OPENAI.rows.method(method)
    weights = [
        (one.rule, OPENAI.rows.weight(how, one.rule, one.severity))
        for one in FORMATS[how.formats[0]].findings(value)
    ]
    return [rule for rule, weight in weights if weight == "error"]


def disagreements(rows, method):
    found = []
    for row in rows:
        line = json.dumps(row).encode()
        here, there = refused_here(line, method), refusal_of_line(line, method)
        if here is not None and bool(here) != (there is not None):
            found.append((row, here, there))
    return found


@pytest.mark.parametrize("method", VALID)
def test_what_is_valid_is_taken_by_both(method):
    assert disagreements(VALID[method], method) == []
    assert all(refusal_of_line(json.dumps(row).encode(), method) is None for row in VALID[method])


@pytest.mark.parametrize("method", VALID)
def test_a_row_spoilt_in_any_one_place_is_taken_by_both_or_by_neither(method):
    spoilt = [one for row in VALID[method] for one in mutants(row)]
    assert len(spoilt) > 1_000
    assert disagreements(spoilt, method)[:3] == []


@pytest.mark.parametrize("method", VALID)
def test_rows_spoilt_in_many_places_are_too(method):
    dice = random.Random(method)  # noqa: S311 - the same rows every time
    spoilt = (mutant(dice.choice(VALID[method]), dice, dice.randint(2, 4)) for _ in range(BY_LOT))
    assert disagreements(spoilt, method)[:3] == []


ROW = json.dumps(VALID["supervised"][0]).encode()
BAD = json.dumps({**VALID["supervised"][0], "mood": 1}).encode()
FILES = {
    "ten rows": b"\n".join([ROW] * 10),
    "ten rows, each with its newline": b"%s\n" % ROW * 10,
    "nine rows": b"%s\n" % ROW * 9,
    "a byte order mark": b"\xef\xbb\xbf" + b"%s\n" % ROW * 10,
    "carriage returns": b"%s\r\n" % ROW * 10,
    "spaces around": b"  %s \n" % ROW * 10,
    "one row that is refused": b"%s\n" % ROW * 6 + b"%s\n" % BAD + b"%s\n" % ROW * 6,
    "a blank line": b"%s\n" % ROW * 6 + b"\n" + b"%s\n" % ROW * 6,
    "a blank line at the end": b"%s\n" % ROW * 10 + b"\n",
    "a list": b"%s\n" % ROW * 10 + b"[%s]\n" % ROW,
    "two objects on a line": b"%s\n" % ROW * 10 + b"%s %s\n" % (ROW, ROW),
    "a comma too many": b"%s\n" % ROW * 10 + b'{"messages": [],}\n',
    "half a character": b"%s\n" % ROW * 10 + ROW.replace(b"card", b"c\xe4rd"),
    "nothing": b"",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_file_is_taken_by_both_or_by_neither(tmp_path, content):
    checked = check(tmp_path, content)
    found = read(checked.path, name="rows", size=len(content))
    said = say(OPENAI, OPENAI.rows.method("supervised"), found)
    is_refused = checked.verdict.status == "rejected" or bool(said.refusals)
    assert is_refused == (refusal_of_file(content, "supervised") is not None)
