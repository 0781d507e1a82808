"""What broke programs like this one, tried on the running server. Names begin with the number of
the input in the list of peers' CVEs.

Chunked uploads (A2) and webhooks (A5) have no routes yet; their tests come with them. The matrix
(A3, C1 and C2 for every route) is `test_matrix.py`; addresses that lead inside (R) are tried input
by input in `test_corpus.py`.
"""

import json
import stat
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.architecture.routes import every_route
from tests.conftest import SECRET
from tests.processes import launch
from tests.stage import one_database
from tests.walls.live import PASSWORD
from tests.walls.matrix import PUBLIC, TABLE

ROUTES = every_route()
CLIMBING = (
    "../../etc/passwd",
    "..\\..\\etc\\passwd",
    "/etc/passwd",
    "C:\\windows\\win.ini",
    "file:///etc/passwd",
    "/proc/self/environ",
    "%2e%2e%2fx",
    "..",
    "dbfs:/x",
    "a?/a",
)
SCRIPT = "<script>alert(1)</script>"


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CLIMBING)
def test_p1_the_name_of_an_upload_is_a_label_and_never_a_path(live, name):
    before = files_below(live.home.parent)
    path = live.fill("/projects/{project_id}/datasets/upload?name=") + quote(name, safe="")
    answer = live.send("PUT", path, headers=live.cookies_of("owner"), body=b'{"messages": []}\n')
    assert answer.status == 202
    made = [one for one in files_below(live.home.parent) - before if "sqlite" not in one.name]
    assert all((live.home / "blobs") in one.parents for one in made), made
    version = answer.json["location"]
    disposition = live.get(f"{version}/content").headers["Content-Disposition"]
    label = disposition.partition("filename")[2]
    assert not set("/\\:") & set(label)
    assert "%2f" not in label.lower()


@pytest.mark.parametrize("name", CLIMBING)
def test_p1_the_name_of_a_file_in_a_form_is_a_label_too(live, name):
    quoted = name.replace("\\", "\\\\")
    body = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n\r\n'
        "{}\n\r\n--b--\r\n"
    ).encode()
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        **live.people["owner"].by_token,
    }
    path = live.fill("/api/v1/projects/{project_id}/datasets")
    answer = live.send("POST", path, headers=headers, body=body)
    assert answer.status == 202
    label = answer.json["name"]
    assert not set("/\\") & set(label)
    assert label


@pytest.mark.parametrize(
    "path",
    [
        "/static/%252e%252e/app/main.py",
        "/static/%2e%2e/app/main.py",
        "/static/..%2f..%2fMakefile",
        "/static/..%252f..%252fMakefile",
        "/static/../Makefile",
        "/static/css/../../Makefile",
        "/static/%2e%2e%5cMakefile",
        "/static/css/%00kit.css",
    ],
)
def test_p2_a_path_is_decoded_once_and_leads_nowhere(live, path):
    assert live.get(path).status == 404


@pytest.mark.parametrize("tail", ["/v1#/../../etc", "/v1?../x", "/v1;../x#", "/v1/..;/x?y"])
def test_p3_an_address_hides_nothing_behind_a_mark(live, tail):
    form = {"name": "Marked", "base_url": f"https://api.example.com{tail}", "api_key": "sk-1"}
    answer = live.call(live.fill("/api/v1/projects/{project_id}/connections"), form)
    assert answer.status == 422
    assert answer.json["errors"][0]["field"] == "base_url"
    assert "from ? or # on" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("url", ["dbfs:/x", "C:/x", "file:///etc/passwd", "s3://bucket", "a?/a"])
def test_p4_an_address_begins_with_https(live, url):
    form = {"name": "Schemed", "base_url": url, "api_key": "sk-1"}
    answer = live.call(live.fill("/api/v1/projects/{project_id}/connections"), form)
    assert answer.status == 422
    assert "must begin with https://" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("number", ["..%2f1", "%2e%2e", "1%2f..%2f1", "1%00", "0x1", "1.jsonl"])
def test_p5_an_id_is_a_number_before_anything_is_made_of_it(live, number):
    for path in ("/dataset-versions/{}/content", "/dataset-versions/{}/rows", "/jobs/{}/metrics"):
        assert live.get(path.format(number)).status == 404
        assert live.get("/api/v1" + path.format(number).replace("rows", "examples")).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/file=/etc/passwd",
        "/file=../../etc/passwd",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/C:%5cwindows%5cwin.ini",
        "/static/%5cwindows%5cwin.ini",
        "//etc/passwd",
    ],
)
def test_p6_an_absolute_path_opens_no_file(live, path):
    answer = live.get(path)
    assert answer.status == 404
    assert "root:" not in answer.text


def test_a1_whoever_is_not_signed_in_is_shown_the_door_everywhere(live):
    wrong = []
    for route in [one for one in ROUTES if one.name not in PUBLIC]:
        path = live.fill(route.path)
        answer = live.send(route.method, path)
        wanted = (303, "/login") if route.is_page else (401, None)
        location = answer.headers.get("Location", "")[:6] or None
        if (answer.status, location) != wanted:
            wrong.append(f"{route}: {answer.status} {location}")
    assert wrong == []


@pytest.mark.parametrize(
    "path",
    ["/docs", "/redoc", "/openapi.json", "/ajax-api/3.0/jobs", "/v1/traces", "/admin", "/debug",
     "/api", "/api/v2/projects", "/metrics/", "/static", "/static/vendor/../../app"],
)  # fmt: skip
def test_a1_there_is_no_door_beside_the_doors(live, path):
    answer = live.send("GET", path)
    assert answer.status in (
        {307} if path == "/static" else {404, 307} if path == "/metrics/" else {404}
    )


def test_a4_what_is_the_instances_owners_is_nobody_elses(live):
    mine = [one for one in ROUTES if TABLE[one.name].access == "instance"]
    assert len(mine) >= 6
    for route in mine:
        for who in ("owner", "editor", "viewer", "outsider"):
            keys = live.cookies_of(who) if route.is_page else live.people[who].by_token
            assert live.send(route.method, live.fill(route.path), headers=keys).status == 403


def test_a6_no_way_of_signing_in_goes_past_a_disabled_account(live):
    keeper = {"who": "keeper"}
    user_id = live.people["guest"].user_id
    page = live.form(f"/people/{user_id}/reset", {}, **keeper).text
    link = page.partition("/password/")[2][:43]
    invited = live.form(
        live.fill("/projects/{project_id}/invitations"), {"role": "viewer"}, who="owner"
    ).text
    invitation = invited.partition("/invitations/")[2][:43]
    try:
        assert live.form(f"/people/{user_id}/disable", {}, **keeper).status == 303
        login = {"email": "guest@example.org", "password": PASSWORD}
        signed_in = live.form("/login", login, who="")
        assert (signed_in.status, "Set-Cookie" in signed_in.headers) == (401, False)
        reset = live.form("/password", {"token": link, "password": "a new long password"}, who="")
        assert (reset.status, "Set-Cookie" in reset.headers) == (422, False)
        assert live.get("/projects", "guest").status == 303
        assert live.get("/api/v1/projects", "guest").status == 401
        accepted = live.form("/invitations/accept", {"token": invitation}, who="guest")
        assert accepted.headers["Location"] == "/login"
        joined = {**login, "token": invitation, "name": "Again"}
        assert live.form("/invitations/join", joined, who="").status == 422
    finally:
        assert live.form(f"/people/{user_id}/enable", {}, **keeper).status == 303


EXTRA = (
    "id", "role", "is_instance_owner", "disabled_at", "password_hash", "project_id", "user_id",
    "created_by", "actor_id", "status", "profile", "sealed_key", "estimate", "est_cost", "op_key",
    "run_id", "due_at", "slug", "is_practice", "verb",
)  # fmt: skip


@pytest.mark.parametrize("who", ["owner", "editor", "keeper"])
def test_a7_no_column_can_be_set_by_naming_it(live, who):
    """Every field of the tables, in every body that this person may send."""
    bodies = {
        "/api/v1/projects": ({"name": "Mine"}, ("owner", "editor", "keeper")),
        "/api/v1/projects/{project_id}/jobs": ({}, ("owner", "editor")),
        "/api/v1/models/{model_id}/chat": (
            {"messages": [{"role": "user", "content": "hi"}]},
            ("owner", "editor"),
        ),
        "/api/v1/projects/{project_id}/connections": ({}, ("owner",)),
    }
    for path, (body, people) in bodies.items():
        if who in people:
            for name in EXTRA:
                answer = live.call(live.fill(path), {**body, name: 1}, who)
                assert answer.status == 422, (path, name)
                said = {item["field"]: item["message"] for item in answer.json["errors"]}
                assert said[name] == "There is no such field.", (path, name)
    for name in EXTRA:
        answer = live.form("/account/name", {"name": who.title(), name: 1}, who)
        assert answer.status == 422, name


@one_database
def test_s1_a_fresh_instance_has_no_account_to_guess(client):
    for email, password in (
        ("admin@example.org", "admin"),
        ("admin@localhost", "password"),
        ("luthier@localhost", "luthier"),
        ("root@localhost", "changeme1234"),
    ):
        assert client.post("/login", data={"email": email, "password": password}).status_code in {
            401,
            422,
        }
    page = client.get("/welcome").text
    assert "<form" not in page
    owner = {"token": "guessed", "email": "a@b.example", "name": "A", "password": PASSWORD}
    assert client.post("/welcome", data=owner).status_code == 422
    assert client.get("/login").headers["location"] == "/welcome"


@pytest.mark.parametrize("secret", ["changeme", "A" * 44, "not base64 at all!"])
@pytest.mark.processes
def test_s2_it_does_not_start_with_a_secret_that_is_none(tmp_path, secret):
    program = launch(tmp_path / "home", "web", output="web", LUTHIER_SECRET=secret, PORT="1")
    try:
        assert program.ends(within=60), "it runs with a secret that anybody can guess"
        assert program.process.returncode not in {0, None}
        assert "openssl rand -base64 32" in program.output
        assert secret not in program.output
        assert "Traceback" not in program.output
    finally:
        program.clear_away()


def test_s3_what_one_door_gave_opens_no_other(live):
    """A session, a token, an invitation and a password link, each shown where another is asked."""
    owner = live.people["owner"]
    page = live.form(f"/people/{live.team.users['viewer']}/reset", {}, "keeper").text
    link = page.partition("/password/")[2][:43]
    page = live.form(live.fill("/projects/{project_id}/invitations"), {"role": "owner"}).text
    invitation = page.partition("/invitations/")[2][:43]
    for key in (owner.cookie, owner.csrf, link, invitation, SECRET):
        bearer = {"Authorization": f"Bearer {key}"}
        assert live.send("GET", "/api/v1/projects", headers=bearer).status == 401
    for key in (owner.token, owner.csrf, link, invitation, SECRET):
        cookie = {"Cookie": f"{live.cookie}={key}"}
        assert live.send("GET", "/projects", headers=cookie).status == 303
    for key in (owner.cookie, owner.token, invitation):
        new = {"token": key, "password": "a new long password"}
        assert live.form("/password", new, who="").status == 422
    for key in (owner.cookie, owner.token, link):
        assert live.form("/invitations/accept", {"token": key}, "outsider").status == 400
    assert live.get("/projects").status == 200


def test_r2_nobody_signs_up_without_being_asked(live):
    for path in ("/register", "/signup", "/sign-up", "/users", "/api/v1/users", "/account/new"):
        assert live.send("GET", path).status == 404
        assert live.form(path, {"email": "a@b.example", "password": PASSWORD}, who="").status == 404
    new = {"token": "", "name": "N", "email": "n@example.org", "password": PASSWORD}
    assert live.form("/invitations/join", new, who="").status == 422
    assert live.form("/welcome", new, who="").status == 422
    login = {"email": "n@example.org", "password": PASSWORD}
    assert live.form("/login", login, who="").status == 401


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_r3_a_provider_that_sends_on_is_not_followed(live, catchers, code):
    allowed, private = catchers
    del private.seen[:]
    url = f"{allowed.url}/to/{code}/{private.port}/v1"
    made = connect(live, f"Redirecting {code}", url, "sk-canary-3-redirect")
    tested = live.call(f"/api/v1/connections/{made}/test", {})
    assert tested.status == 200
    assert tested.json["status"] != "ok"
    assert live.get(f"/api/v1/connections/{made}/base-models").status == 502
    assert private.seen == []
    assert str(private.port) not in tested.json["words"]


def test_r3_a_provider_that_sends_to_itself_does_not_keep_us(live, catchers):
    allowed, _ = catchers
    made = connect(live, "Loop", f"{allowed.url}/to/302/{allowed.port}/to/302/{allowed.port}", "k")
    before = len(allowed.seen)
    answer = live.call(f"/api/v1/connections/{made}/test", {})
    assert answer.status == 200
    assert len(allowed.seen) - before <= 5
    assert answer.seconds < 10


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
     "/dataset-versions/{version_id}/findings?rule=", "/jobs/{job_id}?events=",
     "/projects/{project_id}/jobs/new?suffix=", "/projects/{project_id}/jobs/receipt?suffix=",
     "/projects/{project_id}/jobs/new?base_model=", "/projects/{project_id}/jobs?sort=",
     "/invitations/", "/password/", "/nowhere/"],
)  # fmt: skip
def test_x4_no_page_repeats_its_address_as_html(live, path):
    for text in (SCRIPT, '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "{{7*7}}"):
        answer = live.get(live.fill(path) + quote(text, safe=""))
        assert answer.status in {200, 404}
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
    assert live.call(f"{path}/test", {}).status == 200
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
        live.call(f"/api/v1/connections/{made}/test", {})
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
