"""Tables: columns known by name, records as chat rows; lists read element by element."""

import json
from io import StringIO

import pytest

from app.formats.arrays import elements
from app.formats.base import Unreadable
from app.formats.tables import Columns, chat_row, guess


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["question", "answer"], Columns("question", "answer")),
        (["text", "category"], Columns("text", "category")),
        (["id", "Text ", "LABEL"], Columns("Text ", "LABEL")),
        (["prompt", "completion"], Columns("prompt", "completion")),
        (["instruction", "input", "output"], Columns("instruction", "output", context="input")),
        (["instruction", "context", "response"], Columns("instruction", "response", "context")),
        (
            ["system_prompt", "question", "response"],
            Columns("question", "response", system="system_prompt"),
        ),
        (["input", "output"], Columns("input", "output")),
        (["a", "b"], None),
        (["question"], None),
        ([], None),
    ],
)
def test_columns_are_known_by_their_names(names, columns):
    assert guess(names) == columns


def test_a_record_becomes_a_conversation():
    record = {"q": "Who?", "a": 42, "about": "Lutes", "sys": "Be short."}
    columns = Columns("q", "a", context="about", system="sys")
    assert chat_row(record, columns) == {
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": "Who?\n\nLutes"},
            {"role": "assistant", "content": "42"},
        ]
    }
    own = chat_row({"q": None, "sys": "Be short."}, Columns("q", "a", prompt="Mine.", system="sys"))
    assert [message["content"] for message in own["messages"]] == ["Mine.", "", ""]


ROWS = [{"a": 1, "b": "]},[{\\"}, {"ü": [1, {"x": []}]}, {}, 12345, "text", None]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("limit", [64, 64 * 7, 2**20])
def test_a_list_is_read_element_by_element_however_it_is_cut(indent, limit):
    text = f" {json.dumps(ROWS * 9, ensure_ascii=False, indent=indent)}\n"
    pieces = StringIO(text)

    def read(size: int) -> str:
        return pieces.read(min(size, limit // 64))  # never more than was asked for

    assert list(elements(read, limit)) == ROWS * 9
    assert list(elements(StringIO("[ ]").read, limit)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "not a list"),
        ("", "not a list"),
        ("[1 2]", "After element 1 of the list stands no comma."),
        ("[1, {]", "Element 2 of the list is not JSON"),
        ("[1, ", "Element 2 of the list is not JSON"),
        ("[1", "After element 1 of the list stands no comma."),
        ("[1] x", "more text follows"),
        ('[{"a": 1, "a": 2}]', 'Element 1 of the list: The key "a" stands twice'),
        ("[NaN]", "Element 1 of the list: NaN is not JSON"),
        ('["%s"]' % ("x" * 3000), "Element 1 of the list is too long"),
        ("[" * 5000, "Element 1 of the list: Lists and objects are nested deeper than 32."),
    ],
)
def test_what_breaks_a_list_is_said(text, said):
    with pytest.raises(Unreadable) as error:
        pieces = StringIO(text)
        list(elements(lambda size: pieces.read(min(size, 64)), 1024))
    assert said in error.value.finding.reason
