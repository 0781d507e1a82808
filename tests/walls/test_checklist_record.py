"""Every accepted change is on record, and no refused one: item 50 of the security checklist, over
all routes that change something.
"""

import pytest

from app.auth.models import Activity
from app.core.database import read_only
from tests.architecture.routes import every_route
from tests.walls.matrix import TABLE
from tests.walls.world import forgotten

# A route that TABLE does not know fails in test_matrix.py.
UNSAFE = [route for route in every_route() if route.is_unsafe and route.name in TABLE]

# What makes a request right; where nothing stands here, what TABLE sends does.
SOMEBODY = {"email": "outsider@example.org", "role": "viewer"}
AN_ACCOUNT = {
    "name": "Another", "base_url": "https://api.openai.com/v1", "api_key": "sk-0123456789abcdef",
}  # fmt: skip
RIGHT = {
    "account.rename": {"name": "Nia"},
    "account.create_token": {"token_name": "ci"},
    "projects.create": {"name": "Routing"},
    "api.projects.create": {"name": "Routing"},
    "members.add": SOMEBODY,
    "api.members.add": SOMEBODY,
    "members.invite": {"role": "viewer"},
    "api.invitations.create": {"role": "viewer"},
    "connections.create": AN_ACCOUNT,
    "api.connections.create": AN_ACCOUNT,
    "connections.change": AN_ACCOUNT,
    "connections.change_admin": {"admin_key": "sk-admin-0123456789abcdef"},
    "api.connections.change": {"name": "Renamed"},
}
# Not tried here, and why.
ELSEWHERE = {
    "auth.login_post": "test_50_signing_in_and_out_is_on_record",
    "auth.welcome_post": "needs the first owner's link: tests/auth/test_signing_in.py",
    "auth.password_post": "needs a link: tests/auth/test_people.py",
    "invitations.join": "needs a link: tests/projects/test_members.py",
    "invitations.accept": "needs a link: tests/projects/test_members.py",
    "account.password": "needs a password: tests/auth/test_account.py",
}
# Changes that are nobody else's business.
PRIVATE = {
    "account.settings", "account.theme", "account.tour",
    "notices.read", "notices.read_all", "notices.revoke_link",
    "choices.choose", "choices.mute", "choices.unmute",
    "rounds.undo",  # of one's own grades, which the round keeps
    "hand.next", "api.hand.next",  # a case in one's own hands
}  # fmt: skip
# It is so already, so nothing changes.
SO_ALREADY = {
    "people.enable", "budgets.remove", "people.unmake_owner", "rescues.go", "api.rescues.go",
    "connections.forget_admin", "api.connections.forget_admin",
    "api.datasets.unarchive", "api.jobs.unarchive", "api.models.unarchive",
    "playground.share", "api.conversations.share", "collections.put_back",
    "api.collections.put_back", "evaluation_runs.resume", "api.evaluation_runs.resume",
    "schedules.resume", "api.schedules.resume",
}  # fmt: skip
# Asks, and changes nothing that lasts.
ASKS = ("chat", "test", "check", "measure", "playground/prompt", "duels/price")


def recorded():
    with read_only() as session:
        return session.query(Activity).count()


def actor(route, world):
    """Somebody who may: the instance's owner, else the project's, who is not the last one here."""
    return world.people["keeper" if TABLE[route.name].access == "instance" else "owner"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_50_what_is_accepted_is_on_record_and_what_is_refused_is_not(world):
    wrong, accepted = [], set()
    for route in UNSAFE:
        if route.name in {*ELSEWHERE, *PRIVATE} or route.path.endswith(ASKS):
            continue
        person = actor(route, world)
        headers = person.by_cookie if route.is_page else person.by_token
        with forgotten():
            before = recorded()
            ids = world.ids(person, "own", route)
            answer = world.ask(route, ids, headers, RIGHT.get(route.name))
            more = recorded() - before
        if answer.status_code < 400:
            accepted.add(route.name)
        if (answer.status_code < 400 and route.name not in SO_ALREADY) != (more > 0):
            wrong.append(f"{route}: {answer.status_code}, {more} rows")
    assert not wrong, "\n".join(wrong)
    assert accepted >= {
        "members.add", "members.change", "members.remove", "members.invite", "connections.create",
        "datasets.upload", "jobs.cancel", "account.create_token", "auth.logout", "people.disable",
    }  # fmt: skip
