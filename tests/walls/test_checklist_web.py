"""Forms, pages, answers and abuse, by the numbers of the security checklist (see
`test_checklist.py`).
"""

import json
import re
from urllib.parse import urlsplit

import pytest

from app.core.database import unit_of_work
from app.core.forms import Form
from app.core.pages import is_local_path, templates
from app.settings import ROOT, settings
from tests import make
from tests.architecture.routes import every_route
from tests.stage import one_database
from tests.walls.furnished import address

ROUTES = every_route()


def unsafe_pages():
    return [route for route in ROUTES if route.is_unsafe and route.is_page]


@one_database
def test_09_on_the_public_address_the_scheme_counts_too(anybody, client, monkeypatch):
    monkeypatch.setenv("LUTHIER_PUBLIC_URL", "https://luthier.example.org")
    settings.cache_clear()
    form = {"email": "nobody@example.org", "password": "wrong wrong wrong"}
    for origin, status in (
        ("https://luthier.example.org", 401),
        ("http://luthier.example.org", 403),
        ("https://luthier.example.org.evil", 403),
        ("https://evil.example/luthier.example.org", 403),
    ):
        headers = {"Host": "luthier.example.org", "Origin": origin}
        assert client.post("/login", data=form, headers=headers).status_code == status, origin


@pytest.fixture
def anybody(database):
    with unit_of_work() as session:
        return make.make_user(session).id


def test_10_every_template_escapes_whatever_it_is_called():
    environment = templates()
    assert environment.autoescape is True
    assert environment.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"


def test_10_no_text_of_a_person_decides_where_a_link_leads():
    """What stands in href, src and action is made by `url_for`, or is a path the view made; what
    follows as a query leads nowhere else.
    """
    attribute = re.compile(r"\s(?:href|src|action|hx-get|hx-post)=(\"[^\"]*\"|\S+)")
    made_by_us = re.compile(
        r"url_for\(|_url\b|\burl\b|\.path\b|\bhome\b|\bhref\b|view\.link\b|^ (?:shape|name) $"
    )
    found = {}
    for path in (ROOT / "templates").rglob("*.html"):
        for value in attribute.findall(path.read_text()):
            assert value.startswith('"'), f"{path.name}: an attribute without quotes: {value}"
            made = re.findall(r"\{\{(.*?)(?:\}\}|$)", value.split("}}?")[0])
            if [one for one in made if not made_by_us.search(one)]:
                found.setdefault(path.name, []).append(value)
    assert found == {}


@one_database
def test_12_htmx_runs_no_code_from_answers_and_asks_nobody_else(anybody, client):
    (config,) = re.findall(r"name=\"htmx-config\" content='([^']+)'", client.get("/login").text)
    found = json.loads(config)
    assert {
        "selfRequestsOnly": True, "allowEval": False, "allowScriptTags": False,
        "includeIndicatorStyles": False, "historyCacheSize": 0,
    }.items() <= found.items()  # fmt: skip


@one_database
def test_15_what_is_downloaded_is_kept_and_never_shown(rescued, browser):
    owner = browser(rescued.users["owner"])
    downloads = [
        route
        for route in ROUTES
        if "GET" in route.methods and route.path.endswith(("/content", ".csv", ".jsonl", ".zip"))
    ]
    assert len(downloads) >= 2
    for route in downloads:
        if route.is_page:
            headers = owner.get(address(route, rescued)).headers
            assert headers["content-disposition"].startswith("attachment; filename"), str(route)
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["content-security-policy"].startswith("sandbox"), str(route)
            assert not headers["content-type"].startswith("text/html")


def test_24_no_form_takes_a_field_it_does_not_know():
    def below(form):
        for one in form.__subclasses__():
            yield one
            yield from below(one)

    forms = set(below(Form))
    assert len(forms) > 8
    assert {form for form in forms if form.model_config["extra"] != "forbid"} == set()


@one_database
def test_24_a_field_that_stands_twice_is_400_on_every_route(rescued, browser):
    owner = browser(rescued.users["owner"])
    reads_a_form = [
        route
        for route in unsafe_pages()
        if "POST" in route.methods
        if {"read", "form_values"} & {call.__name__ for call in route.dependencies}
    ]
    assert len(reads_a_form) > 10
    for route in reads_a_form:
        answer = owner.client.post(
            address(route, rescued),
            content=f"csrf={owner.csrf}&role=viewer&role=owner".encode(),
            headers={**owner.headers, "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 400, (str(route), answer.status_code)
        assert "twice" in answer.text


@one_database
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "deflate", "gzip, gzip"])
def test_29_a_compressed_body_is_refused_before_anything_unfolds_it(furnished, browser, coding):
    owner = browser(furnished.users["owner"])
    path = f"/projects/{furnished.project_id}/datasets/upload?name=x.jsonl"
    for where, way in ((path, "PUT"), ("/projects", "POST")):
        answer = owner.send(way, where, content=b"\x1f\x8b", headers={"Content-Encoding": coding})
        assert answer.status_code == 415
    plain = owner.send("PUT", path, content=b"{}\n", headers={"Content-Encoding": "identity"})
    assert plain.status_code == 202


def test_32_a_table_for_spreadsheets_holds_numbers_alone():
    """A cell that begins with = + - @ is a formula there; a table with words puts ' before them,
    and has a test of that: tests/api/test_rescues.py, tests/budgets/test_pages.py,
    tests/datasets/test_figures.py, tests/evaluations/test_pages.py and people/test_grading.py.
    """
    tables = {route.name for route in ROUTES if route.path.endswith(".csv")}
    assert tables == {
        "jobs.metrics_csv",
        "rescues.manifest_csv",
        "budgets.csv",
        "datasets.figure_csv",
        "evaluation_runs.csv",
        "evaluation_runs.confusion_csv",
        "api.evaluation_runs.csv",
        "rounds.export",
    }


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example",
        "/\tevil.example", "/a\r\nLocation: //evil", "\\/evil.example", "javascript:alert(1)",
        "", " /a", "/\u2028/evil",
    ],
)  # fmt: skip
def test_33_no_target_leaves_the_site(target):
    assert not is_local_path(target)


@one_database
def test_33_what_htmx_says_of_its_page_does_not_lead_away(furnished, client):
    for page in ("http://127.0.0.1:8000//evil.example/", "https://evil.example/x", "javascript:x"):
        headers = {"HX-Request": "true", "HX-Current-URL": page}
        answer = client.get(f"/projects/{furnished.project_id}", headers=headers)
        target = urlsplit(answer.headers["hx-redirect"])
        assert (target.scheme, target.netloc, target.path) == ("", "", "/login")


@one_database
@pytest.mark.parametrize(
    "name",
    ['a"; filename="b.html', "a\r\nSet-Cookie: x=1", "a\nX: 1", "ü\u202egnp.exe", "../../x", "a;b"],
)
def test_34_a_file_name_adds_no_header(furnished, browser, name):
    owner = browser(furnished.users["owner"])
    path = f"/projects/{furnished.project_id}/datasets/upload"
    made = owner.send("PUT", path, params={"name": f"{name}.jsonl"}, content=make.chat_file())
    if made.status_code == 422:  # a name that no dataset may have
        return
    answer = owner.get(made.json()["location"] + "/content")
    said = answer.headers["content-disposition"]
    assert said.startswith("attachment; filename")
    assert said.isascii()
    assert said.isprintable()
    assert "set-cookie" not in answer.headers
    assert said.count("filename") == 1 + name.count("filename")
    assert '"; filename' not in said


@one_database
def test_40_answers_close_themselves_to_others(furnished, browser, client, monkeypatch):
    owner = browser(furnished.users["owner"])
    for path in ("/projects", f"/projects/{furnished.project_id}", "/login", "/account"):
        headers = owner.get(path).headers
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["permissions-policy"]
        assert headers["cache-control"] == "no-store"
    for path in (f"/projects/{furnished.project_id}", "/account"):
        part = owner.get(path, **{"HX-Request": "true"})
        assert part.headers["vary"] == "HX-Request", "a cached fragment would be shown as a page"
        assert "<html" not in part.text or "HX-Request" in owner.get(path).headers["vary"]
    assert "strict-transport-security" not in client.get("/login").headers
    monkeypatch.setenv("LUTHIER_PUBLIC_URL", "https://luthier.example.org")
    settings.cache_clear()
    answer = client.get("/login", headers={"Host": "luthier.example.org"})
    assert "max-age=" in answer.headers["strict-transport-security"]


@one_database
def test_41_links_are_made_from_the_configured_address_alone(furnished, browser):
    """A made-up host must not stand in a link that somebody is sent."""
    owner = browser(furnished.users["owner"])
    path = f"/projects/{furnished.project_id}/invitations"
    answer = owner.post(path, {"role": "viewer"}, **{"X-Forwarded-Host": "evil.example"})
    assert f"{settings().base_url}/invitations/" in answer.text
    assert "evil.example" not in answer.text
    assert owner.post(path, {"role": "viewer"}, Host="evil.example").status_code == 400
