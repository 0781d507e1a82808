"""What stands before every page: forms' tokens, foreign sites, hosts, headers of answers."""

import pytest

from app.core.guards import is_our_host
from app.settings import settings
from tests.stage import one_database


@one_database
def test_an_upload_by_plain_form_needs_the_token_among_its_fields(team, browser, client):
    owner = browser(team.users["owner"])
    path = f"/projects/{team.project_id}/datasets/upload"
    file = {"file": ("rows.jsonl", b"{}\n")}
    for data in ({}, {"csrf": "guessed"}):
        headers = {**owner.headers, "X-CSRF-Token": "guessed"}
        answer = client.post(path, headers=headers, files=file, data=data)
        assert answer.status_code == 403


@one_database
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8001"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_foreign_site_cannot_post_even_with_the_token(team, browser, client, headers):
    owner = browser(team.users["owner"])
    assert owner.post("/projects", {"name": "Theirs"}, **headers).status_code == 403
    login = {"email": "owner@example.org", "password": "whatever it may be"}
    assert client.post("/login", data=login, headers=headers).status_code == 403
    fine = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert owner.post("/projects", {"name": "Ours"}, **fine).status_code == 303


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8000",
        "",
        "a/?x=127.0.0.1",
        "10.0.0.1",
    ],
)
@one_database
def test_a_host_that_is_not_ours_is_refused(client, host):
    answer = client.get("/livez", headers={"Host": host})
    assert answer.status_code == 400


def test_our_hosts_are_the_public_address_and_loopback(monkeypatch):
    monkeypatch.setenv("LUTHIER_PUBLIC_URL", "https://luthier.example.org")
    settings.cache_clear()
    for ours in ("luthier.example.org", "LUTHIER.example.org", "localhost:8000", "[::1]:8000"):
        assert is_our_host([ours])
    for foreign in ("example.org", "luthier.example.org.evil", "luthier.example.org:444"):
        assert not is_our_host([foreign])
    assert not is_our_host([])
    assert not is_our_host(["localhost", "localhost"])


@one_database
def test_every_answer_carries_the_headers_that_close_it(team, browser, client):
    owner = browser(team.users["owner"])
    project = f"/projects/{team.project_id}"
    pages = [
        owner.get("/projects"),
        owner.get(project),
        owner.get(f"{project}/datasets"),
        owner.get(f"{project}/jobs"),
        owner.get("/projects/999999"),
        client.get("/login"),
        client.get("/api/v1/projects"),
        client.get("/livez"),
        client.get("/static/css/tokens.css"),
        client.get("/nowhere"),
    ]
    for answer in pages:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "form-action 'self'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-request-id"]
        assert "server" not in answer.headers
        expected = "no-cache" if answer.request.url.path.startswith("/static") else "no-store"
        assert answer.headers["cache-control"] == expected


@one_database
def test_no_page_relaxes_the_policy(client):
    policy = client.get("/api/docs").headers["content-security-policy"]
    assert policy == client.get("/login").headers["content-security-policy"]
    assert "unsafe" not in policy


@one_database
def test_paths_that_climb_lead_nowhere(client):
    for path in ("/static/../app/main.py", "/static/%2e%2e/app/main.py", "/static/..%2fMakefile"):
        assert client.get(path).status_code == 404
    assert client.get("/static/").status_code == 404


@one_database
def test_a_method_that_is_not_offered_is_405(team, browser, client):
    owner = browser(team.users["owner"])
    assert owner.send("DELETE", f"/projects/{team.project_id}").status_code == 405
    assert client.request("TRACE", "/livez").status_code in {400, 405}
    assert client.delete("/api/v1/projects").json()["status"] == 405


def test_a_body_that_is_too_long_is_refused_before_it_is_read(team, client):
    headers = {"Content-Type": "application/json", "Content-Length": "17000000"}
    answer = client.request("POST", "/api/v1/projects", headers=headers, content=iter([b"{}"]))
    assert answer.status_code == 413
    long = client.post("/login", data={"email": "a@b.example", "password": "x" * 1_100_000})
    assert long.status_code == 413


def test_a_body_that_grows_past_its_limit_is_not_taken(team, client):
    def drip():
        for _ in range(20):
            yield b"x" * 1_000_000

    answer = client.post("/api/v1/projects", content=drip())
    assert answer.status_code in {400, 401, 413}


def test_a_file_in_a_form_that_takes_none_is_refused(team, browser):
    owner = browser(team.users["owner"])
    answer = owner.send("POST", "/projects", files={"name": ("a.txt", b"x" * 100)}, data={})
    assert answer.status_code == 400


def test_a_character_that_cannot_be_stored_is_told_by_field(team, script):
    answer = script(team.users["owner"]).post("/projects", json={"name": "a\u0000b"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "name"
