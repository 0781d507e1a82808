"""`/api/v1/projects/{id}/members` and invitations, field by field."""

import re

from tests.make import problem_fields


def test_members_are_added_changed_and_removed(team, script):
    owner, path = script(team.users["owner"]), f"/projects/{team.project_id}/members"
    added = owner.post(path, json={"email": "outsider@example.org", "role": "viewer"})
    assert added.status_code == 201
    who = added.json()
    assert who.keys() == {"user_id", "name", "email", "role", "since"}
    assert (who["user_id"], who["role"]) == (team.users["outsider"], "viewer")
    theirs = f"/api/v1{path}/{who['user_id']}"
    changed = owner.client.patch(theirs, headers=owner.headers, json={"role": "editor"})
    assert changed.json() == {**who, "role": "editor"}
    gone = owner.client.delete(theirs, headers=owner.headers)
    assert (gone.status_code, gone.content) == (204, b"")
    assert script(team.users["outsider"]).get(path).status_code == 404


def test_everybody_inside_reads_who_is_here_page_by_page(team, script):
    viewer, path = script(team.users["viewer"]), f"/projects/{team.project_id}/members"
    first = viewer.get(path, params={"limit": 2}).json()
    second = viewer.get(path, params={"limit": 2, "after": first["next"]}).json()
    roles = {one["user_id"]: one["role"] for one in first["data"] + second["data"]}
    assert roles == {team.users[role]: role for role in ("owner", "editor", "viewer")}
    assert second["next"] is None


def test_what_does_not_fit_is_told_by_field(team, script):
    owner, path = script(team.users["owner"]), f"/projects/{team.project_id}/members"
    odd = owner.post(path, json={"email": "nobody", "role": "king"})
    assert odd.status_code == 422
    assert problem_fields(odd).keys() == {"email", "role"}
    unknown = owner.post(path, json={"email": "nobody@example.org", "role": "viewer"})
    assert unknown.status_code == 422
    assert "Nobody here has the address" in unknown.text
    last = owner.client.delete(f"/api/v1{path}/{team.users['owner']}", headers=owner.headers)
    assert last.status_code == 409
    assert last.json()["detail"] == "A project needs an owner. Make somebody else one first."


def test_an_invitation_is_made_listed_and_taken_back(team, script, client):
    owner, path = script(team.users["owner"]), f"/projects/{team.project_id}/invitations"
    made = owner.post(path, json={"role": "editor"})
    assert made.status_code == 201
    link = made.json().pop("link")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/invitations/[\w-]{43}", link)
    door = link.removeprefix("http://").partition("/")[2]
    assert "Make an account and join" in client.get(f"/{door}").text
    listed = owner.get(path).json()["data"]
    assert listed == [{key: made.json()[key] for key in listed[0]}]
    assert link not in owner.get(path).text
    back = owner.client.delete(f"/api/v1{path}/{made.json()['id']}", headers=owner.headers)
    assert back.status_code == 204
    assert "no longer good" in client.get(f"/{door}").text
    assert owner.get(path).json()["data"] == []
