"""Full-text search: what is found, where it stands, page by page, in every format and script."""

import json
from contextlib import closing

import pytest

from app.core.errors import WrongInput
from app.core.keyset import Place
from app.core.listing import Asked
from app.datasets.checks.deep import rows
from app.datasets.derived.base import Making
from app.datasets.derived.slices import derive_slice, derived_path
from app.datasets.index import connect_finished
from app.datasets.search import finding, making
from app.datasets.search.excerpts import excerpts
from app.datasets.search.finding import FOUND, Search
from app.datasets.search.making import SearchFile
from app.datasets.search.words import question_of
from app.formats.registry import FORMATS
from tests.datasets.making import check
from tests.formats.rows import CALL, TOOL, USER, make_line

ANSWER = {"role": "assistant", "content": "Sure."}
SYSTEM = {"role": "system", "content": "You are a friendly clerk."}
SAID = (
    "Where is my REFUND for the blue card?",
    "Where is my card? It is not blue.",
    "Wo bleibt die Rückerstattung für das Café?",
    "私は東京に住んでいます",
    "ฉันอยากคืนเงิน",
    "don't 'quote' me: \"ever\" NEAR AND {user}",
)
ROWS = (
    *(make_line(SYSTEM, {**USER, "content": text}, ANSWER) for text in SAID),
    b"not a row",
    make_line(USER, {"role": "assistant", "tool_calls": [{**CALL, "function": {
        "name": "find", "arguments": '{"city": "Lisbon"}'}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "A refund of 12 euro"}, ANSWER,
        tools=[TOOL]),
    make_line(USER, ANSWER, {**USER, "content": "blue"}, {**ANSWER, "content": "card"}),
)  # fmt: skip


class Made:
    """A checked version whose words are taken up."""

    def __init__(self, folder, lines, seconds=60.0):
        self.checked = check(folder, lines)
        self.slices = 0
        far = Making()
        while not far.is_done:
            far = derive_slice(
                SearchFile(), self.checked.blob, self.checked.path, far,
                seconds=seconds, alive=lambda: None,
            )  # fmt: skip
            self.slices += 1
        self.path = derived_path(self.checked.path, SearchFile())

    def lines(self, typed, role=None):
        """The lines of all rows that answer, in one page; and in pages of two, both ways."""
        question = question_of(typed, role)
        with Search(self.path, question) as search, self.checked.index() as index:
            whole = search.page(asked(), limit=200)
            assert walked(search, len(whole.ids)) == whole.ids
            assert search.place(whole, is_down=False).total == len(whole.ids)
            return [row.line for row in index.rows_at(whole.ids)]


def asked(**where):
    return Asked(FOUND, FOUND.column("row"), is_down=where.pop("is_down", False), **where)


def walked(search, most):
    """The same numbers page by page, and each page again from behind."""
    found, after = [], None
    while True:
        page = search.page(asked(after=after), limit=2)
        if not page.ids:
            return found
        assert search.place(page, is_down=False).first == len(found) + 1
        found += page.ids
        assert len(found) <= most
        if page.has_later:
            behind = search.page(asked(after=page.ids[-1]), limit=1)
            before = search.page(asked(before=behind.ids[0]), limit=2)
            assert (before.ids, before.has_earlier) == (page.ids, page.has_earlier)
        after = page.ids[-1]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("search"), ROWS)


@pytest.mark.parametrize(
    ("typed", "role", "lines"),
    [
        ("refund", None, [1, 8]),
        ("REFUND   where", None, [1, 8]),
        ("blue card", None, [1, 2, 9]),
        ('"blue card"', None, [1]),
        ('"blue card', None, [1]),
        ("blue -refund", None, [2, 9]),
        ('card -"blue card" -lisbon', None, [2, 9]),
        ("ruckerstattung cafe", None, [3]),
        ("Rück*", None, [3]),
        ("rück", None, []),
        ("refund", "user", [1]),
        ("refund", "tool", [8]),
        ("lisbon", "call", [8]),
        ("lisbon", "user", []),
        ("card", "assistant", [9]),
        ("friendly", "system", [1, 2, 3, 4, 5, 6]),
        ("東京", None, [4]),
        ("京東", None, []),
        ("คืนเงิน", None, [5]),
        ("don't", None, [6]),
        ("AND", None, [6]),
        ("near {user}", None, [6]),
        ("row", None, []),
    ],
)
def test_what_is_typed_finds_its_rows(made, typed, role, lines):
    assert made.lines(typed, role) == lines


@pytest.mark.parametrize("typed", ["", "  ", "++", '"', "-refund", '-"a b"', "ab*", "a* b"])
def test_what_cannot_be_looked_for_is_told(typed):
    with pytest.raises(WrongInput, match=r"Nothing to look for|letters before the star"):
        question_of(typed)


@pytest.mark.parametrize(
    "typed",
    ['a"b', "a*b", "(a", "a)", "a:b", "texts:a", "^a", "a NEAR/2 b", "a\\b", "a'", "a--b *x"],
)
def test_nothing_that_is_typed_is_a_command(made, typed):
    made.lines(typed)


def test_what_takes_long_to_count_is_not_counted(made, monkeypatch):
    monkeypatch.setattr(finding, "COUNTING_SECONDS", -1)
    with Search(made.path, question_of("card")) as search:
        page = search.page(asked(), limit=2)
        assert search.place(page, is_down=False) == Place(0, None, counted=2)
        everything = search.page(asked(), limit=200)
        assert search.place(everything, is_down=False) == Place(1, len(everything.ids))


def marked(found):
    """The excerpts of a row, what was looked for in brackets."""
    return [
        (one.role, one.field,
         "".join(f"[{piece.text}]" if piece.is_match else piece.text for piece in one.pieces))
        for one in found
    ]  # fmt: skip


def test_excerpts_say_where_the_words_stand():
    lines = [ROWS[0], ROWS[3], None, ROWS[7]]
    one, other, long, calls = (
        marked(found)
        for found in excerpts(FORMATS["chat"], lines, question_of('refund "blue card"'))
    )
    where = "Where is my [REFUND] for the [blue card]?"
    assert one == [("user", "messages[1].content", where)]
    assert (other, long) == ([], [])
    assert calls == [("tool", "messages[2].content", "A [refund] of 12 euro")]
    (found,) = excerpts(FORMATS["chat"], [ROWS[3]], question_of("東京"))
    assert marked(found) == [("user", "messages[1].content", "私は[東京]に住んでいます")]


def test_an_excerpt_is_short_and_of_the_role_that_was_asked_for():
    text = f"{'before ' * 500}needle\x02{' after' * 500}"
    messages = ({**USER, "content": text}, {**ANSWER, "content": "No needle here."})
    (both,) = excerpts(FORMATS["chat"], [make_line(*messages)], question_of("needle"))
    assert [one.role for one in both] == ["user", "assistant"]
    said = "".join(piece.text for piece in both[0].pieces)
    assert len(said) < 300
    assert said.startswith("…before")
    assert [piece.text for piece in both[0].pieces if piece.is_match] == ["needle"]
    (answers,) = excerpts(
        FORMATS["chat"], [make_line(*messages)], question_of("needle", "assistant")
    )
    assert [one.role for one in answers] == ["assistant"]


def test_the_words_are_taken_up_slice_by_slice_to_the_same_end(tmp_path, made, monkeypatch):
    monkeypatch.setattr(rows, "_BATCH_BYTES", 1)
    monkeypatch.setattr(making, "VOLUME", 2)
    torn = Made(tmp_path, ROWS, seconds=0)
    assert torn.slices > len(ROWS) - 2
    with closing(connect_finished(torn.path)) as file:
        assert file.execute("SELECT * FROM volumes").fetchall() == [(0, 1), (1, 3), (2, 5), (3, 8)]
    for typed in ("refund", "card", "where", '"blue card"', "refund whe*", "car* -cafe"):
        assert torn.lines(typed) == made.lines(typed)


@pytest.mark.parametrize("is_down", [False, True])
def test_what_takes_long_to_look_for_is_looked_for_page_by_page(
    tmp_path, made, monkeypatch, is_down
):
    monkeypatch.setattr(rows, "_BATCH_BYTES", 1)
    monkeypatch.setattr(making, "VOLUME", 2)
    monkeypatch.setattr(finding, "LOOKING_SECONDS", -1)
    monkeypatch.setattr(finding, "COUNTING_SECONDS", -1)
    torn = Made(tmp_path, ROWS)
    with Search(torn.path, question_of("card")) as search:
        pages = [search.page(asked(is_down=is_down), limit=5)]
        for _ in range(3):
            pages.append(search.page(asked(after=pages[-1].after, is_down=is_down), limit=5))
        stretches = [[1, 2], [], [], [8, 9]]
        assert [page.ids for page in pages] == (
            [one[::-1] for one in stretches[::-1]] if is_down else stretches
        )
        assert search.place(pages[1], is_down=is_down).total is None
        assert pages[-1].after is None
        back = [pages[-1]]
        for _ in range(3):
            back.append(search.page(asked(before=back[-1].before, is_down=is_down), limit=5))
        assert [page.ids for page in back[::-1]] == [page.ids for page in pages]


def test_every_format_is_searched_by_its_texts(tmp_path):
    pair = {
        "input": {"messages": [USER]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{**ANSWER, "content": "lost_card"}],
    }
    lines = [json.dumps({**pair, "input": {"messages": [{**USER, "content": f"Q{n}"}]}}).encode()
             for n in range(12)]  # fmt: skip
    made = Made(tmp_path, lines)
    assert made.lines("q3") == [4]
    assert len(made.lines("lost", "rejected")) == 12
    assert made.lines("lost", "assistant") == []
