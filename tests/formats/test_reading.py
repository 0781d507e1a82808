"""Lines that may not be read, each refused by its own rule, and odd ones that may."""

import codecs
import json

import pytest

from app.formats.base import Unreadable
from app.formats.reading import read_object
from tests.formats.rows import make_line, question, raw_question

DEEP = 33
REFUSED = {
    "invalid byte": (raw_question(b"\xff"), "read.utf8"),
    "overlong": (raw_question(b"\xc0\xaf"), "read.utf8"),
    "truncated sequence": (raw_question(b"\xe2\x82"), "read.utf8"),
    "surrogate in utf-8": (raw_question(b"\xed\xa0\x80"), "read.utf8"),
    "utf-16 with mark": (make_line().decode().encode("utf-16"), "read.utf16"),
    "utf-16": (make_line().decode().encode("utf-16-le"), "read.utf16"),
    "utf-32": (make_line().decode().encode("utf-32-be"), "read.utf16"),
    "mark in the middle": (codecs.BOM_UTF8 + make_line(), "read.bom"),
    "lone surrogate": (raw_question(b"\\ud800"), "read.surrogate"),
    "lone low surrogate": (raw_question(b"\\udc00x"), "read.surrogate"),
    "surrogate in a key": (b'{"\\ud800": 1}', "read.surrogate"),
    "escaped nul": (raw_question(b"a\\u0000b"), "read.nul"),
    "raw nul": (raw_question(b"a\x00b"), "read.control"),
    "raw control": (raw_question(b"a\x1fb"), "read.control"),
    "raw tab": (raw_question(b"a\tb"), "read.control"),
    "NaN": (b'{"messages": NaN}', "read.not_a_number"),
    "Infinity": (b'{"messages": [Infinity]}', "read.not_a_number"),
    "-Infinity": (b'{"messages": -Infinity}', "read.not_a_number"),
    "1e999": (b'{"messages": 1e999}', "read.number"),
    "5,000 digits": (b'{"messages": %s}' % (b"7" * 5000), "read.number"),
    "4,000 digits": (b'{"messages": -%s}' % (b"7" * 4000), "read.number"),
    "100,000 brackets": (b"[" * 100_000, "read.depth"),
    "depth 900": (b"[" * 900 + b"]" * 900, "read.depth"),
    "depth 33": (b'{"a":' + b"[" * (DEEP - 1) + b"]" * (DEEP - 1) + b"}", "read.depth"),
    "duplicate role": (b'{"messages": [{"role": "user", "role": "system"}]}', "read.duplicate_key"),
    "duplicate by escape": (b'{"a": 1, "\\u0061": 2}', "read.duplicate_key"),
    "duplicate empty key": (b'{"": 1, "": 2}', "read.duplicate_key"),
    "two objects": (b'{"a": 1} {"b": 2}', "read.json"),
    "lone carriage returns": (b'{"a": 1}\r{"b": 2}', "read.json"),
    "trailing comma": (b'{"a": 1,}', "read.json"),
    "comment": (b'{"a": 1} // why', "read.json"),
    "single quotes": (b"{'a': 1}", "read.json"),
    "vertical tab": (b'{"a": 1}\x0b1', "read.json"),
    "cut short": (b'{"messages": [{"role": "us', "read.json"),
    "list": (b"[1]", "read.not_object"),
    "number": (b"7", "read.not_object"),
    "text": (b'"hello"', "read.not_object"),
    "null": (b"null", "read.not_object"),
}
TAKEN = {
    "line separators in a text": question("a\u2028b\u2029c\u0085d"),
    "carriage return": make_line() + b"\r",
    "spaces": b"  " + make_line() + b"\t",
    "prototype keys": b'{"__proto__": 1, "constructor": 2, "__class__": 3, "": 4}',
    "a long key": b'{"%s": 1}' % (b"k" * 2**20),
    "many keys": json.dumps({str(key): 0 for key in range(100_000)}).encode(),
    "depth 32": b'{"a":' + b"[" * 31 + b"]" * 31 + b"}",
    "bidi, joiners, marks": question("\u202eabc\u200b👩‍👩‍👧" + "e\u0301" * 10_000),
    "ansi and markup": question("\\u001b[2J <script> {{7*7}} =HYPERLINK()"),
    "surrogate pair": raw_question(b"\\ud83d\\ude00"),
    "309 digits": b'{"a": %s}' % (b"7" * 309),
}


@pytest.mark.parametrize(("line", "rule"), REFUSED.values(), ids=REFUSED)
def test_a_line_that_cannot_be_read_safely_is_refused_by_its_own_rule(line, rule):
    with pytest.raises(Unreadable) as refused:
        read_object(line)
    finding = refused.value.finding
    assert finding.rule == rule
    assert finding.severity == "error"
    assert finding.reason.endswith(".")
    assert finding.cure.endswith(".") or finding.cure.endswith("}")


@pytest.mark.parametrize("line", TAKEN.values(), ids=TAKEN)
def test_odd_but_honest_lines_are_read(line):
    assert isinstance(read_object(line), dict)


def test_a_file_with_old_line_ends_hears_about_them():
    with pytest.raises(Unreadable, match="Carriage returns alone do not end a line"):
        read_object(b'{"a": 1}\r{"b": 2}')


def test_the_place_of_the_first_wrong_byte_is_named():
    with pytest.raises(Unreadable, match="byte 8 of the line is 0xff"):
        read_object(b'{"abcd"\xff')
