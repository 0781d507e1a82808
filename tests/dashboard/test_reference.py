"""The API's page holds the whole description, and what it calls is what there is."""

import html
import re

import pytest

from tests.stage import one_database

pytestmark = one_database


@pytest.fixture
def described(client):
    return client.get("/api/openapi.json").json()


@pytest.fixture
def page(client):
    return client.get("/api/docs").text


def test_every_operation_and_every_shape_stands_on_the_page(described, page):
    shown = html.unescape(re.sub(r"<wbr>|<[^>]+>", "", page))
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert re.search(
                rf"{method.upper()}\s*{re.escape(path.removeprefix('/api/v1'))}", shown
            )
            assert operation["description"].split(".")[0].split("\n")[0].replace("`", "") in shown
    for name, schema in described["components"]["schemas"].items():
        is_shape = "properties" in schema and not name.startswith("Listing_")
        assert is_shape == (f'id="shape-{name}"' in page), name


def test_every_link_on_the_page_leads_somewhere_and_no_name_is_given_twice(page):
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(names)


def test_a_call_is_written_as_one_types_it(client, page):
    calls = {html.unescape(one) for one in re.findall(r"<code>(curl [^<]+)</code>", page)}
    (start,) = [one for one in calls if "/projects/1/jobs " in one and "--json" in one]
    assert '"base_model": "string"' in start
    assert '"training_version_id": 1' in start
    assert "validation_split" not in start
    (upload,) = [one for one in calls if "/datasets/1/versions" in one]
    assert "-F file=@rows.jsonl" in upload
    assert any("-X DELETE" in one for one in calls)
    assert not [one for one in calls if "{" in one.partition("--json")[0]]


def test_it_is_for_everybody_and_the_shell_for_who_is_signed_in(team, browser, client, page):
    assert 'id="side"' not in page
    assert 'id="side"' in browser(team.users["viewer"]).get("/api/docs").text
