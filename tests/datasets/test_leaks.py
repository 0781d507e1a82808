"""Rows of a validation set that stand in the rows trained on: found, named, told at the form."""

import pytest

from app.core.database import unit_of_work
from app.datasets import tasks
from app.datasets.checks.deep.leaks import Files, leaks
from app.datasets.checks.deep.passing import Checks
from app.datasets.comparing import NOT_YET, THE_SAME
from app.datasets.index import deep_path
from app.projects.models import Project
from tests import make
from tests.datasets.making import check, derive
from tests.datasets.test_alike import prose, said

WORDS = prose(7)
TRAINING = [
    said("Is it late?", "yes"),
    said("Tell.", " ".join(WORDS)),
    said("Where is it?", "here"),
    *(said(f"What is {number}?", " ".join(prose(number))) for number in range(40, 60)),
]
VALIDATION = [
    said("Who is it?", "me"),
    said("is it  LATE?", "Yes"),
    said("Tell.", " ".join([*WORDS[:20], "otherwise", *WORDS[21:]])),
    said("Where is it?", "there"),
    said("Say.", " ".join(prose(8))),
]


@pytest.fixture
def versions(team, letters):
    """The ids of a training and of a validation version, both looked through twice."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        made = [
            make.make_checked_version(session, project, b"\n".join(lines), name=name)
            for name, lines in (("Train", TRAINING), ("Measure", VALIDATION))
        ]
        rows = [make.make_derived(session, one.id).id for one in made]
        ids = [one.id for one in made]
    for row in rows:
        tasks.derive(row)
    return ids


def files(checked):
    derive(checked, Checks(), seconds=9).close()
    return Files(checked.blob, checked.path, deep_path(checked.path))


def test_each_row_is_counted_once_as_what_it_is_most(tmp_path):
    mine, theirs = check(tmp_path, VALIDATION), check(tmp_path, TRAINING, name="2")
    found = leaks(files(mine), files(theirs))
    assert (found.rows, found.same, found.near, found.question) == (5, 1, 1, 1)
    told = [(one.kind, one.line, one.other) for one in found.shown]
    assert told == [("same", 2, 1), ("near", 3, 2), ("question", 4, 3)]
    assert 0.7 <= found.shown[1].share < 1


def test_the_page_the_form_and_the_api_say_the_same(team, versions, browser, script):
    training, validation = versions
    viewer = browser(team.users["viewer"])
    shown = viewer.get(f"/dataset-versions/{validation}/leaks?training_version_id={training}").text
    words = "3 of 5 validation rows stand in the training rows"
    assert words in shown
    assert "86 % of their phrases" in shown
    assert "Where is it?" in shown
    asked = f"training_version_id={training}&validation_version_id={validation}"
    assert words in viewer.get(f"/projects/{team.project_id}/leaks?{asked}").text
    nothing = viewer.get(f"/projects/{team.project_id}/leaks?training_version_id=").text
    assert "note" not in nothing
    found = script(team.users["viewer"]).get(
        f"/dataset-versions/{validation}/leaks?training_version_id={training}"
    )
    assert found.json()["same"] == 1
    assert found.json()["first"][1]["training_row"] == 2


def test_what_cannot_be_compared_says_why(team, versions, browser, script):
    training, _ = versions
    viewer = browser(team.users["viewer"])
    unfinished = f"/dataset-versions/{team.version_id}/leaks?training_version_id={training}"
    assert NOT_YET in viewer.get(unfinished).text
    path = f"/dataset-versions/{training}/leaks?training_version_id={training}"
    refused = script(team.users["viewer"]).get(path)
    assert refused.status_code == 409
    assert THE_SAME in refused.text
    assert (
        viewer.get(f"/dataset-versions/{training}/leaks?training_version_id=999999").status_code
        == 422
    )
