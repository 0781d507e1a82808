"""How values are shown, and how forms are read."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from app.core import pages
from app.core.errors import WrongInput
from app.core.forms import Form, explain, validated


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        (pages.number(1234567), "1,234,567"),
        (pages.number(None), "unknown"),
        (pages.number(0.25), "0.25"),
        (pages.size(1), "1 byte"),
        (pages.size(999), "999 bytes"),
        (pages.size(2_900_000), "2.9 MB"),
        (pages.size(64 * 2**30), "68.7 GB"),
        (pages.size(10**15), "1.0 PB"),
        (pages.size(None), "unknown"),
        (pages.duration(0.2), "1 s"),
        (pages.duration(59.5), "1 min"),
        (pages.duration(4_800), "1 h 20 min"),
        (pages.duration(3_600), "1 h"),
        (pages.duration(86_400), "1 day"),
        (pages.duration(None), "unknown"),
        (pages.loss(None), "none yet"),
        (pages.loss(0.12345), "0.123"),
        (pages.loss(12.345), "12.3"),
        (pages.loss(0.00034), "0.00034"),
        (pages.loss(0.0), "0.000"),
        (pages.percent(0.9213), "92.1 %"),
        (pages.money(None), "unknown"),
        (pages.money(0), "$0.00"),
        (pages.money(10.4), "$10.40"),
        (pages.money(0.0012), "$0.0012"),
        (pages.short_hash("4f1c" + "0" * 56 + "a09e"), "4f1c…a09e"),
    ],
)
def test_values_are_shown_as_people_say_them(shown, value):
    assert shown == value


def test_a_moment_is_utc_inside_a_time_element():
    moment = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
    shown = pages.when(moment)
    assert 'datetime="2026-11-22T09:05:00.000+00:00"' in shown
    assert "22 November 2026, 09:05 UTC" in shown
    assert '"><' in pages.when(moment, '"><') or "&#34;" in pages.when(moment, '"><')
    assert "<x" not in pages.when(moment, "<x")


@pytest.mark.parametrize("path", ["/", "/a/b?c=d#e", "/jobs/1"])
def test_a_path_of_this_site_is_local(path):
    assert pages.is_local_path(path)


@pytest.mark.parametrize(
    "path", ["", "a", "//x", "/\\x", "http://x", "/a\\b", "/\n", "/a\x00", "\\/x", "///x"]
)
def test_everything_else_is_not(path):
    assert not pages.is_local_path(path)


class Sample(Form):
    name: str
    count: int = 1


def test_a_form_is_explained_by_field():
    with pytest.raises(WrongInput) as told:
        validated(Sample, {"count": "x", "more": 1})
    assert dict(told.value.errors) == {
        "name": "This is needed.",
        "count": "A whole number is needed.",
        "more": "There is no such field.",
    }
    assert validated(Sample, {"name": "  x "}).name == "x"


def test_one_message_a_field():
    with pytest.raises(ValidationError) as error:
        Sample.model_validate({})
    assert [item.field for item in explain(error.value.errors())] == ["name"]
