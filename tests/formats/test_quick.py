"""The quick way through a row never says anything the slow way would not."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.tokens import counter
from app.formats import chat, chat_quick, reading
from app.formats.base import Unreadable
from app.formats.strings import UNSAFE, count_strings, count_strings_by_line, line_ends
from tests.formats.rows import ANSWER, USER, make_line, raw_question
from tests.formats.test_reading import REFUSED, TAKEN

ROLES = ("system", "developer", "user", "assistant", "tool")
ODD = (
    "",
    " ",
    "a",
    '"',
    "\\",
    '\\"',
    "\n",
    "\0",
    "é",
    "\u2028",
    "😀",
    "\ud800",
    "\\u0000",
    '","role":"',
)

texts = st.one_of(st.sampled_from(ODD), st.text(alphabet=st.characters(codec=None), max_size=12))
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(ROLES), "content": st.one_of(texts, st.none())},
    optional={
        "name": st.one_of(st.sampled_from(("Ann", "Ann Lee", "")), texts),
        "weight": st.sampled_from((0, 1, 2, 1.0, True, None)),
        "mood": texts,
    },
)
rows = st.fixed_dictionaries(
    {"messages": st.lists(messages, max_size=5)}, optional={"tools": st.just([]), "x": texts}
)


def slowly(line: bytes) -> Any:
    """What the slow way measures of a row without findings, else None."""
    try:
        row = chat.read(line)
    except Unreadable:
        return None
    return None if chat.findings(row) else chat.measure(row, len)


def quickly(line: bytes) -> Any:
    """What the quick way measures, alone and between others."""
    line, plain = line.replace(b"\n", b" "), make_line()
    (measured,) = measured_together([line])
    before, between, after = measured_together([plain, line, plain])
    assert between == measured
    assert before == after == chat.measure(chat.read(plain), counted)
    return measured


def measured_together(lines: list[bytes]) -> list[Any]:
    block = b"".join(line + b"\n" for line in lines)
    strings = strings_by_line(block)
    assert strings == [count_strings(line) for line in lines]
    return chat_quick.quick(block, strings, counted)


def strings_by_line(block: bytes) -> list[int]:
    return count_strings_by_line(block, line_ends(block))


def counted(text: str) -> int:
    """Stands for the tokenizer: every role is one token, as it is there."""
    return 1 if text in ROLES else len(text)


@given(rows, st.booleans(), st.sampled_from(((", ", ": "), (",", ":"), (" ,\t", " :  "))))
@settings(max_examples=300, deadline=None)
def test_what_the_quick_way_takes_the_slow_way_takes_and_measures_alike(row, is_ascii, separators):
    text = json.dumps(row, ensure_ascii=is_ascii, separators=separators)
    line = text.encode("utf-8", "surrogatepass")
    measured = quickly(line)
    if measured is not None:
        read = chat.read(line)
        assert chat.findings(read) == []
        assert chat.measure(read, counted) == measured


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_changed_bytes_never_slip_through_the_quick_way(data):
    line = bytearray(make_line(USER, {**ANSWER, "weight": 1}, {**USER, "name": "Ann"}, ANSWER))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(line)))
        cut = data.draw(st.integers(0, 6))
        put = data.draw(st.sampled_from(PIECES))
        line[at : at + cut] = put
    if quickly(bytes(line)) is not None:
        assert slowly(bytes(line)) is not None


KEYS = (b'"role":"user",', b'"content":"b",', b'"weight":0,', b'"name":"b",', b'"messages":[],')
ESCAPES = (b"\\", b"\\\\", b"\\u0022", b"\\u0000", b"\\ud800")
PIECES = (b"", b'"', b"\xff", b"\x00", b",", b"}", b"]", b"\r", b" ", *KEYS, *ESCAPES)


@pytest.mark.parametrize("line", [line for line, _ in REFUSED.values()], ids=REFUSED)
def test_no_refused_line_is_taken_quickly(line):
    assert quickly(line) is None


@pytest.mark.parametrize("line", TAKEN.values(), ids=TAKEN)
def test_odd_lines_are_measured_alike_both_ways(line):
    measured = quickly(line)
    assert measured is None or measured == chat.measure(chat.read(line), counted)


def test_duplicate_keys_are_seen_however_they_are_disguised():
    disguises = (
        b'"role":"user","content":"a","content":"b"',
        b'"role":"user","role":"user","content":"a"',
        b'"role":"user","content":"\\"\\"","content":"b"',
        b'"role":"user","content":"\\\\","content":"b"',
        b'"role":"user","content":"a","cont\\u0065nt":"\\u0022\\u0022"',
        b'"role":"user","content":"\\\\\\"","content":"b"',
    )
    for said in disguises:
        line = b'{"messages":[{%s},{"role":"assistant","content":"x"}]}' % said
        assert quickly(line) is None, said
        with pytest.raises(Unreadable, match="stands twice"):
            chat.read(line)


def test_plain_conversations_go_the_quick_way():
    assert quickly(make_line()) is not None
    assert (
        quickly(make_line(USER, {**ANSWER, "weight": 0}, {**USER, "name": "Ann"}, ANSWER))
        is not None
    )
    assert quickly(raw_question(b'C:\\\\dir \\"quoted\\" \\n \\u00e9')) is not None


def test_strings_are_counted_line_by_line_as_one_by_one():
    lines = [make_line(), raw_question(b'\\"'), b"", b"{}", raw_question(b"\\\\")]
    block = b"\n".join(lines) + b"\n"
    assert strings_by_line(block) == [9, 9, 0, 0, 9]
    nul = raw_question(b"\\u0000")
    assert strings_by_line(block + nul + b"\n") == [9, 9, 0, 0, 9, UNSAFE]
    assert strings_by_line(raw_question(b'\\"' * 70_000) + b"\n" + block) == [9, 9, 9, 0, 0, 9]
    many = b'{"a":[%s1]}' % (b'"",' * 70_000)
    assert strings_by_line(many + b"\n") == [70_001]
    assert strings_by_line(many * 60 + b"\n" + block) == [70_001 * 60, 9, 9, 0, 0, 9]


def test_rows_that_do_not_lie_one_on_each_line_are_told_apart():
    row, half = make_line(), len(b'{"messages":')
    spanned = [row[:half], row[half:]]
    for lines, expected in (
        ([row, b"", row], [True, False, True]),
        ([row + b" " + row, row], [False, True]),
        ([row + row, b""], [False, False]),
        ([*spanned, row], [False, False, True]),
        ([*spanned, row + row], [False, False, False]),
        ([*spanned, b"", row + row, b""], [False] * 5),
        ([row + b"\r", b" " + row], [True, True]),
    ):
        taken = [measured is not None for measured in measured_together(lines)]
        assert taken == expected, lines


def test_each_role_is_one_token_in_both_encodings():
    for encoding in ("o200k_base", "cl100k_base"):
        assert [counter(encoding)(role) for role in ROLES] == [1] * len(ROLES)


def test_depth_and_digit_limits_are_those_of_the_design():
    assert reading.DEPTH_LIMIT == 32
