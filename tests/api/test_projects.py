"""`/api/v1/projects`, field by field."""

from tests.make import problem_fields


def test_making_a_project_answers_201_with_the_bare_object(team, script):
    answer = script(team.users["outsider"]).post("/projects", json={"name": "Überraschung"})

    assert answer.status_code == 201
    made = answer.json()
    assert {"id", "name", "slug"} <= made.keys()
    assert made["name"] == "Überraschung"
    assert made["slug"] == "uberraschung"
    assert isinstance(made["id"], int)


def test_two_projects_of_one_name_get_two_slugs(team, script):
    sends = script(team.users["owner"])
    slugs = [sends.post("/projects", json={"name": "Twice"}).json()["slug"] for _ in range(2)]
    assert slugs == ["twice", "twice-2"]


def test_the_list_holds_the_callers_projects_newest_first(team, script):
    sends = script(team.users["owner"])
    made = sends.post("/projects", json={"name": "Second"}).json()

    found = sends.get("/projects").json()

    assert found == {"data": [made, found["data"][1]], "next": None}
    assert found["data"][1]["id"] == team.project_id
    assert script(team.users["outsider"]).get("/projects").json() == {"data": [], "next": None}


def test_a_list_is_read_page_by_page(team, script):
    sends = script(team.users["owner"])
    for n in range(4):
        sends.post("/projects", json={"name": f"Project {n}"})

    seen, cursor = [], None
    while True:
        found = sends.get("/projects", params={"limit": 2, **({"after": cursor} if cursor else {})})
        seen += [one["id"] for one in found.json()["data"]]
        cursor = found.json()["next"]
        if cursor is None:
            break

    assert len(seen) == 5
    assert seen == sorted(set(seen), reverse=True)


def test_a_limit_beyond_200_is_a_wrong_field(team, script):
    sends = script(team.users["owner"])
    assert sends.get("/projects", params={"limit": 200}).status_code == 200
    for limit in ("201", "0", "-1", "ten"):
        refused = sends.get("/projects", params={"limit": limit})
        assert refused.status_code == 422
        assert "limit" in problem_fields(refused)


def test_names_that_cannot_be_are_told_by_field(team, script):
    sends = script(team.users["owner"])
    for body in ({}, {"name": ""}, {"name": "   "}, {"name": "x" * 121}, {"name": "a\x00b"}):
        refused = sends.post("/projects", json=body)
        assert refused.status_code == 422, body
        assert set(problem_fields(refused)) == {"name"}
    more = sends.post("/projects", json={"name": "fine", "role": "owner"})
    assert set(problem_fields(more)) == {"role"}
