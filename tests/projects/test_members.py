"""Who belongs to a project: let in, promoted, shown out, invited by link."""

import re
import threading

import pytest

from app.auth import passwords, people
from app.auth import service as auth
from app.auth.models import Activity, User
from app.core import clock, events
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict, NotAllowed, NotFound, ProductError
from app.dashboard import live
from app.projects import queries, service
from app.projects.models import Invitation, Membership, Project, Role
from tests import make
from tests.dashboard.test_health_and_live import Asked
from tests.stage import make_team, one_database, run_together

LINK = re.compile(r"http://[^\s\"<]+/invitations/([\w-]+)")


def role_of(team, name):
    with read_only() as session:
        found = queries.membership(session, team.users[name], team.project_id)
        return found and found.role


def invited(page):
    """The token on a page that has just made an invitation."""
    return LINK.search(page.text)[1]


@pytest.fixture
def members(team):
    """The address of the members page."""
    return f"/projects/{team.project_id}/members"


def test_everybody_sees_who_is_here_and_owners_alone_see_what_changes_it(team, browser, members):
    for name, sees in (("viewer", False), ("editor", False), ("owner", True)):
        page = browser(team.users[name]).get(members).text
        for other in ("owner", "editor", "viewer"):
            assert f"{other}@example.org" in page
        assert ("Add to the project" in page) is sees
        assert (f"/members/{team.users['viewer']}/remove" in page) is sees
        assert f"/projects/{team.project_id}/leave" in page


def test_the_page_hears_of_changes_and_asks_for_its_rows_alone(team, browser, members):
    viewer = browser(team.users["viewer"])
    topic = f"members:{team.project_id}"
    assert f'data-topic="{topic}"' in viewer.get(members).text
    rows = viewer.get(members, **{"HX-Request": "true"}).text
    assert "editor@example.org" in rows
    assert "<html" not in rows
    outsider = Asked(browser(team.users["outsider"]).token, topic)
    assert live.visible_topics(Asked(viewer.token, topic)) == [topic]
    assert live.visible_topics(outsider) == []


def test_somebody_with_an_account_is_added_by_address(team, browser, members):
    owner = browser(team.users["owner"])
    added = owner.post(members, {"email": "Outsider@example.org", "role": "editor"})
    assert added.status_code == 303
    assert role_of(team, "outsider") == "editor"
    again = owner.post(members, {"email": "outsider@example.org", "role": "viewer"})
    assert again.status_code == 422
    assert "is a member already, as editor" in again.text
    unknown = owner.post(members, {"email": "nobody@example.org", "role": "viewer"})
    assert unknown.status_code == 422
    assert "Make an invitation link instead" in unknown.text
    assert "nobody@example.org" in unknown.text
    odd = owner.post(members, {"email": "nobody", "role": "king"})
    assert odd.status_code == 422
    assert "An e-mail address is needed" in odd.text


def test_a_role_is_changed_and_counts_at_once(team, browser, members):
    owner, viewer = browser(team.users["owner"]), browser(team.users["viewer"])
    path = f"{members}/{team.users['viewer']}/role"
    assert viewer.post(path, {"role": "owner"}).status_code == 403
    assert owner.post(path, {"role": "owner"}).status_code == 303
    assert role_of(team, "viewer") == "owner"
    assert viewer.post(path, {"role": "viewer"}).status_code == 303
    assert role_of(team, "viewer") == "viewer"
    odd = owner.post(path, {"role": "king"})
    assert odd.status_code == 422
    assert "Choose viewer, editor or owner." in odd.text
    assert owner.post(f"{members}/999999/role", {"role": "owner"}).status_code == 404


def test_the_last_owner_stays_and_is_told_why(team, browser, members):
    owner, me = browser(team.users["owner"]), team.users["owner"]
    for path, data in (
        (f"{members}/{me}/role", {"role": "viewer"}),
        (f"{members}/{me}/remove", {}),
        (f"/projects/{team.project_id}/leave", {}),
    ):
        answer = owner.post(path, data)
        assert answer.status_code == 409
        assert "A project needs an owner. Make somebody else one first." in answer.text
    assert role_of(team, "owner") == "owner"
    owner.post(f"{members}/{team.users['editor']}/role", {"role": "owner"})
    assert owner.post(f"/projects/{team.project_id}/leave").headers["location"] == "/projects"
    assert role_of(team, "owner") is None


def test_who_is_removed_is_outside_at_once_and_what_they_made_stays(team, browser, script, members):
    owner, editor = browser(team.users["owner"]), browser(team.users["editor"])
    token = script(team.users["editor"])
    assert editor.get(members).status_code == 200
    assert owner.post(f"{members}/{team.users['editor']}/remove").status_code == 303
    assert editor.get(members).status_code == 404
    assert token.get(f"/projects/{team.project_id}/jobs").status_code == 404
    assert owner.get(f"/dataset-versions/{team.version_id}").status_code == 200
    assert owner.post(f"{members}/{team.users['editor']}/remove").status_code == 404
    home = owner.get(f"/projects/{team.project_id}").text
    assert "removed" in home


@pytest.mark.anyio
async def test_23_an_open_stream_ends_when_the_rights_do(team, letters):
    topics = [f"project:{team.project_id}"]
    with unit_of_work() as session:
        request = Asked(auth.sign_in(session, team.users["viewer"]), *topics)
    assert live.visible_topics(request) == topics
    hub = events.Hub()
    stream = live.nudges(request, hub, topics)
    assert [await anext(stream) for _ in range(2)][1].endswith(
        b"data: project:%d\n\n" % team.project_id
    )
    hub.deliver(f"rights:{team.users['viewer']}")
    assert await anext(stream) == b": still here\n\n"
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        service.remove_member(
            session, project=project, user_id=team.users["viewer"], actor_id=team.users["owner"]
        )
    hub.deliver(f"rights:{team.users['viewer']}")
    assert await anext(stream) == b"event: ended\ndata: rights\n\n"
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


def test_what_happens_to_members_is_on_record(team, browser, members):
    owner = browser(team.users["owner"])
    editor = team.users["editor"]
    owner.post(f"{members}/{editor}/role", {"role": "viewer"})
    owner.post(f"{members}/{editor}/remove")
    with read_only() as session:
        rows = session.query(Activity).filter_by(subject=f"user:{editor}").order_by("id").all()
        told = [(row.verb, row.detail.get("role"), row.actor_id) for row in rows[-2:]]
    assert told == [
        ("member.changed", "viewer", team.users["owner"]),
        ("member.removed", "viewer", team.users["owner"]),
    ]


def test_25_two_owners_who_demote_each_other_at_once_leave_one(real_database):
    team = make_team(make.PUBLIC_URL, "sk-0123456789abcdef")
    owners = [team.users["owner"], team.users["editor"]]
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        service.change_role(
            session, project=project, user_id=owners[1], role=Role.OWNER, actor_id=owners[0]
        )
    together = threading.Barrier(2)
    order, refused, failed = iter([(owners[0], owners[1]), (owners[1], owners[0])]), [], []

    def demote():
        me, other = next(order)
        try:
            with unit_of_work() as session:
                project = session.get_one(Project, team.project_id)
                if real_database == "postgresql":
                    assert queries.membership(session, me, project.id).may("manage")
                    together.wait(10)
                service.change_role(
                    session, project=project, user_id=other, role=Role.VIEWER, actor_id=me
                )
        except (Conflict, NotAllowed) as error:
            refused.append(error)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)

    run_together(demote, 2)

    assert failed == []
    assert len(refused) == 1
    with read_only() as session:
        members = queries.members_of(session, team.project_id)
        assert [one.role for one in members].count("owner") == 1


def test_an_owner_who_cannot_sign_in_is_none_to_leave_a_project_to(team, browser, members):
    owner, me = browser(team.users["owner"]), team.users["owner"]
    owner.post(f"{members}/{team.users['editor']}/role", {"role": "owner"})
    with unit_of_work() as session:
        people.set_disabled(session, user_id=team.users["editor"], is_disabled=True, actor_id=me)
    assert owner.post(f"/projects/{team.project_id}/leave").status_code == 409
    assert owner.post(f"{members}/{me}/role", {"role": "viewer"}).status_code == 409
    # Whoever is disabled can go all the same.
    assert owner.post(f"{members}/{team.users['editor']}/remove").status_code == 303


def test_07_a_link_lets_one_person_in_with_the_role_it_was_made_for(team, browser, members):
    owner, guest = browser(team.users["owner"]), browser(team.users["outsider"])
    made = owner.post(f"/projects/{team.project_id}/invitations", {"role": "viewer"})
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    token = invited(made)
    assert token not in owner.get(members).text
    with read_only() as session:
        kept = session.query(Invitation).one()
        assert token not in str(vars(kept))
    seen = guest.get(f"/invitations/{token}")
    assert "Join as Outsider" in seen.text
    assert role_of(team, "outsider") is None
    joined = guest.post("/invitations/accept", {"token": token, "role": "owner"})
    assert joined.status_code == 404
    joined = guest.post("/invitations/accept", {"token": token})
    assert joined.headers["location"] == f"/projects/{team.project_id}"
    assert role_of(team, "outsider") == "viewer"
    assert "no longer good" in guest.get(f"/invitations/{token}").text
    assert guest.post("/invitations/accept", {"token": token}).status_code == 400


def test_somebody_new_makes_an_account_with_the_link(team, browser, client):
    made = browser(team.users["owner"]).post(
        f"/projects/{team.project_id}/invitations", {"role": "editor"}
    )
    token = invited(made)
    assert "Make an account and join" in client.get(f"/invitations/{token}").text
    person = {"token": token, "name": "Nia", "password": make.PASSWORD}
    taken = client.post("/invitations/join", data={**person, "email": "owner@example.org"})
    assert taken.status_code == 422
    assert "has an account already" in taken.text
    short = client.post(
        "/invitations/join", data={**person, "email": "nia@example.org", "password": "short"}
    )
    assert short.status_code == 422
    assert "nia@example.org" in short.text
    joined = client.post("/invitations/join", data={**person, "email": "nia@example.org"})
    assert joined.status_code == 303
    assert joined.headers["location"] == f"/projects/{team.project_id}"
    assert "luthier" in joined.headers["set-cookie"]
    with read_only() as session:
        nia = session.query(User).filter_by(email="nia@example.org").one()
        assert queries.membership(session, nia.id, team.project_id).role == "editor"
        assert not nia.is_instance_owner


def test_07_a_link_that_is_old_or_taken_back_opens_nothing(team, browser, client, members):
    owner = browser(team.users["owner"])
    path = f"/projects/{team.project_id}/invitations"
    taken_back = invited(owner.post(path, {"role": "editor"}))
    with read_only() as session:
        (waiting,) = queries.open_invitations(session, team.project_id, clock.now(session))
    assert "Take back" in owner.get(members).text
    assert owner.post(f"{path}/{waiting.id}/revoke").status_code == 303
    assert "Take back" not in owner.get(members).text
    old = invited(owner.post(path, {"role": "editor"}))
    clock.shift(72 * 3600 + 1)
    for token in (taken_back, old, "guessed", "x" * 5000):
        assert "no longer good" in client.get(f"/invitations/{token}").text
        person = {"name": "Nia", "email": "nia@example.org", "password": make.PASSWORD}
        answer = client.post("/invitations/join", data={"token": token, **person})
        assert answer.status_code == 422
    with read_only() as session:
        assert session.query(User).filter_by(email="nia@example.org").count() == 0


def test_without_a_good_link_nothing_is_hashed(client, team, monkeypatch):
    monkeypatch.setattr(passwords, "hashed", pytest.fail)
    person = {"name": "Nia", "email": "nia@example.org", "password": make.PASSWORD}
    for path in ("/invitations/join", "/welcome", "/password"):
        fields = person if path != "/password" else {"password": make.PASSWORD}
        answer = client.post(path, data={"token": "guessed", **fields})
        assert answer.status_code == 422


def test_a_members_own_click_does_not_use_the_link_up(team, browser):
    owner, editor = browser(team.users["owner"]), browser(team.users["editor"])
    token = invited(owner.post(f"/projects/{team.project_id}/invitations", {"role": "owner"}))
    answer = editor.post("/invitations/accept", {"token": token})
    assert answer.status_code == 409
    assert "member of Support routing already, as editor" in answer.text
    assert role_of(team, "editor") == "editor"
    assert "Join as Outsider" in browser(team.users["outsider"]).get(f"/invitations/{token}").text


@one_database
def test_another_projects_invitation_cannot_be_taken_back(team, browser):
    with unit_of_work() as session:
        stranger = make.make_user(session, "stranger")
        theirs = make.make_project(session, stranger, "Theirs")
        service.invite(session, project=theirs, role=Role.EDITOR, actor_id=stranger.id)
        (waiting,) = queries.open_invitations(session, theirs.id, clock.now(session))
        number = waiting.id
    path = f"/projects/{team.project_id}/invitations/{number}/revoke"
    assert browser(team.users["owner"]).post(path).status_code == 404


def test_two_who_open_one_link_at_once_are_one_member(real_database):
    team = make_team(make.PUBLIC_URL, "sk-0123456789abcdef")
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        _, token = service.invite(
            session, project=project, role=Role.EDITOR, actor_id=team.users["owner"]
        )
        guests = iter([make.make_user(session, name).id for name in ("nia", "noa")])
    joined, refused, failed = [], [], []

    def accept():
        guest = next(guests)
        try:
            with unit_of_work() as session:
                service.accept_invitation(session, token=token, user=session.get_one(User, guest))
            joined.append(guest)
        except ProductError as error:
            refused.append(error)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)

    run_together(accept, 2)

    assert failed == []
    assert (len(joined), len(refused)) == (1, 1)
    with read_only() as session:
        assert session.query(Membership).filter_by(project_id=team.project_id).count() == 4


def test_a_strangers_id_is_not_a_member(session):
    anna, bert = make.make_user(session), make.make_user(session, "bert")
    project = make.make_project(session, anna)
    with pytest.raises(NotFound):
        service.remove_member(session, project=project, user_id=bert.id, actor_id=anna.id)
    with pytest.raises(NotFound):
        service.remove_member(session, project=project, user_id=anna.id, actor_id=bert.id)
