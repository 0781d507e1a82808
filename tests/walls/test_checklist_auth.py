"""Signing in, by the numbers of the security checklist (see `test_checklist.py`)."""

import asyncio
import threading
from collections import Counter
from contextlib import suppress

import anyio.to_thread
import argon2
import httpx2
import pytest

from app.auth import passwords, service
from app.auth.models import Activity, User, UserSession
from app.core import clock
from app.core.database import THREADS, read_only, unit_of_work
from app.core.errors import NotSignedIn
from app.main import create_app
from app.projects import service as projects
from app.projects.models import Project, Role
from tests import make
from tests.make import PASSWORD
from tests.stage import Browser, one_database, read, run_together

WITHIN_SECONDS = 60
WRONG = "wrong wrong wrong"
REAL = passwords._hasher


class Hasher:
    """A tally of what argon2 was asked to do; while `gate` is shut, it does not end."""

    def __init__(self):
        self.compared, self.hashed = [], 0
        self.at_work = self.most_at_work = 0
        self.is_busy, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def verify(self, known, password):
        self.compared.append(argon2.extract_parameters(known))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        if self.at_work == passwords.AT_ONCE:
            self.is_busy.set()
        assert self.gate.wait(WITHIN_SECONDS)
        self.at_work -= 1
        if known == passwords.NOBODYS or password != PASSWORD:
            raise argon2.exceptions.VerifyMismatchError
        return True

    def hash(self, password):
        self.hashed += 1
        return REAL.hash(password)

    def check_needs_rehash(self, known):
        return False


@pytest.fixture
def hasher(monkeypatch):
    """In place of the program's."""
    made = Hasher()
    monkeypatch.setattr(passwords, "_hasher", made)
    return made


@pytest.fixture
def anna(database):
    """Somebody with a password of the program's own cost."""
    with unit_of_work() as session:
        hashed = passwords.hashed(PASSWORD)
        return make.make_user(session, "anna", password_hash=hashed).id


def sign_in(client, password=PASSWORD, email="anna@example.org", **headers):
    form = {"email": email, "password": password}
    return client.post("/login", data=form, headers=headers)


def test_01_a_hash_of_another_cost_is_renewed_when_its_owner_signs_in(database, client):
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with unit_of_work() as session:
        anna = make.make_user(session, "anna", password_hash=old).id
    assert sign_in(client, WRONG).status_code == 401
    assert read(User, anna).password_hash == old
    assert sign_in(client).status_code == 303
    renewed = read(User, anna).password_hash
    assert renewed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert sign_in(client).status_code == 303
    assert read(User, anna).password_hash == renewed


def test_01_pages_are_drawn_while_many_wait_to_be_hashed(real_database, hasher):
    """A password costs a tenth of a second: were threads to wait for it, nothing else would go."""
    with unit_of_work() as session:
        make.make_user(session, "anna", password_hash=passwords.hashed(PASSWORD))
    hasher.gate.clear()

    async def crowd():
        async with browsers() as client:
            entering = [asyncio.create_task(enter(client)) for _ in range(3 * THREADS)]
            await anyio.to_thread.run_sync(hasher.is_busy.wait, WITHIN_SECONDS)
            page = await client.get("/login")
            hasher.gate.set()
            return page, await asyncio.gather(*entering)

    page, answers = asyncio.run(asyncio.wait_for(crowd(), WITHIN_SECONDS))
    assert page.status_code == 200
    assert Counter(answers) == {303: 3 * THREADS}
    assert hasher.most_at_work == passwords.AT_ONCE


@one_database
@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("x" * 11, "At least 12 characters"),
        ("x" * 129, "At most 128 bytes"),
        ("ä" * 65, "At most 128 bytes"),
        ("x" * 900_000, "At most 1024."),
        ("\ufdfa" * 8, "At most 128 bytes"),  # eighteen letters each in the normal form
    ],
    ids=["short", "long", "long in bytes", "huge", "long when normal"],
)
def test_02_a_password_is_measured_before_it_is_hashed(anna, client, hasher, password, words):
    with unit_of_work() as session:
        token = service.make_link(session, service.LinkPurpose.SET_PASSWORD, user_id=anna)
    answer = client.post("/password", data={"token": token, "password": password})
    assert answer.status_code == 422
    assert words in answer.text
    assert sign_in(client, password).status_code in {401, 422}
    assert hasher.hashed == 0
    assert len(hasher.compared) <= 1


@one_database
def test_02_a_password_is_the_same_however_its_letters_are_composed(database, client):
    with unit_of_work() as session:
        hashed = passwords.hashed("Zürich im Frühling")
        make.make_user(session, "anna", password_hash=hashed)
    assert sign_in(client, "Zu\u0308rich im Fru\u0308hling").status_code == 303
    assert sign_in(client, "Ｚürich im Frühling").status_code == 303
    assert sign_in(client, "Zurich im Fruhling").status_code == 401


@one_database
def test_03_every_wrong_sign_in_costs_the_same_and_looks_the_same(anna, client, hasher):
    """Counted in comparisons and their cost: what a clock would measure, without its noise."""
    with unit_of_work() as session:
        make.make_user(session, "linkless")
        gone = make.make_user(session, "gone", password_hash=read(User, anna).password_hash)
        gone.disabled_at = clock.now(session)
    seen = set()
    for name, password in (
        ("anna", WRONG), ("nobody", WRONG), ("nobody", PASSWORD), ("linkless", WRONG),
        ("gone", WRONG), ("gone", PASSWORD),
    ):  # fmt: skip
        before = len(hasher.compared)
        answer = sign_in(client, password, f"{name}@example.org")
        (cost,) = hasher.compared[before:]
        text = answer.text.replace(f"{name}@example.org", "X")
        seen.add((answer.status_code, text, len(answer.headers), repr(cost)))
        assert hasher.hashed == 0
    assert len(seen) == 1, seen


def test_03_the_hash_of_nobody_costs_what_a_new_one_does():
    assert passwords.renewed(passwords.NOBODYS, "") is None


def test_04_many_wrong_passwords_at_once_are_slowed_like_one_after_the_other(real_database, hasher):
    with unit_of_work() as session:
        make.make_user(session, "anna", password_hash=passwords.hashed(PASSWORD))

    async def guess():
        async with browsers() as client:
            return await asyncio.gather(*[enter(client, WRONG) for _ in range(50)])

    answers = Counter(asyncio.run(asyncio.wait_for(guess(), WITHIN_SECONDS)))
    assert set(answers) == {401, 429}
    assert len(hasher.compared) < service.PER_ACCOUNT + passwords.AT_ONCE


def test_04_an_instance_under_attack_hashes_no_more(anna, client, hasher, monkeypatch):
    monkeypatch.setattr(service, "IN_ALL", 3)
    with unit_of_work() as session:
        for n in range(3):
            service.record_failure(session, email=f"p{n}@example.org", address=f"10.0.0.{n}")
    refused = sign_in(client)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 300
    assert not hasher.compared
    clock.shift(301)
    assert sign_in(client).status_code == 303


@one_database
def test_04_a_made_up_address_in_a_header_does_not_help(anna, client, hasher):
    with unit_of_work() as session:
        for n in range(service.PER_ADDRESS - 1):
            service.record_failure(session, email=f"p{n}@example.org", address="testclient")
    answers = [
        sign_in(client, WRONG, f"q{n}@example.org", **{"X-Forwarded-For": f"203.0.113.{n}"})
        for n in range(2)
    ]
    assert [one.status_code for one in answers] == [401, 429]


def test_05_a_browser_that_signs_in_again_leaves_no_session_behind(anna, client):
    first = sign_in(client).cookies
    with read_only() as session:
        (before,) = session.query(UserSession).all()
    assert sign_in(client).cookies != first
    with read_only() as session:
        (after,) = session.query(UserSession).all()
    assert after.fingerprint != before.fingerprint


def test_05_a_sign_in_that_overlaps_a_change_of_the_password_opens_nothing(anna):
    proved = read(User, anna).password_hash
    with unit_of_work() as session:
        service.change_password(session, user_id=anna, password_hash="another")
    with pytest.raises(NotSignedIn), unit_of_work() as session:
        service.sign_in(session, anna, proved=proved)


def test_07_an_invitation_is_worth_nothing_once_its_maker_could_not_make_it(team, client):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        second = make.make_user(session, "second")
        for change in ("demoted", "removed", "disabled"):
            projects.add_member(
                session, project=project, user=second, role=Role.OWNER, actor_id=None
            )
            second.disabled_at = None
            _, token = projects.invite(
                session, project=project, role=Role.OWNER, actor_id=second.id
            )
            session.flush()
            assert projects.find_invitation(session, token).created_by == second.id
            if change == "disabled":
                second.disabled_at = clock.now(session)
            elif change == "demoted":
                projects.change_role(
                    session, project=project, user_id=second.id, role=Role.EDITOR,
                    actor_id=team.users["owner"],
                )  # fmt: skip
            else:
                projects.remove_member(
                    session, project=project, user_id=second.id, actor_id=team.users["owner"]
                )
            session.flush()
            with pytest.raises(service.ProductError, match="Ask for a new one"):
                projects.find_invitation(session, token)
            assert not projects.queries.open_invitations(session, project.id, clock.now(session))


@pytest.mark.parametrize("purpose", ["the first owner", "a password"])
def test_07_a_link_that_is_used_twice_at_once_works_once(real_database, purpose):
    with unit_of_work() as session:
        if purpose == "a password":
            link = service.password_link(session, make.make_user(session, "anna"))
        else:
            link = service.owner_link(session)
    token, names = link.rpartition("/")[2], iter(("one", "two"))
    done, refused, failed, both = [], [], [], threading.Barrier(2)

    def use():
        name = next(names)
        try:
            with unit_of_work() as session:
                if purpose == "a password":
                    service.set_password(session, token=token, password_hash=name)
                else:
                    email = f"{name}@example.org"
                    service.welcome_owner(
                        session, token=token, email=email, name=name, password_hash=name
                    )
                # Were both let in, both are here before either commits.
                with suppress(threading.BrokenBarrierError):
                    both.wait(0.5)
            done.append(name)
        except service.ProductError as error:
            refused.append(error)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)

    run_together(use, 2)
    assert failed == []
    assert (len(done), len(refused)) == (1, 1)
    with read_only() as session:
        assert session.query(User).count() == 1


def test_07_a_mail_scanner_that_opens_a_link_does_not_use_it_up(anna, client):
    with unit_of_work() as session:
        link = service.password_link(session, session.get_one(User, anna))
    path = "/password/" + link.rpartition("/")[2]
    for _ in range(3):
        assert "anna@example.org" in client.get(path).text
        assert client.head(path).status_code in {200, 405}
    form = {"token": link.rpartition("/")[2], "password": "another very long password"}
    assert client.post("/password", data=form).status_code == 303


def test_50_signing_in_and_out_is_on_record(anna, client):
    browser = Browser(client, anna)
    Browser(client, anna)
    browser.post("/account/sessions/end-others")
    browser.post("/logout")
    with read_only() as session:
        rows = session.query(Activity).filter_by(actor_id=anna).order_by(Activity.id)
        assert [row.verb for row in rows] == [
            "user.signed_in",
            "user.signed_in",
            "user.other_browsers_signed_out",
            "user.signed_out",
        ]


def browsers():
    """Strangers' browsers on a program of their own, with as many threads as the real one."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    transport = httpx2.ASGITransport(app=create_app())
    return httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8000", timeout=WITHIN_SECONDS
    )


async def enter(client, password=PASSWORD):
    answer = await client.post("/login", data={"email": "anna@example.org", "password": password})
    return answer.status_code
