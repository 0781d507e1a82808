"""Rows that say the same in other words, or ask the same and are answered otherwise."""

import random
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from app.datasets.checks.deep import duplicates
from app.datasets.checks.deep.alike import Groups, likely_pairs
from app.datasets.checks.deep.passing import Checks
from app.datasets.checks.deep.sketches import Sketching, column
from app.datasets.checks.deep.words import in_order, words_of
from app.datasets.derived.base import Making
from app.datasets.derived.slices import derive_slice
from tests.datasets.making import check, derive, looked_deep
from tests.formats.rows import make_line

WORDS = [f"{first}{second}" for first in ("ka", "lo", "mi", "nu", "pe") for second in "bdfgklmn"]
TEXTS = some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


def said(asked, answer, **more):
    return make_line(
        {"role": "user", "content": asked}, {"role": "assistant", "content": answer, **more}
    )


def numbers(text):
    return words_of([text]).numbers.tolist()


def prose(seed, length=40):
    draw = random.Random(seed)  # noqa: S311 - words that only look random
    return [draw.choice(WORDS) for _ in range(length)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my card?", "  where\n\tIS my CARD ?"),
        ("STRASSE 5", "straße 5"),
        ("ｆｕｌｌ width", "full width"),
        ("“Yes” … no", "“yes” … NO"),
        ("我的卡在哪里。", "我 的 卡 在哪里 。"),
        ("", " \n "),
    ],
)
def test_case_and_spaces_do_not_count(one, other):
    assert numbers(one) == numbers(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3 - 4", "3 + 4"),
        ("now here", "nowhere"),
        ("a b", "b a"),
        ("ab", "ba"),
        ("我的卡", "我的书"),
        ("Yes.", "Yes!"),
        ("a b", "a b b"),
    ],
)
def test_words_marks_and_their_order_do(one, other):
    texts = words_of([one, other])
    first, second = in_order(texts.numbers, texts.bounds[:-1], texts.bounds[1:])
    assert first != second


@settings(deadline=None)
@given(some.lists(TEXTS, max_size=6))
def test_a_text_has_its_words_wherever_it_stands(texts):
    together = words_of(texts)
    assert len(together.bounds) == len(texts) + 1
    for at, text in enumerate(texts):
        alone = together.numbers[together.bounds[at] : together.bounds[at + 1]]
        assert alone.tolist() == numbers(text)
    told = in_order(together.numbers, together.bounds[:-1], together.bounds[1:]).tolist()
    for at, text in enumerate(texts):
        alone = words_of([text])
        assert in_order(alone.numbers, alone.bounds[:-1], alone.bounds[1:]).tolist() == [told[at]]


def test_copies_in_other_writing_and_near_ones_are_found_and_others_are_not(tmp_path):
    rows, expected = [], set()
    for number in range(120):
        words = prose(number)
        rows.append(said("Tell me.", " ".join(words)))
        if number % 4 == 0:
            rows.append(said("TELL me.", "  ".join(words).title()))
            expected.add((len(rows), "duplicate.normalised"))
        if number % 4 == 1:
            words[number % 40] = "otherwise"
            rows.append(said("Tell me.", " ".join(words)))
            expected.add((len(rows), "duplicate.near"))
    found = [one for one in looked_deep(check(tmp_path, rows)) if one[1].startswith("duplicate")]
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_what_differs_in_more_than_its_texts_is_no_copy(tmp_path):
    def picture(url):
        image = {"type": "image_url", "image_url": {"url": f"https://example.com/{url}.png"}}
        asked = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}
        return make_line(asked, {"role": "assistant", "content": " ".join(prose(1))})

    long = " ".join(prose(2))
    rows = [
        picture("one"),
        picture("two"),
        said("And?", "yes", weight=1),
        said("AND?", "yes"),
        said("Go on.", long),
        said("Go on.", long.upper()),
    ]
    assert looked_deep(check(tmp_path, rows)) == [(6, "duplicate.normalised")]


def test_clusters_hold_equal_and_near_rows_the_largest_first(tmp_path):
    words = prose(3)
    near = [*words[:-1], "otherwise"]
    rows = [
        said("A?", "a"),
        said("Tell.", " ".join(words)),
        said("A?", "a"),
        said("Tell.", " ".join(words).upper()),
        said("Tell.", " ".join(near)),
        said("B?", "b"),
    ]
    with closing(derive(check(tmp_path, rows), Checks())) as made:
        clusters = made.execute("SELECT id, kind, rows FROM clusters ORDER BY id").fetchall()
        members = made.execute("SELECT cluster, n FROM cluster_rows").fetchall()
    assert clusters == [(1, "near", 3), (2, "same", 2)]
    assert members == [(1, 2), (1, 4), (1, 5), (2, 1), (2, 3)]


def test_rows_beyond_the_most_that_are_compared_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_COMPARED", 1)
    rows = [said(f"Q{seed}", " ".join(prose(seed) * 300)) for seed in range(24)]
    assert (None, "rows.not_compared") in looked_deep(check(tmp_path, rows))


def test_the_lease_is_kept_while_many_near_copies_are_proved(tmp_path, monkeypatch):
    monkeypatch.setattr(duplicates, "_TOGETHER", 10)
    texts = [prose(seed) for seed in range(60)]
    rows = [said("Q", " ".join(text)) for words in texts for text in (words, [*words, "more"])]
    checked, deriver, kept = check(tmp_path, rows), Checks((Sketching, duplicates.Duplicates)), []
    making = Making()
    while not making.is_done:
        making = derive_slice(
            deriver, checked.blob, checked.path, making, seconds=9, alive=lambda: kept.append(1)
        )
    assert len(kept) > 12  # not for each of the twelve bands alone


def test_one_question_with_two_answers_is_a_warning_where_they_are_short(tmp_path):
    rows = [
        said("Is it late?", "yes"),
        said("is it  LATE?", "no"),
        said("Is it late?", "YES"),
        said("Tell me of it.", " ".join(prose(4))),
        said("Tell me of it.", " ".join(prose(5))),
        said("Is it late, though?", "no"),
    ]
    found = looked_deep(check(tmp_path, rows))
    assert found == [
        (2, "answer.contradicts"),
        (3, "duplicate.normalised"),
        (5, "answer.differs"),
    ]


def test_rows_of_one_template_are_not_all_compared_with_each_other(tmp_path):
    frame = " ".join(prose(6, 12))
    rows = [said(f"{frame} {' '.join(prose(seed, 30))}", "ok") for seed in range(300)]
    rows += [said(f"{frame} {' '.join([*prose(7, 29), 'otherwise'])}", "ok")]
    assert looked_deep(check(tmp_path, rows)) == [(301, "duplicate.near")]


def test_a_long_form_around_few_words_makes_no_row_a_copy(tmp_path):
    frame = " ".join(prose(6, 120))
    rows = [said(f"{frame} {' '.join(prose(seed, 14))}", "ok") for seed in range(60)]
    assert looked_deep(check(tmp_path, rows)) == []


def test_rows_that_agree_with_the_second_of_a_crowd_are_found_too():
    sketches = np.random.default_rng(1).integers(0, 256, (3, 48), dtype=np.uint8)
    sketches[:, :4] = 7
    sketches[2] = sketches[1]
    assert likely_pairs(np.arange(3), sketches, band=0).tolist() == [[2, 1]]


def test_of_very_many_rows_only_the_sketches_that_are_compared_are_read():
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(Sketching.schema)
        for first in (1, 3, 5):
            pair = np.array([first, first + 1]).tobytes()
            connection.execute("INSERT INTO sketches(first, n) VALUES(?, ?)", (first, pair))
        assert column(connection, "n", 3).tolist() == [1, 2, 3, 4]
        assert len(column(connection, "n")) == 6


def test_groups_are_known_by_their_first_row():
    groups = Groups(6)
    for pair in ((5, 4), (3, 5), (1, 0)):
        groups.join(*pair)
    assert groups.settle().tolist() == [0, 0, 2, 3, 3, 3]
