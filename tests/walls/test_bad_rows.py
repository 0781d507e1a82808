"""J: rows and files nobody should write, sent to the running server, then read by a worker.

Each item passes only with its own status, its own findings (line and rule, and no other of any
line), and its own words. Items of U that are about what a file holds (U11, U12) stand here too.
What takes a gigabyte (J16, J17) is small here, against small limits; whole it is in
`test_bad_rows_whole.py`.
"""

import codecs
import gzip
import io
import json
import pickle
import zipfile
from html import unescape
from typing import NamedTuple

import pytest

from app.core.database import read_only
from app.datasets import tasks
from app.datasets.models import DatasetVersion
from tests.formats.rows import ANSWER, USER, make_line, question, raw_question

GOOD = question("What is sent first?")
LAST = question("And what last?")
LIMITS = {"LUTHIER_LINE_LIMIT": "1500000", "LUTHIER_ROW_LIMIT": "300"}


class Item(NamedTuple):
    """A file, and all that is said of its lines; `words` stand in what is said, or in the reason of
    the verdict.
    """

    name: str
    content: bytes
    status: str
    found: tuple[tuple[int, str], ...]
    words: str


def refused(name, line, rule, words):
    """A line that may not be read, between two that are fine."""
    return Item(name, b"\n".join([GOOD, line, LAST, b""]), "rejected", ((2, rule),), words)


def told(name, line, rule, words):
    """A row that can be read, and is wrong."""
    return Item(name, b"\n".join([GOOD, line, LAST, b""]), "ready", ((2, rule),), words)


def taken(name, line):
    """A row that may look odd and is fine."""
    return Item(name, b"\n".join([GOOD, line, LAST, b""]), "ready", (), "")


def no_rows(name, content, words):
    """A file that is something else."""
    return Item(name, content, "rejected", (), words)


def user(**message):
    """A row whose question is this message."""
    return json.dumps({"messages": [message, ANSWER]}).encode()


def picture(url):
    """A row that asks about a picture."""
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}]
    return user(role="user", content=parts)


def zipped(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, GOOD)
    return buffer.getvalue()


MANY = b"\n".join(question(str(n)) for n in range(301))
KEYS = {"role": "user", "content": "x"}

ITEMS = (
    no_rows("J1 empty", b"", "Refused: the file is empty."),
    Item(
        "J2 only newlines",
        b"\n\n",
        "rejected",
        ((1, "read.blank_line"), (2, "read.blank_line")),
        "Refused: the file has only empty lines.",
    ),
    Item("J3 no newline at the end", b"\n".join([GOOD, LAST]), "ready", (), ""),
    Item("J4 CRLF", b"\r\n".join([GOOD, LAST, b""]), "ready", (), ""),
    Item(
        "J4 lone CR",
        b"\r".join([GOOD, LAST, b""]),
        "rejected",
        ((1, "read.json"),),
        "Carriage returns alone do not end a line.",
    ),
    Item(
        "J5 mark at the beginning",
        codecs.BOM_UTF8 + b"\n".join([GOOD, LAST]),
        "ready",
        ((1, "read.bom"),),
        "Azure asks for one, OpenAI advises against it.",
    ),
    refused("J5 mark inside", codecs.BOM_UTF8 + GOOD, "read.bom", "comes from joining files"),
    no_rows("J6 UTF-16", GOOD.decode().encode("utf-16"), "the text is UTF-16 or UTF-32"),
    no_rows("J6 UTF-16 bare", GOOD.decode().encode("utf-16-be"), "the text is UTF-16 or UTF-32"),
    no_rows("J6 UTF-32", GOOD.decode().encode("utf-32"), "the text is UTF-16 or UTF-32"),
    refused("J6 one line", GOOD.decode().encode("utf-16-le"), "read.utf16", "line 2 is UTF-16"),
    refused("J7 invalid", raw_question(b"\xff"), "read.utf8", "byte 44 of the line is 0xff"),
    refused("J7 overlong", raw_question(b"\xc0\xaf"), "read.utf8", "byte 44 of the line is 0xc0"),
    refused("J7 cut", raw_question(b"\xe2\x82"), "read.utf8", "byte 44 of the line is 0xe2"),
    refused("J8 half a character", raw_question(b"\\ud800"), "read.surrogate", "half a character"),
    refused("J8 in a key", b'{"\\udfff": 1}', "read.surrogate", "half a character"),
    refused("J9 NUL", raw_question(b"a\\u0000b"), "read.nul", "NUL character (U+0000)"),
    refused("J9 raw NUL", raw_question(b"a\0b"), "read.control", "(U+0000) stands in a text"),
    refused("J10 control", raw_question(b"a\x1fb"), "read.control", "(U+001F) stands in a text"),
    refused("J10 tab", raw_question(b"a\tb"), "read.control", "(U+0009) stands in a text"),
    refused("J11 NaN", b'{"messages": NaN}', "read.not_a_number", "NaN is not JSON"),
    refused("J11 ∞", b'{"messages": Infinity}', "read.not_a_number", "Infinity is not JSON"),
    refused("J11 -∞", b'{"messages": -Infinity}', "read.not_a_number", "-Infinity is not JSON"),
    refused("J12 1e999", b'{"messages": 1e999}', "read.number", "The number 1e999 is larger"),
    refused("J13 5,000 digits", b'{"n": %s}' % (b"7" * 5000), "read.number", "5,000 digits"),
    refused("J13 4,000 digits", b'{"n": -%s}' % (b"7" * 4000), "read.number", "4,000 digits"),
    refused("J14 brackets", b"[" * 100_000, "read.depth", "nested deeper than 32"),
    refused("J14 depth 900", b"[" * 900 + b"]" * 900, "read.depth", "nested deeper than 32"),
    refused(
        "J14 depth 33", b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "read.depth", "deeper than 32"
    ),
    refused(
        "J15 key twice",
        b'{"messages": [{"role": "user", "role": "system"}]}',
        "read.duplicate_key",
        'The key "role" stands twice',
    ),
    refused(
        "J15 key twice by escape",
        b'{"a": 1, "\\u0061": 2}',
        "read.duplicate_key",
        'The key "a" stands twice',
    ),
    refused("J16 long line", question("x" * 1_600_000), "read.line_length", "may have 1,500,000"),
    no_rows("J17 many rows", MANY, "after 300 lines, the most a version may have"),
    taken("J18 separators", question("a\u2028b\u2029c\u0085d")),
    taken("J18 escaped", raw_question(b"a\\u000b\\f\\u0085\\u001c")),
    refused("J18 raw VT", raw_question(b"a\x0bb"), "read.control", "(U+000B) stands in a text"),
    refused("J18 raw FF", raw_question(b"a\x0cb"), "read.control", "(U+000C) stands in a text"),
    refused("J19 two objects", GOOD + b" " + GOOD, "read.json", "More text follows the first JSON"),
    refused("J19 trailing comma", b'{"messages": [],}', "read.json", "Not JSON at character 17"),
    refused("J19 comment", GOOD + b" // why", "read.json", "More text follows the first JSON"),
    refused("J19 single quotes", b"{'messages': []}", "read.json", "Not JSON at character 2"),
    refused("J20 list", b"[1]", "read.not_object", "The line is a list, not an object."),
    refused("J20 number", b"7", "read.not_object", "The line is a number, not an object."),
    refused("J20 text", b'"hello"', "read.not_object", "The line is a text, not an object."),
    refused("J20 null", b"null", "read.not_object", "The line is null, not an object."),
    *(
        told(f"J21 {key}", make_line(**{key: {"x": 1}}), "row.unknown_key", f'Remove "{key}", or')
        for key in ("__proto__", "constructor", "__class__", "{0.__class__}", "")
    ),
    told("J21 1 MB key", make_line(**{"k" * 2**20: 1}), "row.unknown_key", "kkkk…"),
    Item(
        "J21 many keys",
        b"\n".join([GOOD, make_line(**dict.fromkeys(map(str, range(100_000)), 0))]),
        "ready",
        ((2, "row.unknown_key"),) * 199,
        '"0" is not a key of a chat row',
    ),
    told("J22 role", user(role="wizard", content="x"), "message.role", '"wizard" is not a role.'),
    told("J22 empty role", user(role="", content="x"), "message.role", '"" is not a role.'),
    told("J22 number as role", user(role=7, content="x"), "message.role", "7 is not a role."),
    told("J22 no role", user(content="x"), "message.role", "The message has no role."),
    told("J22 no content", user(role="user"), "content.missing", "content is missing"),
    told("J22 null", user(role="user", content=None), "content.missing", "content is null"),
    told("J22 no parts", user(role="user", content=[]), "content.empty", "a list without parts"),
    told("J22 nested", user(role="user", content=[[KEYS]]), "content.part", "not an object with"),
    told("J22 object", user(role="user", content=KEYS), "content.type", "content is an object"),
    taken("J23 metadata address", picture({"url": "http://169.254.169.254/latest/meta-data/"})),
    taken("J23 private address", picture({"url": "http://127.0.0.1:PRIVATE/j23.png"})),
    told("J23 file", picture({"url": "file:///etc/passwd"}), "image.url", '"file" is not an'),
    told(
        "J23 data",
        picture({"url": "data:image/png;base64," + "A" * 1_000_000}),
        "image.kind",
        "The image is not a JPEG, PNG or WEBP",
    ),
    no_rows("U11 gzip bomb", gzip.compress(bytes(2**24)), "the file is compressed with gzip"),
    no_rows("U11 two members", gzip.compress(GOOD) * 2, "the file is compressed with gzip"),
    no_rows("U11 cut", gzip.compress(GOOD)[:-9], "the file is compressed with gzip"),
    no_rows("U12 zip", zipped("rows.jsonl"), "the file is a zip archive"),
    no_rows("U12 xlsx", zipped("xl/workbook.xml"), "(an Excel or Word file is one too)"),
    no_rows("U12 parquet", b"PAR1\x15\x04\x15\x10", "the file is a Parquet file"),
    *(
        no_rows(f"U12 pickle {n}", pickle.dumps([KEYS], n), "the file is a Python pickle")
        for n in (2, 3, 4, 5)
    ),
    no_rows("U12 PDF", b"%PDF-1.7\n%\xe2\xe3\n", "the file is a PDF document"),
    no_rows("U12 ELF", b"\x7fELF\x02\x01\x01\0", "the file is a program"),
)  # fmt: skip


# One of each number is looked at on its pages.
SHOWN = {item.name.split()[0]: item.name for item in ITEMS}.values()


def test_j_each_bad_file_is_told_its_own_line_rule_and_words(live, catchers):
    _, private = catchers
    parts = list((live.home / "blobs").glob("*.part"))
    del private.seen[:]
    port = str(private.port).encode()
    items = [one._replace(content=one.content.replace(b"PRIVATE", port)) for one in ITEMS]
    versions = {item.name: sent(live, item.content) for item in items}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LIMITS.items():
            patch.setenv(name, value)
        read(live, *versions.values())
    wrong = {item.name: said for item in items if (said := differing(live, item, versions))}
    assert wrong == {}
    assert private.seen == [], "a picture of a row was asked for"
    assert list((live.home / "blobs").glob("*.part")) == parts
    # Whatever came before, the next file is read as ever.
    after = Item("after", b"\n".join([GOOD, LAST]), "ready", (), "")
    version_id = sent(live, after.content)
    read(live, version_id)
    assert differing(live, after, {"after": version_id}) is None


def sent(live, content, name="rows.jsonl"):
    """The id of the version that came of these bytes."""
    path = live.fill(f"/projects/{{project_id}}/datasets/upload?name={name}&size={len(content)}")
    answer = live.send("PUT", path, headers=live.cookies_of("owner"), body=content)
    assert answer.status == 202, answer.text
    return int(answer.json["location"].rpartition("/")[2])


def read(live, *versions):
    """What a worker does with them, to the end."""
    with live.inside():
        for version_id in versions:
            is_final = False
            while not is_final:
                tasks.check(version_id)
                with read_only() as session:
                    is_final = session.get_one(DatasetVersion, version_id).is_final


def differing(live, item, versions):
    """What is said in place of what is due; None: that alone."""
    page, api = (f"{under}/dataset-versions/{versions[item.name]}" for under in ("", "/api/v1"))
    version, said = live.get(api).json, live.get(f"{api}/findings?limit=200").json["data"]
    found = tuple((one["row"], one["rule"]) for one in said if one["row"] is not None)
    words = " ".join([version["reason"] or "", *(f"{one['reason']} {one['cure']}" for one in said)])
    is_shown = item.name not in SHOWN or {
        live.get(f"{page}{tab}").status for tab in ("", "/rows", "/findings")
    } == {200}
    if (version["status"], found) == (item.status, item.found) and item.words in words and is_shown:
        return None
    return version["status"], found, is_shown, words[:200]


INERT = {
    "J24 image": "<img src=x onerror=alert(1)>",
    "J24 script": "<script>alert(1)</script><svg onload=alert(1)>",
    "J24 link": "[x](javascript:alert(1)) javascript:alert(1)",
    "J25 htmx": '<div hx-get="/logout" hx-trigger="load"><a data-hx-post="/projects/1/delete">',
    "J25 event": '<b hx-on::load=alert(1)><meta name="htmx-config" content="{}">',
    "J25 form": "<form action=//evil><base href=//evil></textarea><script>alert(1)</script>",
    "J26 templates": "{{7*7}} {% raw %} ${7*7} %s%n {0.__class__}",
    "J27 formulas": '=HYPERLINK("http://evil.example","x")',
    "J27 command": "+cmd|'/c calc'!A1",
    "J27 others": "@SUM(1) -2+3 \t=1 \r=1",
    "J28 direction": "\u202egnp.exe\u202c \u200b\u200d שלום",
    "J28 marks": "e" + "\u0301" * 10_000 + " 👩\u200d👩\u200d👧",
    "J29 terminal": "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
    "J30 interface": "Ready to train on.\nSign in again: https://evil.example/login",
    "J30 log": '\n{"level": "info", "event": "user.signed_in", "user": 1}\n',
}


def test_j_what_is_only_text_comes_back_as_it_was_and_does_nothing(live):
    rows = [make_line({**USER, "content": text}, ANSWER) for text in INERT.values()]
    version_id = sent(live, b"\n".join(rows), name="%1b[2J%0aevent.jsonl")
    read(live, version_id)
    page, api = f"/dataset-versions/{version_id}", f"/api/v1/dataset-versions/{version_id}"
    shown = live.get(f"{api}/examples").json["data"]
    assert [one["example"]["messages"][0]["content"] for one in shown] == list(INERT.values())
    assert [one["row"] for one in live.get(f"{api}/findings").json["data"] if one["row"]] == []
    for name, text in INERT.items():
        line = list(INERT).index(name) + 1
        answer = live.get(f"{page}/rows?row={line}")
        assert answer.status == 200
        assert len(answer.body) < 1_000_000, name
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        if "<" in text:
            assert text not in answer.text, name
            assert text in unescape(answer.text), name
    assert ">49<" not in answer.text
    assert "\x1b" not in live.program.output
    assert "user.signed_in" not in live.program.output
