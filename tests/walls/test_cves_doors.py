"""What broke programs like this one, tried on the running server: people and secrets (A, S, R2).

Names begin with the number of the input in the list of peers' CVEs; `test_checklist.py` holds the
list and says what is tried elsewhere. The matrix (A3, C1 and C2 for every route) is
`test_matrix.py`; addresses that lead inside (R) are tried one by one in `test_corpus.py`.
"""

import pytest

from tests.architecture.routes import every_route
from tests.conftest import SECRET
from tests.processes import launch
from tests.stage import one_database
from tests.walls.live import PASSWORD
from tests.walls.matrix import PUBLIC, TABLE

ROUTES = every_route()


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
    "created_by", "actor_id", "status", "profile", "sealed_key", "sealed_admin_key", "estimate",
    "est_cost", "op_key", "run_id", "due_at", "slug", "is_practice", "verb",
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
