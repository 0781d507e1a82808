"""People grade a run by keyboard alone: a note, one taken back, one passed over, to the end."""

import json

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app.evaluations.queries import run_by_id
from app.projects.models import Project
from tests.browser.visitor import NARROW, visiting
from tests.browser.workshop import EMAIL, HOSTILE, PASSWORD, TRAP
from tests.evaluations.people.rounds import begin
from tests.evaluations.planted import Player, Question, plant_evaluation, plant_run
from tests.journeys.api import OWNER, Script
from tests.processes import start_luthier

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A running instance with a round of four answers and one of two pairs, hostile words on all:
    its address, and the rounds' paths.
    """
    home = tmp_path_factory.mktemp("grading") / "home"
    with start_luthier(home, **OWNER) as luthier, Script(luthier) as script:
        project_id = script.post("/projects", json={"name": "Support"})["id"]
        engine = create_engine(f"sqlite:///{home}/luthier.sqlite", json_serializer=json.dumps)
        with Session(engine) as session, session.begin():
            project = session.get_one(Project, project_id)
            asked = [Question(f"{HOSTILE} {n}", HOSTILE) for n in (1, 2)]
            evaluation = plant_evaluation(session, project, asked)
            good = Player("the good one", lambda n, *_: f"{HOSTILE} good {n}")
            bad = Player("the bad one", lambda n, *_: f"{HOSTILE} bad {n}")
            run = run_by_id(session, plant_run(session, evaluation, good, bad).id)
            actor_id = project.created_by
            rounds = [
                begin(session, run, actor_id=actor_id, kind=kind, question=HOSTILE).id
                for kind in ("grades", "duels")
            ]
            paths = [f"/grading-rounds/{one}" for one in rounds], run.id
        engine.dispose()
        yield luthier.address, *paths


@pytest.mark.full  # half a minute: an instance of its own
def test_a_round_is_graded_by_keyboard_to_the_end(place, chromium):
    address, (grades, duels), run_id = place
    with visiting(chromium, address, color_scheme="dark", viewport=NARROW) as somebody:
        page = somebody.page

        def stands_at(done, of):
            page.get_by_text(f"{done} of {of} items").wait_for()

        somebody.enter(f"{grades}/grade", EMAIL, PASSWORD)
        somebody.heading("Grade the answer")
        assert "the good one" not in page.content()
        stands_at(0, 4)
        somebody.press("1")
        stands_at(1, 4)
        somebody.press("n")
        somebody.type("not 2 short")
        assert page.get_by_label("Note").input_value() == "not 2 short"
        somebody.press("Escape", "2")
        stands_at(2, 4)
        somebody.press("u")
        stands_at(1, 4)
        assert page.get_by_label("Note").input_value() == "not 2 short"
        somebody.look()
        somebody.press("2")
        stands_at(2, 4)
        somebody.press("Space")
        stands_at(3, 4)
        somebody.press("0")
        page.get_by_text("Nothing is left for you to grade.").wait_for()
        somebody.look()
        somebody.button("I am done, show what people say").click()
        somebody.heading("What people say of the contestants")
        assert HOSTILE in page.locator("main").inner_text()

        somebody.go(f"{duels}/grade")
        somebody.walk()
        for key in ("1", "3"):
            before = page.locator("[role=status]").first.inner_text()
            somebody.press(key)
            page.wait_for_function(
                "(before) => document.querySelector('#grading [role=status]').innerText !== before",
                arg=before,
            )
        somebody.button("I am done, show what people say").click()
        somebody.heading("What people prefer")
        somebody.go(f"/evaluation-runs/{run_id}/rounds")
        somebody.go(f"/evaluation-runs/{run_id}/duels")
        somebody.go(f"/evaluation-runs/{run_id}/judges")
        assert not [url for url in somebody.requests if TRAP in url]
