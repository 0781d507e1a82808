"""What came home is read a page at a time, from any byte of it."""

import pytest

from app.rescue.pages.reading import MOST_ROWS, PAGE_BYTES, WHOLE_BYTES, read_at


@pytest.fixture
def reads(tmp_path):
    """Read the page of some bytes that begins at a byte."""
    path = tmp_path / "blob"

    def read(content, start=0, *, is_one_object=False):
        path.write_bytes(content)
        return read_at(path, start, is_one_object=is_one_object)

    return read


def forward(reads, content):
    """Every page from the first on."""
    pages, start = [], 0
    while start is not None:
        pages.append(reads(content, start))
        start = pages[-1].later
    return pages


def test_one_object_is_laid_out_word_for_word(reads):
    found = reads(
        b'{"a":1.0e5,"a":"\\u00fc","n":123456789012345678901234567890}', is_one_object=True
    )
    assert found.pieces == (
        '{\n  "a": 1.0e5,\n  "a": "\\u00fc",\n  "n": 123456789012345678901234567890\n}',
    )
    assert (found.earlier, found.later) == (None, None)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": ',
        b"[1, 2",
        b'{"a": "\\ud800"}',
        b"[" * 60_000,
        b'["' + b'\\"]' * 9 + b'", ' + b"[" * 99,
    ],
)
def test_what_cannot_be_laid_out_is_shown_as_it_came(reads, line):
    assert reads(line, is_one_object=True).pieces == (line.decode(),)


def test_brackets_in_strings_hide_no_depth(reads):
    deep = b'["' + b"]" * 100 + b'", ' + b"[" * 40 + b"]" * 41
    assert reads(deep, is_one_object=True).pieces == (deep.decode(),)


def test_each_row_is_a_piece_and_nothing_is_lost_between_pages(reads):
    lines = [b'{"n":%d,"text":"%s"}' % (n, b"x" * (n % 3000)) for n in range(400)]
    pages = forward(reads, b"\n".join(lines) + b"\n")
    shown = [piece for page in pages for piece in page.pieces]
    assert shown[7] == '{\n  "n": 7,\n  "text": "xxxxxxx"\n}'
    assert len(shown) == 400
    assert all(len(page.pieces) <= MOST_ROWS for page in pages)


@pytest.mark.parametrize("beginning", [b"step,loss\n", b"{}\n"])
def test_the_page_before_begins_at_a_line_and_leaves_no_gap(reads, beginning):
    content = beginning + b"".join(b"%d %s\n" % (n, b"y" * (n % 2000)) for n in range(1_000))
    page = forward(reads, content)[-1]
    while page.earlier is not None:
        assert page.first == 0 or content[page.first - 1 : page.first] == b"\n"
        before = reads(content, page.earlier)
        assert before.first < page.first <= before.last
        page = before
    assert page.first == 0


def test_a_line_longer_than_a_page_is_cut_between_characters(reads):
    content = ("ü€😀" * 40_000).encode()
    pages = forward(reads, content)
    assert "".join(piece for page in pages for piece in page.pieces) == content.decode()
    assert all(page.last - page.first <= PAGE_BYTES for page in pages)
    assert "�" not in reads(content, pages[-1].earlier).pieces[0]


def test_a_large_object_is_read_by_pages_too(reads):
    content = b'{"a":"' + b"x" * WHOLE_BYTES + b'"}'
    found = reads(content, is_one_object=True)
    assert found.later == PAGE_BYTES


@pytest.mark.parametrize("start", [-1, 6, 10**15])
def test_a_place_outside_is_the_beginning(reads, start):
    assert reads(b"a\nb\n", start).pieces == ("a\nb",)
    assert reads(b"[]\n{}\n", start).pieces == ("[]", "{}")


def test_bytes_that_are_no_text_are_not_shown(reads):
    assert reads(b"\x89PNG\r\n\x1a\n\0\0\0").is_binary
    assert reads(b"caf\xe9").pieces == ("caf�",)


def test_an_empty_file_has_no_lines(reads):
    found = reads(b"")
    assert (found.pieces, found.size, found.later) == ((), 0, None)
