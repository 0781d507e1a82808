"""The doors: who gets in, how often they may try, and what a session is worth."""

import pytest

from app.auth import passwords, service
from app.auth.access import cookie_name
from app.auth.models import ApiToken, LinkPurpose, SingleUseLink, User, UserSession
from app.core import clock, secrets
from app.core.database import read_only, unit_of_work
from app.settings import settings
from tests import make
from tests.make import PASSWORD
from tests.stage import Browser, one_database, read


@pytest.fixture(scope="module")
def hashed():
    return passwords.hashed(PASSWORD)


@pytest.fixture
def anna(database, hashed):
    with unit_of_work() as session:
        return make.make_user(session, "anna", password_hash=hashed).id


@pytest.fixture
def sign_in(client):
    def post(email="anna@example.org", password=PASSWORD, **more):
        return client.post("/login", data={"email": email, "password": password, **more})

    return post


def fail(times, *, email="anna@example.org", address="testclient"):
    with unit_of_work() as session:
        for _ in range(times):
            service.record_failure(session, email=email, address=address)


def test_01_passwords_are_hashed_with_argon2id(hashed):
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert PASSWORD not in hashed
    assert passwords.matches(hashed, PASSWORD)
    assert not passwords.matches(hashed, PASSWORD + " ")
    assert not passwords.matches(None, PASSWORD)
    assert not passwords.matches("not a hash", PASSWORD)
    assert not passwords.matches(hashed, "x" * 2_000_000)


def test_the_right_password_opens_a_session(anna, sign_in, client):
    answer = sign_in(next="/projects")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/projects"
    assert client.get("/projects").status_code == 200
    with read_only() as session:
        (kept,) = session.query(UserSession).all()
    value = answer.cookies[cookie_name()]
    assert kept.fingerprint == secrets.fingerprint(value)
    assert value not in repr(vars(kept))


def test_an_address_is_the_same_however_it_is_capitalised(anna, sign_in):
    assert sign_in(email="  ANNA@Example.org ").status_code == 303


def test_03_a_wrong_password_and_an_unknown_person_look_the_same(anna, sign_in):
    wrong = sign_in(password="wrong wrong wrong")
    unknown = sign_in(email="bert@example.org", password="wrong wrong wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert cookie_name() not in wrong.cookies
    same = (
        wrong.text.replace("anna@example.org", "X"),
        unknown.text.replace("bert@example.org", "X"),
    )
    assert same[0] == same[1]
    assert "wrong wrong wrong" not in wrong.text


def test_somebody_without_a_password_cannot_sign_in(database, sign_in):
    with unit_of_work() as session:
        make.make_user(session, "anna")
    assert sign_in().status_code == 401
    assert sign_in(password="").status_code == 422


def test_04_the_eleventh_wrong_password_is_429(anna, sign_in):
    fail(9, address="elsewhere")
    assert sign_in(password="wrong wrong wrong").status_code == 401

    refused = sign_in()

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    clock.shift(301)
    assert sign_in().status_code == 303


def test_wrong_passwords_for_one_account_do_not_shut_out_another(anna, sign_in, hashed):
    with unit_of_work() as session:
        make.make_user(session, "bert", password_hash=hashed)
    fail(10, address="elsewhere")
    assert sign_in().status_code == 429
    assert sign_in(email="bert@example.org").status_code == 303


def test_04_one_address_may_not_try_many_accounts(anna, sign_in):
    for n in range(30):
        fail(1, email=f"person{n}@example.org")
    assert sign_in().status_code == 429


def test_a_disabled_person_is_out_at_once(anna, client):
    browser = Browser(client, anna)
    assert browser.get("/projects").status_code == 200
    with unit_of_work() as session:
        person = session.get_one(User, anna)
        person.disabled_at = clock.now(session)
    assert browser.get("/projects").status_code == 303


def test_05_signing_out_ends_the_session_on_the_server(anna, client):
    browser = Browser(client, anna)
    answer = browser.post("/logout")
    assert answer.headers["location"] == "/login"
    assert browser.get("/projects").status_code == 303
    with read_only() as session:
        assert session.query(UserSession).count() == 0


def test_05_every_sign_in_is_a_session_of_its_own(anna, sign_in, client):
    """A cookie somebody planted before the sign-in is worth nothing after it."""
    client.cookies.set(cookie_name(), "planted", domain="127.0.0.1")
    answer = sign_in()
    fresh = answer.cookies[cookie_name()]
    assert fresh != "planted"
    assert len(fresh) >= 43
    again = sign_in().cookies[cookie_name()]
    assert again != fresh
    planted = client.get("/projects", headers={"Cookie": f"{cookie_name()}=planted"})
    assert planted.status_code == 303


def test_05_a_session_ends_when_it_is_idle_for_too_long(anna, client):
    browser = Browser(client, anna)
    clock.shift(settings().session_idle_seconds - 60)
    assert browser.get("/projects").status_code == 200
    clock.shift(2 * settings().session_idle_seconds - 180)
    assert browser.get("/projects").status_code == 200
    clock.shift(3 * settings().session_idle_seconds)
    assert browser.get("/projects").status_code == 303


def test_05_a_session_ends_after_fourteen_days_however_busy(anna, client):
    browser = Browser(client, anna)
    for hour in range(0, 14 * 24, 8):
        clock.shift(hour * 3600)
        assert browser.get("/projects").status_code == 200
    clock.shift(14 * 86400 + 1)
    assert browser.get("/projects").status_code == 303


@one_database
@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/a\r\nSet-Cookie: x=1",
        "/\t/evil.example",
        "http:evil.example",
    ],
)
def test_33_next_cannot_leave_the_site(anna, sign_in, target):
    answer = sign_in(next=target)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


def test_a_page_asks_for_a_sign_in_and_comes_back(team, client, sign_in):
    wanted = f"/projects/{team.project_id}/jobs"
    asked = client.get(wanted)
    assert asked.status_code == 303
    assert asked.headers["location"] == f"/login?next={wanted}"
    assert wanted in client.get(asked.headers["location"]).text


def test_htmx_is_told_where_to_go(team, client):
    asked = client.get(f"/projects/{team.project_id}", headers={"HX-Request": "true"})
    assert asked.status_code == 204
    assert asked.headers["hx-redirect"].startswith("/login")


def test_06_on_loopback_the_cookie_is_plain_but_closed(anna, sign_in):
    cookie = sign_in().headers["set-cookie"]
    assert cookie.startswith("luthier-8000=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie


def test_06_behind_https_the_cookie_is_secure_and_bound_to_the_host(anna, sign_in, monkeypatch):
    monkeypatch.setenv("LUTHIER_PUBLIC_URL", "https://luthier.example.org")
    settings.cache_clear()
    answer = sign_in()
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-luthier=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "max-age=" in answer.headers["strict-transport-security"]


# -- single-use links ---------------------------------------------------------------------------


def test_the_first_owner_is_made_with_a_link_that_works_once(client, database):
    with unit_of_work() as session:
        address = service.owner_link(session)
    token = address.rpartition("/")[2]
    form = {"token": token, "email": "Owner@Example.org", "name": "Olga", "password": PASSWORD}
    assert client.get("/login").headers["location"] == "/welcome"
    assert client.get(f"/welcome/{token}").status_code == 200

    made = client.post("/welcome", data=form)

    assert made.status_code == 303
    assert client.get("/projects").status_code == 200
    with read_only() as session:
        (owner,) = session.query(User).all()
        (link,) = session.query(SingleUseLink).all()
    assert (owner.email, owner.is_instance_owner) == ("owner@example.org", True)
    assert link.fingerprint == secrets.fingerprint(token)
    again = client.post("/welcome", data={**form, "email": "second@example.org"})
    assert again.status_code == 422
    assert client.get("/welcome").headers["location"] == "/login"


def test_without_the_link_nobody_becomes_the_owner(client, database):
    form = {"token": "guessed", "email": "x@example.org", "password": PASSWORD}
    assert client.post("/welcome", data=form).status_code == 422
    with read_only() as session:
        assert session.query(User).count() == 0


def test_07_a_password_link_works_once_and_ends_every_session(anna, client, sign_in):
    before = Browser(client, anna)
    with unit_of_work() as session:
        token = service.password_link(session, session.get_one(User, anna)).rpartition("/")[2]
    assert "anna@example.org" in client.get(f"/password/{token}").text
    fresh = "another very long password"

    short = client.post("/password", data={"token": token, "password": "short"})
    done = client.post("/password", data={"token": token, "password": fresh})
    again = client.post("/password", data={"token": token, "password": fresh})

    assert [short.status_code, done.status_code, again.status_code] == [422, 303, 422]
    assert before.get("/projects").status_code == 303
    client.cookies.clear()
    assert sign_in(password=fresh).status_code == 303
    assert sign_in().status_code == 401


def test_07_a_link_expires_after_three_days(anna, client):
    with unit_of_work() as session:
        token = service.password_link(session, session.get_one(User, anna)).rpartition("/")[2]
    clock.shift(72 * 3600 + 1)
    assert client.post("/password", data={"token": token, "password": PASSWORD}).status_code == 422


def test_a_new_link_ends_the_one_before(anna, client):
    with unit_of_work() as session:
        person = session.get_one(User, anna)
        old, new = (
            service.make_link(session, LinkPurpose.SET_PASSWORD, user_id=anna) for _ in "ab"
        )
        assert person.id == anna
    assert client.post("/password", data={"token": old, "password": PASSWORD}).status_code == 422
    assert client.post("/password", data={"token": new, "password": PASSWORD}).status_code == 303


def test_a_link_for_one_thing_is_no_link_for_another(anna, client):
    with unit_of_work() as session:
        token = service.make_link(session, LinkPurpose.FIRST_OWNER)
    assert client.post("/password", data={"token": token, "password": PASSWORD}).status_code == 422


# -- tokens -------------------------------------------------------------------------------------


def test_08_a_token_is_kept_as_a_fingerprint_alone(anna):
    with unit_of_work() as session:
        token = service.create_token(session, session.get_one(User, anna), name="ci")
    with read_only() as session:
        (row,) = session.query(ApiToken).all()
    assert token.startswith("lut_")
    assert row.fingerprint == secrets.fingerprint(token)
    assert token not in repr(vars(row))
    assert row.prefix == token[:12]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer lut_wrong",
        "Basic lut_wrong",
        "Bearer ' OR 1=1 --",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ],
)
@one_database
def test_a_wrong_token_is_401_as_problem_details(anna, client, header):
    answer = client.get("/api/v1/projects", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_in_the_address_or_a_cookie_opens_nothing(anna, client):
    with unit_of_work() as session:
        token = service.create_token(session, session.get_one(User, anna), name="ci")
    assert client.get("/api/v1/projects", params={"token": token}).status_code == 401
    browser = Browser(client, anna)
    assert browser.get("/api/v1/projects").status_code == 401
    good = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/projects", headers=good).status_code == 200
    assert client.get("/projects", headers=good).status_code == 303


def test_08_a_revoked_token_and_that_of_a_disabled_person_are_worth_nothing(anna, script):
    sends = script(anna)
    assert sends.get("/projects").status_code == 200
    with unit_of_work() as session:
        (row,) = session.query(ApiToken).all()
        assert row.used_at is not None
        row.revoked_at = clock.now(session)
    assert sends.get("/projects").status_code == 401
    other = script(anna)
    with unit_of_work() as session:
        session.get_one(User, anna).disabled_at = clock.now(session)
    assert other.get("/projects").status_code == 401


def test_what_people_do_is_on_record(anna, sign_in):
    sign_in()
    assert read(User, anna).email == "anna@example.org"
    with read_only() as session:
        from app.auth.models import Activity

        verbs = [row.verb for row in session.query(Activity).order_by(Activity.id)]
    assert verbs == ["user.created", "user.signed_in"]
