"""A person's own page: name, password, signed-in browsers, API tokens."""

import re

import pytest

from app.auth import passwords
from app.auth.access import cookie_name
from app.auth.models import ApiToken, User, UserSession
from app.core import secrets
from app.core.database import read_only, unit_of_work
from tests import make
from tests.stage import Browser, read

TOKEN = re.compile(r"lut_[\w-]{20,}")
NEW = "a bridge of maple, cut thin"


@pytest.fixture
def person(database):
    """Somebody with a password and no project."""
    password_hash = passwords.hashed(make.PASSWORD)
    with unit_of_work() as session:
        return make.make_user(session, "nia", password_hash=password_hash).id


@pytest.fixture
def nia(person, browser):
    return browser(person)


def change(browser, **fields):
    return browser.post("/account/password", fields)


def test_the_page_shows_what_is_known_of_the_person_alone(nia, client, team):
    other = Browser(client, team.users["owner"])
    other.post("/account/tokens", {"token_name": "monthly backup"})
    page = nia.get("/account")
    assert page.status_code == 200
    assert "nia@example.org" in page.text
    assert "this browser" in page.text
    assert "monthly backup" not in page.text


def test_a_name_is_changed_and_a_wrong_one_is_kept_to_be_mended(nia, person):
    assert nia.post("/account/name", {"name": "Nia  Okafor"}).status_code == 303
    assert read(User, person).name == "Nia  Okafor"
    long = nia.post("/account/name", {"name": "x" * 121})
    assert long.status_code == 422
    assert "x" * 121 in long.text
    assert read(User, person).name == "Nia  Okafor"


def test_05_a_new_password_ends_every_session_and_begins_another(nia, person, client):
    elsewhere = Browser(client, person)
    wrong = change(nia, current="not it at all", password=NEW)
    assert "not the password you have now" in nia.get(wrong.headers["location"]).text
    short = change(nia, current=make.PASSWORD, password="short")
    assert "At least 12 characters" in nia.get(short.headers["location"]).text
    assert elsewhere.get("/account").status_code == 200
    done = change(nia, current=make.PASSWORD, password=NEW)
    for old in (nia, elsewhere):
        assert old.get("/account").headers["location"].startswith("/login")
    assert done.cookies[cookie_name()] != nia.token
    assert "The password is changed" in client.get(done.headers["location"]).text
    client.cookies.clear()
    signed_in = client.post("/login", data={"email": "nia@example.org", "password": NEW})
    assert signed_in.status_code == 303


def test_wrong_old_passwords_are_slowed_like_wrong_sign_ins(nia):
    for _ in range(10):
        change(nia, current="not it at all", password=NEW)
    late = change(nia, current=make.PASSWORD, password=NEW)
    assert "Too many wrong passwords" in nia.get(late.headers["location"]).text


def test_a_password_is_not_changed_without_the_forms_token(nia, client):
    fields = {"current": make.PASSWORD, "password": NEW, "csrf": "guessed"}
    assert client.post("/account/password", data=fields, headers=nia.headers).status_code == 403


def test_a_token_is_shown_once_works_and_is_revoked(nia, person, client):
    made = nia.post("/account/tokens", {"token_name": "monthly backup"})
    assert made.headers["cache-control"] == "no-store"
    token = TOKEN.search(made.text)[0]
    assert not TOKEN.search(nia.get("/account").text)
    assert "monthly backup" in nia.get("/account").text
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/projects", headers=bearer).status_code == 200
    with read_only() as session:
        row = session.query(ApiToken).filter_by(user_id=person).one()
        assert row.fingerprint == secrets.fingerprint(token)
        number = row.id
    assert nia.post(f"/account/tokens/{number}/revoke").status_code == 303
    assert client.get("/api/v1/projects", headers=bearer).status_code == 401
    assert "monthly backup" not in nia.get("/account").text


def test_another_persons_token_and_session_are_not_there(nia, client, team):
    other = Browser(client, team.users["owner"])
    other.post("/account/tokens", {"token_name": "theirs"})
    with read_only() as session:
        token = session.query(ApiToken).filter_by(name="theirs").one()
        theirs = secrets.fingerprint(other.token)
    assert nia.post(f"/account/tokens/{token.id}/revoke").status_code == 404
    assert nia.post(f"/account/sessions/{theirs}/end").status_code == 404
    assert other.get("/account").status_code == 200


def test_browsers_are_signed_out_one_by_one_or_all_but_this(nia, person, client):
    one, two = Browser(client, person), Browser(client, person)
    assert nia.get("/account").text.count("last seen") == 3
    nia.post(f"/account/sessions/{secrets.fingerprint(one.token)}/end")
    assert one.get("/account").status_code == 303
    assert two.get("/account").status_code == 200
    nia.post("/account/sessions/end-others")
    assert two.get("/account").status_code == 303
    assert nia.get("/account").status_code == 200
    with read_only() as session:
        assert session.query(UserSession).filter_by(user_id=person).count() == 1


def test_a_person_sees_which_browsers_are_signed_in_and_from_where(nia, client):
    form = {"email": "nia@example.org", "password": make.PASSWORD}
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
    client.post("/login", data=form, headers={"User-Agent": firefox})
    page = nia.get("/account").text
    assert "Firefox on Linux" in page
    assert "testclient" in page


def test_how_pages_look_is_kept_and_every_page_knows_it(nia, person):
    plain = nia.get("/account").text
    assert 'data-theme="system"' in plain
    assert "data-zone" not in plain
    chosen = {"theme": "dark", "time_zone": "Pacific/Auckland"}
    assert nia.post("/account/settings", chosen).status_code == 303
    page = nia.get("/projects").text
    assert 'data-theme="dark"' in page
    assert 'data-zone="Pacific/Auckland"' in page
    assert 'data-single-keys="off"' in page
    assert (
        nia.post("/account/settings", {"theme": "light", "single_keys": "yes"}).status_code == 303
    )
    found = read(User, person)
    assert (found.theme, found.time_zone, found.has_single_keys) == ("light", None, True)


def test_a_zone_or_a_theme_that_does_not_exist_is_told_by_field(nia, person):
    wrong = nia.post("/account/settings", {"theme": "dark", "time_zone": "Mars/Olympus"})
    assert wrong.status_code == 422
    assert "There is no time zone of this name." in wrong.text
    assert nia.post("/account/settings", {"theme": "pink"}).status_code == 422
    assert nia.post("/account/theme", {"theme": "pink"}).status_code == 422
    assert read(User, person).theme == "system"


def test_the_side_bars_switch_keeps_the_theme(nia, person):
    assert nia.post("/account/theme", {"theme": "dark"}).status_code == 204
    assert read(User, person).theme == "dark"


def test_the_tour_is_put_away_and_brought_back(nia, person):
    away = nia.post("/account/tour", {"is_touring": "no", "next": "/projects"})
    assert away.headers["location"] == "/projects"
    assert read(User, person).is_touring is False
    nia.post("/account/tour", {"is_touring": "yes", "next": "https://evil.example/"})
    assert read(User, person).is_touring is True
    foreign = nia.post("/account/tour", {"is_touring": "no", "next": "//evil.example/"})
    assert foreign.headers["location"] == "/"
