"""What was done is said once, on the page that comes next."""

import base64

from app.core import toasts
from app.core.database import unit_of_work
from tests import make
from tests.stage import Browser


def kept_by(answer):
    return answer.cookies.get(toasts.cookie_name())


def page_after(browser, words):
    headers = {**browser.headers}
    headers["Cookie"] += f"; {toasts.cookie_name()}={words}"
    return browser.client.get("/account", headers=headers)


def said(answer):
    return answer.text.partition('id="toasts"')[2].partition("<template")[0]


def rename(browser, name="Nia"):
    return kept_by(browser.post("/account/name", {"name": name}))


def test_a_redirect_brings_its_words_to_the_next_page_and_no_further(team, browser):
    owner = browser(team.users["owner"])
    after = page_after(owner, rename(owner))
    assert "Your name is saved." in said(after)
    assert kept_by(after) is None
    assert "Max-Age=0" in after.headers["set-cookie"]
    assert "Your name is saved." not in owner.get("/account").text


def test_a_part_of_a_page_does_not_eat_them(team, browser):
    owner = browser(team.users["owner"])
    words = rename(owner)
    headers = {"Cookie": f"{owner.headers['Cookie']}; {toasts.cookie_name()}={words}"}
    part = owner.client.get(
        f"/projects/{team.project_id}/side", headers={**headers, "HX-Request": "true"}
    )
    assert "set-cookie" not in part.headers
    assert "Your name is saved." in said(page_after(owner, words))


def test_words_that_we_did_not_sign_are_not_said(team, browser):
    owner = browser(team.users["owner"])
    signed = base64.urlsafe_b64decode(rename(owner))
    forged = base64.urlsafe_b64encode(signed[:16] + b"Your key is needed").decode()
    for words in (forged, "", "%", "AAAA", "x" * 4000):
        assert "<p>" not in said(page_after(owner, words))


def test_hostile_words_are_text(team, client):
    owner = Browser(client, team.users["owner"])
    name = "<img src=x onerror=alert(1)>"
    with unit_of_work() as session:
        hostile = make.make_user(session, "hostile")
        hostile.name = name
        hostile_id = hostile.id
    answer = owner.post(f"/people/{hostile_id}/disable")
    after = said(page_after(owner, kept_by(answer)))
    assert "&lt;img" in after
    assert "<img" not in after
