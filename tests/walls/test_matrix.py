"""Every route, asked by everybody, about ours, theirs and nobody's: the answers of the table.

Numbers in names are those of the security checklist.
"""

import re
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Connection, select

from app.core import database as databases
from app.core.forms import Form
from app.core.orm import Base
from app.projects.models import Membership, Role
from tests.architecture.routes import Route, every_route
from tests.stage import one_database
from tests.walls.expected import MAY
from tests.walls.matrix import NOTES_OF_GETS, PUBLIC, TABLE
from tests.walls.named_rows import JOBS_ROWS, NAMED_ROWS
from tests.walls.world import CHILD, MARK, Person, World, forgotten

ROUTES = every_route()
OF_PROJECTS = {"view", "edit", "spend", "manage"}
# What stands in a path and belongs to a person or a team; `token` of a link is a secret itself.
OWNED = re.compile(r"(_id|fingerprint)$")
# Of the same person, by what they knock with.
PEOPLE = ("outsider", "viewer", "editor", "owner", "keeper", "removed", "disabled")


def test_every_route_stands_in_the_table_and_the_table_names_no_other():
    names = {route.name for route in ROUTES}
    assert names - TABLE.keys() == set(), (
        "A new route: say in TABLE of tests/walls/matrix.py whom it lets in and what it answers."
    )
    assert TABLE.keys() - names == set(), "Take the routes that are gone out of TABLE."
    assert len(ROUTES) > 90


def test_20_a_route_declares_the_word_that_the_table_expects():
    found = {route.name: set(route.access) for route in ROUTES}
    expected = {name: {one.access} - {None} for name, one in TABLE.items()}
    assert found == expected, "The code and TABLE disagree about who comes in: which is right?"


def test_what_is_public_says_why():
    assert all(TABLE[name].reason for name in PUBLIC)


def test_what_changes_things_is_never_for_viewers():
    assert not [route for route in ROUTES if route.is_unsafe and route.access == ["view"]]


def expected(route: Route, person: Person, kind: str) -> int:
    """The status that the table has for somebody who asks about a `kind` of thing."""
    entry = TABLE[route.name]
    answer = entry.but.get(person.name, entry.answer)
    if entry.access is not None and not person.is_known:
        return 303 if route.is_page else 401
    if entry.access == "instance" and person.name != "keeper":
        return 403
    if "project_id" in route.ids or entry.access in OF_PROJECTS:
        if person.role is None or kind not in {"own", CHILD}:
            return 404
        # Whoever may not act in our project learns nothing of what is below it.
        if entry.access != "self" and entry.access not in MAY[person.role]:
            return 403
    return answer if kind == "own" or entry.access is None else 404


def people_at(
    route: Route, world: World, names: Sequence[str]
) -> Iterator[tuple[str, Person, dict[str, str]]]:
    """Everybody, each with what they knock with here: a cookie at a page, a token at the API; and
    the owner with the one that this door does not take.
    """
    anonymous, owner = world.people["anonymous"], world.people["owner"]
    yield "anonymous", anonymous, {}
    for name in names if route.is_page else (*names, "revoked"):
        person = world.people[name]
        yield name, person, person.knocking_at(route)
    wrong_key = owner.by_token if route.is_page else owner.by_cookie
    yield "the owner with the wrong kind of key", anonymous, wrong_key
    if not route.is_page:
        yield "a made-up token", anonymous, {"Authorization": "Bearer lut_" + "x" * 43}


def asked(world: World, kind: str, routes: list[Route], names: Sequence[str] = PEOPLE) -> str:
    """Every cell that is not as the table says, in words. Whatever the answer is, nothing of the
    other team's stands in it.
    """
    wrong = []
    for route in [one for one in routes if one.name in TABLE]:
        for name, person, headers in people_at(route, world, names):
            with forgotten():
                answer = world.ask(route, world.ids(person, kind, route), headers)
            wanted = expected(route, person, kind)
            is_right = answer.status_code == wanted
            if is_right and wanted == 303 and not person.is_known and TABLE[route.name].access:
                is_right = answer.headers["location"].startswith("/login")
            if MARK in answer.text and TABLE[route.name].access != "instance":
                wrong.append(f"{route} asked by {name} about {kind}: tells of the other team")
            if not is_right:
                said = f"{answer.status_code} {answer.headers.get('location', '')}"
                wrong.append(f"{route} asked by {name} about {kind}: {said}, not {wanted}")
    return "\n".join(wrong)


# Who may do what depends on no database; `make faults` asks the other too.
SQLITE_IN_CI = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.full)], indirect=True
)


@SQLITE_IN_CI
def test_21_everybody_gets_the_answer_of_the_table_about_what_is_theirs(world, database):
    # The other roles differ from these in the program, not in what the database is asked.
    names = ("outsider", "viewer", "owner", "keeper") if database == "postgresql" else PEOPLE
    assert asked(world, "own", ROUTES, names) == ""


def with_ids(least: int) -> list[Route]:
    return [one for one in ROUTES if len([name for name in one.ids if OWNED.search(name)]) >= least]


@one_database
def test_23_a_role_that_is_lowered_counts_at_once(world):
    cancel = next(route for route in ROUTES if route.name == "api.jobs.cancel")
    editor = world.people["editor"]

    def status() -> int:
        with forgotten():
            return world.ask(cancel, world.ours, editor.by_token).status_code

    assert status() == 200
    for role, answer in ((Role.VIEWER, 403), (None, 404)):
        with databases.unit_of_work() as session:
            key = (world.team.project_id, world.team.users["editor"])
            member = session.get_one(Membership, key)
            if role is None:
                session.delete(member)
            else:
                member.role = role
        assert status() == answer


@SQLITE_IN_CI
def test_21_another_teams_things_do_not_exist(world, database):
    names = ("outsider", "owner") if database == "postgresql" else (*MAY, "keeper")
    of_teams = [route for route in with_ids(1) if TABLE[route.name].access != "instance"]
    assert asked(world, "another team's", of_teams, names) == ""


def test_22_a_thing_of_another_team_is_not_under_our_project_either(world):
    nested = with_ids(2)
    assert len(nested) >= 3
    assert asked(world, CHILD, nested) == ""


@one_database
def test_what_does_not_exist_looks_like_what_is_another_teams(world):
    owner = world.people["owner"]
    for route in with_ids(1):
        if TABLE[route.name].access in OF_PROJECTS:
            missing, theirs = (
                world.ask(route, world.ids(owner, kind, route), owner.knocking_at(route))
                for kind in ("missing", "another team's")
            )
            assert missing.status_code == 404, str(route)
            assert plain(missing.text) == plain(theirs.text), str(route)


def plain(page: str) -> str:
    """A page without the number of its request."""
    return re.sub(r"\b[0-9a-f]{16}\b", "", page)


@one_database
def test_ids_beyond_counting_are_nobodys(world):
    owner = world.people["owner"]
    for number in ("x", "1.5", "1 or 1=1", "null", "١", "%00", 0, -1, 2**53, 2**63, 2**64, 10**30):
        few = {"members.remove", "account.revoke_token", "api.jobs.show", "people.reset"}
        for route in (
            with_ids(1) if number in {"x", -1, 2**64} else [r for r in ROUTES if r.name in few]
        ):
            who = world.people["keeper"] if TABLE[route.name].access == "instance" else owner
            ids = dict.fromkeys(world.ours, number)
            answer = world.ask(route, ids, who.knocking_at(route))
            assert answer.status_code == 404, (str(route), number)


def test_every_field_that_names_a_row_is_asked_about_another_teams():
    forms = [Form]
    for form in forms:
        forms += form.__subclasses__()
    fields = {
        name for form in forms for name in form.model_fields if name.endswith(("_id", "_ids"))
    }
    assert fields == {named.field.rpartition(".")[2] for named in NAMED_ROWS}, (
        "A form names a row by its id: say in NAMED_ROWS of tests/walls/matrix.py what is answered "
        "when it is another team's."
    )


def placed(path, value, sends):
    """What is sent, with the value at this path: parts of lists by their place."""
    first, _, rest = path.partition(".")
    if isinstance(sends, list):
        return [
            placed(rest, value, one) if at == int(first) else one for at, one in enumerate(sends)
        ]
    return {**sends, first: placed(rest, value, sends[first]) if rest else value}


@pytest.mark.parametrize("named", NAMED_ROWS, ids=lambda named: f"{named.route} {named.field}")
@one_database
def test_a_field_cannot_name_another_teams_row(world, named):
    route = next(one for one in ROUTES if one.name == named.route)
    is_a_jobs = "jobs." in named.route
    fields = {name: world.ours[row] for name, row in JOBS_ROWS.items()} if is_a_jobs else {}
    theirs = world.theirs[named.row]
    is_list = named.field.endswith("_ids")
    sends = placed(named.field, [theirs] if is_list else theirs, {**fields, **named.sends})
    answer = world.ask(route, world.ours, world.people["editor"].knocking_at(route), sends)
    assert answer.status_code == named.answer
    assert MARK not in answer.text
    if named.answer != 200:
        assert "has no such" in answer.text


BEFORE_SIGN_IN = {
    "auth.login_post",
    "auth.welcome_post",
    "auth.password_post",
    "invitations.join",
    "hooks.receive",
}
UNSAFE_PAGES = [one for one in ROUTES if one.is_unsafe and one.is_page and one.name in TABLE]


@one_database
def test_09_an_unsafe_page_does_nothing_without_the_sessions_own_token(world):
    """C1. A plain upload's token is a field of the form that is not sent."""
    wrong = []
    for route in UNSAFE_PAGES:
        who = world.people["keeper" if TABLE[route.name].access == "instance" else "owner"]
        ids = world.ids(who, "own", route)
        for token in (None, "", "guessed", world.people["editor"].csrf):
            headers = {**who.by_cookie, "X-CSRF-Token": token}
            headers = {name: value for name, value in headers.items() if value is not None}
            with forgotten():
                status = world.ask(route, ids, headers).status_code
            refusals = {400} if route.name.endswith("_form") else {403}
            if route.name not in BEFORE_SIGN_IN and status not in refusals:
                wrong.append(f"{route} with the token {token}: {status}")
    assert "\n".join(wrong) == ""


@one_database
def test_09_an_unsafe_page_does_nothing_for_a_foreign_site(world):
    """C1 and C2: with the right cookie and the right token, signed in or not."""
    wrong = []
    for route in UNSAFE_PAGES:
        who = world.people["owner"]
        for foreign in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:8001"},
            {"Origin": "http://127.0.0.1:8000.evil.example"},
            {"Origin": ""},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            ids = world.ids(who, "own", route)
            status = world.ask(route, ids, {**who.by_cookie, **foreign}).status_code
            if status != 403:
                wrong.append(f"{route} from {foreign}: {status}")
    assert "\n".join(wrong) == ""


def dump(connection: Connection) -> dict[str, list[str]]:
    """Every row of every table as text, but for NOTES_OF_GETS."""
    kept = {}
    for table in Base.metadata.sorted_tables:
        columns = [one for one in table.columns if (table.name, one.name) not in NOTES_OF_GETS]
        kept[table.name] = sorted(map(str, connection.execute(select(*columns))))
    return kept


def test_09_reading_changes_nothing(world):
    """All GETs, and the database is as it was."""
    connection = databases.SessionFactory.kw["bind"]
    before = dump(connection)
    read = 0
    for route in [one for one in ROUTES if not one.is_unsafe and one.name in TABLE]:
        for name in ("keeper", "owner"):
            who = world.people[name]
            answer = world.ask(route, world.ids(who, "own", route), who.knocking_at(route))
            read += answer.status_code == 200
    assert dump(connection) == before
    assert read > 60
