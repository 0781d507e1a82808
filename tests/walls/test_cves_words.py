"""What broke programs like this one, tried on the running server: strangers, words, headers.

Names begin with the number of the input in the list of peers' CVEs; `test_checklist.py` holds the
list and says what is tried elsewhere. The matrix (A3, C1 and C2 for every route) is
`test_matrix.py`; addresses that lead inside (R) are tried one by one in `test_corpus.py`.
"""

import json
import sqlite3
import stat
from contextlib import closing
from html import unescape
from urllib.parse import quote

import pytest

from tests.architecture.routes import every_route
from tests.walls.live import PASSWORD

ROUTES = every_route()
SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_r3_a_provider_that_sends_on_is_not_followed(live, catchers, code):
    allowed, private = catchers
    del private.seen[:]
    url = f"{allowed.url}/to/{code}/{private.port}/v1"
    made = connect(live, f"Redirecting {code}", url, "sk-canary-3-redirect")
    told = asked(live, made)
    assert told.status == 200
    assert told.json["status"] != "ok"
    assert live.get(f"/api/v1/connections/{made}/base-models").status == 502
    assert private.seen == []
    assert str(private.port) not in told.json["words"]


def test_r3_a_provider_that_sends_to_itself_does_not_keep_us(live, catchers):
    allowed, _ = catchers
    made = connect(live, "Loop", f"{allowed.url}/to/302/{allowed.port}/to/302/{allowed.port}", "k")
    before = len(allowed.seen)
    answer = asked(live, made)
    assert answer.status == 200
    assert len(allowed.seen) - before <= 5
    assert answer.seconds < 10


def asked(live, made):
    """Press *Test connection*; how often a person may is tried elsewhere."""
    with closing(sqlite3.connect(live.home / "luthier.sqlite", timeout=10)) as database, database:
        database.execute("DELETE FROM connection_tests")
    return live.call(f"/api/v1/connections/{made}/test", {})


def connect(live, name, url, key):
    """The id of a new connection there."""
    form = {"name": name, "base_url": url, "api_key": key}
    made = live.call(live.fill("/api/v1/projects/{project_id}/connections"), form)
    assert made.status == 201, made.text
    return made.json["id"]


@pytest.mark.parametrize("path", ["/invitations/join", "/welcome", "/password", "/login"])
def test_c1_a_foreign_site_makes_no_account_and_signs_nobody_in(live, path):
    form = {"token": "x", "name": "N", "email": "n@example.org", "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = live.form(path, form, who="", **headers)
        assert answer.status == 403
        assert "another site" in answer.text


@pytest.mark.parametrize(
    "origin",
    ["null", "https://evil.example", "", "http://127.0.0.1", "http://localhost:1", "file://",
     "http://127.0.0.1:{port}.evil.example", "http://evil@127.0.0.1:{port}",
     "javascript://127.0.0.1:{port}", "https://127.0.0.1:{port}"],
)  # fmt: skip
def test_c2_only_our_own_pages_post_with_the_cookie(live, origin):
    headers = {"Origin": origin.format(port=live.port)}
    assert live.form("/projects", {"name": "Foreign"}, **headers).status == 403
    upload = live.fill("/projects/{project_id}/datasets/upload?name=x.jsonl")
    keys = {**live.cookies_of("owner"), **headers}
    assert live.send("PUT", upload, headers=keys, body=b"{}").status == 403
    assert live.form("/projects", {"name": "No origin"}).status == 303
    ours = {"Origin": f"http://127.0.0.1:{live.port}"}
    assert live.form("/projects", {"name": "Ours"}, **ours).status == 303


HEADERS = (
    "Content-Type", "Accept", "User-Agent", "Referer", "X-Forwarded-Host", "HX-Current-URL",
    "Idempotency-Key", "Authorization",
)  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_x1_no_error_repeats_a_header(live, name):
    for path in ("/nowhere", "/login", "/api/v1/projects", "/projects"):
        for method in ("GET", "POST", "DELETE"):
            keys = {} if name == "Authorization" else live.people["owner"].by_token
            answer = live.send(method, path, headers={**keys, name: SCRIPT}, body=b"x=1")
            assert answer.status < 500
            assert SCRIPT not in answer.text
            if answer.body:
                assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/login?next=", "/account?said=", "/dataset-versions/{version_id}/rows?row=",
     "/dataset-versions/{version_id}/findings?rule=", "/dataset-versions/{version_id}/search?q=",
     "/jobs/{job_id}?events=",
     "/projects/{project_id}/jobs/new?suffix=", "/projects/{project_id}/jobs/receipt?suffix=",
     "/projects/{project_id}/jobs/new?base_model=", "/projects/{project_id}/jobs?sort=",
     "/invitations/", "/password/", "/nowhere/"],
)  # fmt: skip
def test_x4_no_page_repeats_its_address_as_html(live, path):
    for text in (SCRIPT, '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "{{7*7}}"):
        answer = live.get(live.fill(path) + quote(text, safe=""))
        assert answer.status in {200, 404, 422}
        assert SCRIPT not in answer.text
        assert "<img src=x" not in answer.text
        assert "onerror=alert(1)>" not in answer.text
        assert ">49<" not in answer.text


def test_x5_a_token_is_read_once_and_a_name_is_text(live):
    made = live.form("/account/tokens", {"token_name": SCRIPT}, "editor")
    token = made.text.partition("lut_")[2][:43]
    assert made.status == 200
    assert len(token) == 43
    assert made.headers["Cache-Control"] == "no-store"
    page = live.get("/account", "editor")
    assert token not in page.text
    assert SCRIPT not in made.text + page.text


def test_q1_what_is_sorted_and_filtered_by_is_never_a_path_into_the_tables(live):
    for path in ("/projects/{project_id}/jobs", "/projects/{project_id}/datasets", "/projects",
                 "/projects/{project_id}/members", "/projects/{project_id}/models",
                 "/projects/{project_id}/activity"):  # fmt: skip
        for name in ("sort", "order_by", "filter", "ordering", "q", "creator__password_hash"):
            for value in ("password_hash", "creator.password_hash", "user__password_hash",
                          "-id;drop table users", "1 desc--", "__class__"):  # fmt: skip
                for under in ("", "/api/v1"):
                    where = under + live.fill(path)
                    answer = live.get(f"{where}?{name}={quote(value)}")
                    assert answer.status in {200, 404, 405, 422}, (where, name, value)
                    assert "argon2" not in answer.text


@pytest.mark.parametrize(
    "given",
    ["Bearer ' or 1=1--", "Bearer lut_' union select fingerprint from api_tokens--", "Bearer %",
     "Bearer lut_%", "Bearer lut_\\", "Bearer", "Bearer ", "bearer\tlut_x", "Basic YTpi",
     "' or ''='",
     "Bearer " + "x" * 20_000, "Bearer lut_x, Bearer lut_y", "Bearer \xff\xfe",
     "Bearer ${jndi:ldap://x}",
     "Token lut_x", "Bearer null", "Bearer lut_x' AND pg_sleep(5)--", "Bearer lut_x;select 1"],
)  # fmt: skip
def test_q2_the_authorization_header_is_only_ever_compared(either, given):
    answer = either.send("GET", "/api/v1/projects", headers={"Authorization": given})
    assert answer.status == 401
    assert answer.json["detail"].startswith("A valid API token is needed")
    assert answer.seconds < 6


def test_kb1_a_stored_key_never_follows_to_another_server(live, catchers):
    allowed, _ = catchers
    made = connect(live, "Rebound", "https://api.openai.com/v1", "sk-canary-kb1")
    path = f"/api/v1/connections/{made}"
    change = {"base_url": f"{allowed.url}/v1"}
    for who in ("editor", "viewer"):
        assert live.call(path, change, who, method="PATCH").status == 403
        assert live.call(f"{path}/test", {}, who).status == 403
        edit = {"name": "Rebound", **change}
        assert live.form(f"/connections/{made}", edit, who).status == 403
        assert live.form(f"/connections/{made}/test", {}, who).status == 403
    refused = live.call(path, change, method="PATCH")
    assert refused.status == 422
    (wrong,) = refused.json["errors"]
    assert wrong["field"] == "api_key"
    assert "never sent to another server" in wrong["message"]
    page = live.form(f"/connections/{made}", {"name": "Rebound", **change})
    assert page.status == 422
    assert "never sent to another server" in page.text
    for url in ("https://api.openai.com.evil/v1", "https://api.openai.com:443@evil.example/v1",
                "https://evil.example/api.openai.com"):  # fmt: skip
        assert live.call(path, {"base_url": url}, method="PATCH").status == 422
    assert live.get(path).json["base_url"] == "https://api.openai.com/v1"
    assert not [key for _, key in allowed.seen if "canary-kb1" in key]
    with_key = {**change, "api_key": "sk-another"}
    assert live.call(path, with_key, method="PATCH").status == 200
    assert asked(live, made).status == 200
    assert {key for _, key in allowed.seen if "sk-another" in key} == {"Bearer sk-another"}
    assert not [key for _, key in allowed.seen if "canary-kb1" in key]


def test_kb2_no_request_brings_an_address_or_names_a_secret(live, catchers):
    allowed, _ = catchers
    chat = {"messages": [{"role": "user", "content": "hi"}]}
    for path, body in (
        ("/api/v1/models/{model_id}/chat", chat),
        ("/api/v1/projects/{project_id}/jobs", {"base_model": "m"}),
    ):
        for name in ("base_url", "api_base", "api_key", "api_token", "proxy_url", "extra_headers"):
            answer = live.call(live.fill(path), {**body, name: allowed.url})
            assert answer.status == 422
            said = {item["field"]: item["message"] for item in answer.json["errors"]}
            assert said[name] == "There is no such field."
    for key in ("env:LUTHIER_SECRET", "file:/etc/passwd", "os.environ/HOME", "${LUTHIER_SECRET}"):
        made = connect(live, f"Named {key}", f"{allowed.url}/v1", key)
        asked(live, made)
        assert allowed.seen[-1][1] == f"Bearer {key}", "a key is sent as it was typed"


@pytest.mark.parametrize(
    "host",
    ["a/?x=", "evil.example", "127.0.0.1:{port}/?x=", "127.0.0.1:{port}@evil.example",
     "evil.example:{port}", "127.0.0.1:{port}, evil.example", "", "[::1", "127.0.0.1:",
     "127.0.0.1:x", "127.0.0.1:1:2", "localhost:{port}\tx"],
)  # fmt: skip
def test_h1_a_made_up_host_decides_nothing(live, host):
    given = host.format(port=live.port)
    for path in ("/projects", "/login", "/static"):
        request = f"GET {path} HTTP/1.1\r\nHost: {given}\r\nConnection: close\r\n\r\n"
        answer = live.raw(request.encode())
        assert answer.status == 400
        assert "evil" not in answer.text + str(answer.headers)


def test_h1_a_path_moves_nobody_to_another_host(live):
    for path in ("@evil.example", "//evil.example/login", "/\\evil.example", "/%5cevil.example",
                 "http://evil.example/projects", "/static//evil.example/.."):  # fmt: skip
        answer = live.send("GET", path)
        location = answer.headers.get("Location", "")
        assert answer.status in {303, 400, 404}, path
        assert not location or location.startswith("/login"), (path, location)


@pytest.mark.parametrize("path", ["/static../app/main.py", "/static..%2fMakefile", "/static.."])
def test_d1_the_folder_of_styles_ends_with_a_slash(live, path):
    assert live.send("GET", path).status == 404


def test_fs1_what_is_kept_is_nobody_elses_to_read(live):
    upload = live.fill("/projects/{project_id}/datasets/upload?name=private.jsonl")
    kept = live.send("PUT", upload, headers=live.cookies_of("owner"), body=b'{"private": 1}\n')
    assert kept.status == 202
    open_to_others = [
        f"{oct(stat.S_IMODE(path.stat().st_mode))} {path.relative_to(live.home)}"
        for path in [live.home, *live.home.rglob("*")]
        if path.stat().st_mode & 0o077
    ]
    inside_closed = live.home.stat().st_mode & 0o077 == 0
    assert inside_closed
    assert not [one for one in open_to_others if "blobs" in one or "secret" in one]


@pytest.mark.parametrize("suffix", ["$(id)", "`id`", "a;b", "a|b", "../x", "%s%n", "{{7*7}}"])
def test_o1_words_that_a_shell_would_run_stay_words(live, suffix):
    form = {
        "connection_id": live.ours["connection_id"],
        "training_version_id": live.ours["version_id"],
        "base_model": "gpt-4o-mini-2024-07-18",
        "suffix": suffix,
    }
    answer = live.call(live.fill("/api/v1/projects/{project_id}/jobs"), form)
    assert answer.status == 201
    assert answer.json["suffix"] == suffix
    assert suffix in unescape(live.get(f"/jobs/{answer.json['id']}").text)


HOSTILE_KEYS = ("__proto__", "constructor", "__class__", "{0.__class__}", "")


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_j21_a_key_that_means_something_elsewhere_is_an_unknown_field(live, key):
    for path in ("/api/v1/projects", "/api/v1/projects/{project_id}/jobs"):
        body = json.dumps({"name": "J21", key: {"isAdmin": True}})
        answer = live.call(live.fill(path), body)
        assert answer.status == 422
        assert "There is no such field." in answer.text
