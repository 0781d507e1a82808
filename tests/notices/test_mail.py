"""Mail handed to a real server, somebody else's: to those who chose it, and nothing but words."""

from urllib.parse import quote

import pytest
from pydantic import ValidationError

from app.auth.models import User
from app.core import clock
from app.core.database import unit_of_work
from app.notices.choices import service as choices
from app.notices.choices.defaults import DEFAULTS, Ways
from app.notices.models import About, Delivery
from app.notices.sending import mailing, service, tasks
from app.notices.sending.service import PAUSES
from app.notices.telling import Topic
from app.projects import service as projects
from app.projects.models import Project
from app.settings import settings
from tests.notices.outgoing import deliveries, later, tries, work
from tests.notices.postoffice import PASSWORD, USER, PostOffice
from tests.notices.test_telling import say
from tests.stage import one_database

FROM = "Luthier <luthier@example.org>"


def mailed_by(office, monkeypatch, scheme="smtp", password=PASSWORD, user=USER):
    who = f"{user}:{quote(password, safe='')}@" if user else ""
    monkeypatch.setenv("LUTHIER_SMTP_URL", f"{scheme}://{who}127.0.0.1:{office.port}")
    monkeypatch.setenv("LUTHIER_MAIL_FROM", FROM)
    monkeypatch.setenv("LUTHIER_WAIT_DIVISOR", "1")  # the clock is moved by hand
    settings.cache_clear()


@pytest.fixture
def office(home, tmp_path, monkeypatch):
    found = PostOffice(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(found.certificate[0]))
    mailed_by(found, monkeypatch)
    yield found
    found.close()


def to(office):
    return sorted(one for _, addresses in office.envelopes for one in addresses)


def email(team, name):
    with unit_of_work() as session:
        return session.get_one(User, team.users[name]).email


def choose(team, name, **ways):
    chosen = {**DEFAULTS, **{About(about): Ways(*how) for about, how in ways.items()}}
    with unit_of_work() as session:
        choices.choose(session, user_id=team.users[name], chosen=chosen)


def test_a_mail_says_what_happened_where_to_see_it_and_where_to_choose(team, office):
    say(team, title="Half of the bücher\r\nBcc: everybody@example.org\r\n\r\nis spent", path="/x")
    work()
    assert to(office) == sorted([email(team, "owner"), email(team, "editor")])
    mail = office.mails[0]
    assert mail["Subject"].startswith("Half of the bücher Bcc: everybody@example.org is spent (")
    assert mail["Bcc"] is None
    assert mail["From"] == FROM
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] == f"<{settings().base_url}/account/notices>"
    assert mail["Message-ID"] == f"<{deliveries()[0].message_id}@127.0.0.1>"
    text = mail.get_content()
    for words in ("Of $100.", f"{settings().base_url}/x", "/account/notices"):
        assert words in text
    assert mail.get_content_type() == "text/plain"
    assert office.was_secure == [True, True]


@one_database
def test_each_topic_goes_by_mail_to_those_who_chose_it(team, office):
    choose(team, "owner", budget=(True, False))
    choose(team, "viewer", budget=(True, True), job=(True, True))
    say(team, "a")
    assert work() == 1
    assert to(office) == [email(team, "editor")]  # a viewer cannot do anything about a budget
    office.envelopes.clear()
    say(team, "b", topic=Topic.JOB_ENDED, person_id=team.users["editor"])
    work()
    assert to(office) == sorted([email(team, "editor"), email(team, "viewer")])
    office.envelopes.clear()
    say(team, "c", topic=Topic.JOB_ENDED, person_id=team.users["editor"],
        actor_id=team.users["editor"])  # fmt: skip
    work()
    assert to(office) == [email(team, "viewer")]
    office.envelopes.clear()
    say(team, "d", topic=Topic.DATES)
    work()
    assert len(to(office)) == 3


@one_database
def test_who_left_is_shut_out_or_wants_none_of_this_project_gets_nothing(team, office):
    with unit_of_work() as session:
        choices.mute(session, project_id=team.project_id, user_id=team.users["owner"], is_mute=True)
    say(team, topic=Topic.DATES)
    with unit_of_work() as session:
        session.get_one(User, team.users["viewer"]).disabled_at = clock.now(session)
        project = session.get_one(Project, team.project_id)
        projects.remove_member(
            session, project=project, user_id=team.users["editor"], actor_id=team.users["owner"]
        )
    for _ in range(3):
        work()
    assert office.mails == []
    assert {one.last_error for one in deliveries()} == {service.NOT_WANTED}
    say(team, "b", topic=Topic.DATES)
    assert work() == 0


def test_a_refusal_for_now_is_tried_again_as_the_same_mail_and_one_for_good_is_not(team, office):
    office.to_recipients += ["451 Later", "550 No such box"]
    say(team)
    work()
    assert office.mails == []
    later(PAUSES[0])
    work()
    assert [one.status for one in tries()] == [451, 550, 250]
    assert "451: Later" in tries()[0].problem
    first, second = deliveries()
    assert [first.delivered_at is None, second.delivered_at is None].count(True) == 1
    assert work() == 0


@one_database
def test_a_server_that_refuses_the_mail_or_the_password_says_why(team, office, monkeypatch):
    office.to_mails += ["554 Spam"]
    say(team)
    work()
    assert [one.status for one in tries()] == [554, 250]
    mailed_by(office, monkeypatch, password="wrong")
    say(team, "b")
    work()
    assert tries()[-1].status == 535
    assert PASSWORD not in tries()[-1].problem


@one_database
def test_a_server_nobody_vouches_for_gets_no_password(team, office, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    say(team)
    work()
    assert office.mails == []
    assert "certificate" in tries()[0].problem


@one_database
def test_a_server_without_tls_gets_mail_only_where_the_operator_says_so(
    team, home, tmp_path, monkeypatch
):
    office = PostOffice(tmp_path, is_secure=False)
    try:
        mailed_by(office, monkeypatch)
        say(team)
        work()
        assert "STARTTLS" in tries()[0].problem
        mailed_by(office, monkeypatch, scheme="smtp+plain", user="")
        later(PAUSES[0])
        work()
        assert len(office.mails) == 2
        assert office.was_secure == [False, False]
    finally:
        office.close()


@one_database
def test_a_server_that_is_away_is_tried_again_and_holds_up_no_second_mail(team, office):
    office.close()
    say(team)
    assert work() == 1
    assert work() == 0
    assert [one.status for one in tries()] == [None]
    assert "cannot be used" in tries()[0].problem


def test_after_two_workers_died_over_a_mail_no_third_sends_it(team, office):
    choose(team, "editor", budget=(True, False))
    say(team)
    ((_, delivery_id),) = tasks.waiting()
    for turn in range(1, 3):
        with unit_of_work() as session:
            assert service.claim(session, delivery_id) is not None
        clock.shift(turn * (service.LEASE_SECONDS + 1))
    work()
    assert office.mails == []
    assert deliveries()[0].last_error == service.UNKNOWN


@one_database
def test_a_stranger_address_is_refused_without_a_word_to_the_server(team, office):
    with unit_of_work() as session:
        session.get_one(User, team.users["owner"]).email = "a,b@example.org"
        session.get_one(User, team.users["editor"]).email = "x>\r\nRCPT TO:<y@example.org"
    say(team)
    work()
    assert office.mails == []
    assert [one.problem for one in tries()] == [mailing.NO_ADDRESS] * 2


@one_database
def test_an_instance_without_a_server_makes_no_mail_and_says_how(team, browser):
    say(team)
    assert deliveries() == []
    owner = browser(team.users["owner"])
    page = owner.get(f"/projects/{team.project_id}/endpoints").text
    assert "LUTHIER_SMTP_URL" in page
    assert owner.post(f"/projects/{team.project_id}/endpoints/mail-test").status_code == 409
    assert "LUTHIER_SMTP_URL" in owner.get("/account/notices").text


def test_an_owner_sends_themselves_a_test_and_sees_what_became_of_it(team, office, browser):
    owner = browser(team.users["owner"])
    path = f"/projects/{team.project_id}/endpoints"
    assert owner.post(f"{path}/mail-test").status_code == 303
    assert "is on its way." in owner.get(path).text
    work()
    assert to(office) == [email(team, "owner")]
    assert "was handed over" in owner.get(path).text
    office.to_recipients += ["550 <b>No</b>"]
    owner.post(f"{path}/mail-test")
    work()
    page = owner.get(path).text
    assert "was given up. The mail server answered 550: &lt;b&gt;No&lt;/b&gt;" in page
    with unit_of_work() as session:
        assert session.query(Delivery).count() == 2


@pytest.mark.parametrize(
    ("url", "sender"),
    [("ftp://mail.example.org", FROM), ("smtp://", FROM), ("smtp://u:hunter2@mail/x", FROM),
     ("smtp://u:hunter2@mail", None), ("smtp://u:hunter2@mail", "nobody")],
)  # fmt: skip
def test_a_wrong_setting_is_told_without_its_password(home, monkeypatch, url, sender):
    monkeypatch.setenv("LUTHIER_SMTP_URL", url)
    if sender:
        monkeypatch.setenv("LUTHIER_MAIL_FROM", sender)
    settings.cache_clear()
    with pytest.raises(ValidationError, match=r"LUTHIER_(SMTP_URL|MAIL_FROM) is") as told:
        settings()
    assert "hunter2" not in str(told.value)
