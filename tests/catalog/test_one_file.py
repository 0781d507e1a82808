"""The days stand in one file: the table of the docs is made from it, and nothing else names one."""

import re
import tomllib
from datetime import date

import pytest

from app.catalog.deadlines import BOOK, read_book
from app.catalog.deadlines_table import PAGE, with_table
from app.settings import ROOT

PLACES = ("app", "templates", "docs", "static", "examples")
KINDS = {".py", ".html", ".md", ".toml", ".js", ".css", ".txt"}
MONTHS = "January February March April May June July August September October November December"
MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS.split())
SPELLINGS = (
    (re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b"), "y m d"),
    (re.compile(r"\b(?:date|datetime)\((20\d\d), (\d+), (\d+)\b"), "y m d"),
    (re.compile(rf"\b(\d\d?)\.? ({MONTH}),? (20\d\d)\b"), "d m y"),
    (re.compile(rf"\b({MONTH}) (\d\d?),? (20\d\d)\b"), "m d y"),
)
FIRST, LAST = date(2026, 10, 1), date(2027, 10, 31)


def days_in(line):
    for spelling, order in SPELLINGS:
        for found in spelling.finditer(line):
            parts = dict(zip(order.split(), found.groups(), strict=True))
            month = parts["m"] if parts["m"].isdigit() else 1 + _month(parts["m"])
            try:
                yield date(int(parts["y"]), int(month), int(parts["d"]))
            except ValueError:
                continue


def _month(name):
    return next(n for n, one in enumerate(MONTHS.split()) if one.startswith(name))


def files():
    yield ROOT / "README.md"
    yield ROOT / "Makefile"
    for place in PLACES:
        for path in (ROOT / place).rglob("*"):
            if path.suffix in KINDS and "vendor" not in path.parts and path not in (BOOK, PAGE):
                yield path


def test_no_other_file_names_a_day_on_which_something_stops():
    days = {one.day for one in read_book()}
    named = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in files()
        for line in path.read_text().splitlines()
        # When something was read is no day on which anything stops.
        if "read_on" not in line
        and any(day in days or FIRST <= day <= LAST for day in days_in(line))
    ]
    assert named == []


@pytest.mark.parametrize(
    "line",
    [
        "stops 2027-01-14.",
        "on 14 January 2027",
        "January 14, 2027",
        "14 Jan 2027",
        "date(2027, 1, 14)",
    ],
)
def test_a_day_is_found_however_it_is_spelt(line):
    assert list(days_in(line)) == [date(2027, 1, 14)]


def test_the_table_of_the_docs_is_what_the_file_says():
    page = PAGE.read_text()
    assert page == with_table(page), "Run `make deadlines`: docs/deadlines.md is old."


def test_the_file_has_a_version_and_names_known_platforms():
    content = tomllib.loads(BOOK.read_text())
    assert content["version"] >= 2
    assert {one["profile"] for one in content["deadline"]} == {"openai", "azure"}
