"""The lists of datasets and models: found and ordered by their address, archived many at once."""

import re

import pytest

from app.auth.models import Activity
from app.catalog.models import TunedModel
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import Dataset, DatasetVersion
from app.datasets.queries import ready_versions
from app.projects.models import Project
from tests import make
from tests.make import problem_fields
from tests.stage import one_database, read


@pytest.fixture
def datasets(team):
    """Three datasets of different length beside the team's own (12 rows); the last has two
    versions.
    """
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        found = {}
        for name, rows in (("alpha", 30), ("Beta", 11), ("gamma_50%", 20)):
            version = make.make_checked_version(session, project, make.chat_file(rows), name=name)
            found[name] = version.dataset_id
        last = session.get_one(Dataset, found["gamma_50%"])
        again = make.make_checked_version(session, project, make.chat_file(21), dataset=last)
        again.created_by = team.users["editor"]
        make.make_version(session, project, name="unread")
        return found


@one_database
def test_a_project_without_datasets_is_shown_what_a_row_looks_like(team, browser):
    owner = browser(team.users["owner"])
    owner.post("/projects", {"name": "Beginners"})
    (path,) = set(re.findall(r'href="(/projects/\d+/datasets)"', owner.get("/projects/2").text))
    page = owner.get(path)
    assert page.status_code == 200
    assert "The same row, as Luthier shows it" in page.text


@pytest.fixture
def models(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        made = []
        for n, loss in enumerate((0.5, None, 0.25)):
            model = make.make_model(
                session, project, connection, version, model_name=f"ft:{n}", key=f"form:{n}"
            )
            model.name, model.best_valid_loss = f"intents-{n}", loss
            made.append(model)
        session.flush()
        return [model.id for model in made]


@pytest.fixture
def listed(team, browser):
    owner = browser(team.users["owner"])

    def names(kind, query=""):
        answer = owner.get(f"/projects/{team.project_id}/{kind}s{query}")
        assert answer.status_code == 200, answer.text
        return re.findall(rf'id="{kind}-\d+">([^<]+)<', answer.text)

    return names


def test_datasets_are_sorted_by_their_newest_version(team, datasets, listed):
    assert listed("dataset", "?sort=name&status=ready") == ["alpha", "Beta", "gamma_50%", "Tickets"]
    assert listed("dataset", "?sort=-rows")[:2] == ["alpha", "gamma_50%"]
    assert listed("dataset", "?sort=rows")[-1] == "unread"
    assert listed("dataset", f"?by={team.users['editor']}") == ["gamma_50%"]
    assert listed("dataset", "?q=A_5&sort=name") == ["gamma_50%"]
    assert listed("dataset", "?q=%25%25") == []


def test_the_api_lists_datasets_and_models_by_the_same_words(team, datasets, models, script):
    sends = script(team.users["viewer"])
    path = f"/projects/{team.project_id}"
    seen, cursor = [], {}
    while cursor is not None:
        page = sends.get(
            f"{path}/datasets", params={"sort": "-tokens", "limit": 2, **cursor}
        ).json()
        seen += [one["name"] for one in page["data"]]
        cursor = {"after": page["next"]} if page["next"] else None
    assert seen == ["alpha", "gamma_50%", "Tickets", "Beta", "unread"]
    best = sends.get(f"{path}/models", params={"sort": "best"}).json()["data"]
    assert [model["best_valid_loss"] for model in best] == [0.25, 0.5, None]
    assert [
        model["name"] for model in sends.get(f"{path}/models", params={"q": "FT:1"}).json()["data"]
    ] == ["ft:1"]
    for kind in ("datasets", "models"):
        for query in ({"sort": "created_by__password"}, {"password": "x"}, {"since": "x"}):
            answer = sends.get(f"{path}/{kind}", params=query)
            assert answer.status_code == 422, (kind, query)
            assert list(problem_fields(answer)) == list(query)


def test_archived_datasets_leave_list_and_form_and_come_back(team, datasets, listed, browser):
    owner, path = browser(team.users["owner"]), f"/projects/{team.project_id}/datasets/chosen"
    chosen = f"{datasets['alpha']},{datasets['Beta']}"
    asked = owner.get(f"{path}?do=archive&chosen={chosen}").text
    assert "Archive 2 datasets?" in asked
    told = owner.post(path, {"do": "archive", "chosen": chosen}).headers["location"]
    assert "2 archived." in owner.get(told).text
    assert listed("dataset", "?archived=yes&sort=name") == ["alpha", "Beta"]
    assert "alpha" not in listed("dataset")
    with unit_of_work() as session:
        ready = [version.dataset.name for version in ready_versions(session, team.project_id)]
        assert not {"alpha", "Beta"} & set(ready)
        verbs = [row.verb for row in session.query(Activity)]
        assert verbs.count("dataset.archived") == 2
    owner.post(path, {"do": "unarchive", "chosen": chosen})
    assert "alpha" in listed("dataset")


def test_archived_models_leave_the_list_and_home_and_come_back(team, models, listed, browser):
    owner, path = browser(team.users["owner"]), f"/projects/{team.project_id}/models/chosen"
    assert listed("model", "?sort=best") == ["intents-2", "intents-0", "intents-1"]
    asked = owner.get(f"{path}?do=archive&chosen={models[2]}").text
    assert "stays at OpenAI as ft:2" in asked
    told = owner.post(path, {"do": "archive", "chosen": str(models[2])}).headers["location"]
    assert "1 archived." in owner.get(told).text
    assert "intents-2" not in listed("model")
    assert listed("model", "?archived=yes") == ["intents-2"]
    owner.post(path, {"do": "unarchive", "chosen": str(models[2])})
    assert read(TunedModel, models[2]).archived_at is None


@one_database
def test_a_script_archives_and_an_outsiders_things_are_nobodys(team, datasets, models, script):
    sends = script(team.users["editor"])
    for kind, row in (("datasets", datasets["alpha"]), ("models", models[0])):
        assert sends.post(f"/{kind}/{row}/archive").json()["archived_at"] is not None
        assert sends.post(f"/{kind}/{row}/unarchive").json()["archived_at"] is None
        assert script(team.users["viewer"]).post(f"/{kind}/{row}/archive").status_code == 403
        assert script(team.users["outsider"]).post(f"/{kind}/{row}/archive").status_code == 404


def test_the_activity_is_filtered_by_what_who_and_when(team, datasets, browser):
    owner = browser(team.users["owner"])

    def lines(query):
        part = {"HX-Request": "true"}
        answer = owner.get(f"/projects/{team.project_id}/activity{query}", **part)
        assert answer.status_code == 200
        return answer.text.count("<time ")

    assert 0 < lines("?about=dataset") < lines("")
    assert lines("?since=2090-01-01") == 0
    assert lines(f"?by={team.users['viewer']}") == 0
    assert owner.get(f"/projects/{team.project_id}/activity?about=password").status_code == 422
