"""Texts from strangers, read as JSON or YAML within bounds."""

import pytest

from app.evaluations.imports.base import NotImportable
from app.evaluations.imports.documents import MOST_YAML, read_document


def test_yaml_is_read_as_version_1_2():
    text = b"a: yes\nb: 12:30\nc: 2026-11-28\nd: 007\ne: 1e3\nf: ~\ng: true\nh: 0x1f\n1: on\n"
    assert read_document(text) == {
        "a": "yes", "b": "12:30", "c": "2026-11-28", "d": "007", "e": 1000.0, "f": None, "g": True,
        "h": "0x1f", "1": "on",
    }  # fmt: skip


def test_json_lines_are_a_list_and_a_byte_order_mark_is_passed_over():
    assert read_document(b'\xef\xbb\xbf{"a": 1}\n\n{"b": 2}\n') == [{"a": 1}, {"b": 2}]
    assert read_document(b'[1, {"a": "\\u00e9"}]') == [1, {"a": "é"}]


def test_merge_keys_and_a_few_aliases_are_fine():
    assert read_document(b"x: &x {a: 1}\ny: {<<: *x, b: 2}\nz: *x\n")["y"] == {"a": 1, "b": 2}


def laughs():
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"  \n", "nothing in it"),
        (laughs(), "At most 1,000,000 values"),
        (b"a: &a [*a]", "levels deep"),
        (b"[" * 100_000, "levels deep"),
        (b"{" + b'"a":{' * 5_000, "levels deep"),
        (b"- " * 5_000, "levels deep"),
        (b"a: !!python/object/apply:os.system ['true']", "neither JSON nor YAML"),
        (b"a: [1", "neither JSON nor YAML in line"),
        (b"- x\n" * MOST_YAML, "YAML may have"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b"a: .inf\nb: !!float .nan", "value that JSON has not|neither"),
        (b"\xff\xfe\x00", "neither JSON nor YAML"),
        (b"a: !!binary aGk=", "value that JSON has not"),
        (b"? [1, 2]\n: x", "neither JSON nor YAML"),
    ],
)
def test_what_is_none_or_too_much_is_refused_in_words(text, words):
    with pytest.raises(NotImportable, match=words):
        read_document(text)
