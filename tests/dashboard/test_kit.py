"""The kit is shown whole: what the style sheet knows stands on /kit, and what is gone is gone."""

import re

import pytest

from app.settings import ROOT, settings

CSS = ROOT / "static" / "css" / "kit.css"
# What a page wears only while something happens to it, or what a library wears.
IN_PASSING = {
    "htmx-request": "htmx asks",
    "drop--over": "a file is held above",
    "drop--busy": "a file is on its way",
    "only-if--version": "shown for another choice",
    "only-if--split": "shown for another choice",
    "mono": "code is set so by itself",
    "uplot": "the chart's library",
    "u-hz": "the chart's library",
    "u-wrap": "the chart's library",
    "u-under": "the chart's library",
    "u-over": "the chart's library",
    "u-cursor-x": "the chart's library",
}
CLASS = re.compile(r"\.(-?[_a-zA-Z][\w-]*)")


def styled():
    """Every class the style sheet speaks of."""
    text = re.sub(r"/\*.*?\*/", "", CSS.read_text(), flags=re.DOTALL)
    selectors = re.findall(r"([^{}]+)\{", text)
    return {name for one in selectors if "@" not in one for name in CLASS.findall(one)}


def worn(page):
    return {name for names in re.findall(r'class="([^"]*)"', page) for name in names.split()}


@pytest.fixture
def kit(team, browser, monkeypatch):
    monkeypatch.setenv("LUTHIER_DEBUG", "1")
    settings.cache_clear()
    answer = browser(team.users["owner"]).get("/kit")
    assert answer.status_code == 200
    return answer.text


def test_every_class_of_the_kit_is_shown_on_its_page(kit):
    missing = styled() - worn(kit) - IN_PASSING.keys()
    assert not missing, f"Show them in templates/kit.html, or remove them: {sorted(missing)}"


def test_the_list_of_passing_classes_names_none_that_is_gone():
    assert styled() >= IN_PASSING.keys()


def test_every_macro_of_the_kit_is_called_on_its_page():
    page = (ROOT / "templates" / "kit.html").read_text()
    files = (ROOT / "templates" / "ui").glob("*.html")
    macros = {name for one in files for name in re.findall(r"{% macro (\w+)\(", one.read_text())}
    # Drawn inside others, or words without a look of their own.
    inside = {"error", "short_hash", "day", "finding_rows", "csrf_field", "count", "turn"}
    inside |= {"talk", "rowcards", "row_of", "body", "carried", "foot", "selection"}
    inside |= {"answers", "fields"}
    unseen = {name for name in macros if not re.search(rf"\b{name}\(", page)}
    assert {name for name in unseen if not name.startswith("_")} <= inside
