"""People grade a run by keyboard alone: a note, one taken back, one passed over, to the end; and
they answer one.
"""

import json

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app.evaluations.models import RunStatus
from app.evaluations.queries import run_by_id
from app.projects.models import Project
from tests.browser.visitor import NARROW, visiting
from tests.browser.workshop import EMAIL, HOSTILE, PASSWORD, TRAP
from tests.evaluations.byhand.byhand import wait_for_people
from tests.evaluations.people.rounds import begin
from tests.evaluations.planted import (
    Player,
    Question,
    plant_evaluation,
    plant_run,
    questions,
    right_in,
)
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
            labels = plant_evaluation(session, project, questions(4, ("yes", "no")), name="Labels")
            by_hand = [
                plant_run(session, one, Player("a model", right_in(50)), status=RunStatus.RUNNING)
                for one in (evaluation, labels)
            ]
            for one in by_hand:
                wait_for_people(session, one)
            places = [f"/evaluation-runs/{one.id}/people" for one in by_hand]
        engine.dispose()
        yield luthier.address, *paths, places


@pytest.mark.full  # half a minute: an instance of its own
def test_a_round_is_graded_by_keyboard_to_the_end(place, chromium):
    address, (grades, duels), run_id, _ = place
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


@pytest.mark.full
def test_cases_are_answered_by_keyboard_in_words_and_by_label(place, chromium):
    address, _, _, (in_words, by_label) = place
    with visiting(chromium, address, color_scheme="dark", viewport=NARROW) as somebody:
        page = somebody.page

        def stands_at(done, of, case):
            page.get_by_text(f"{done} of {of} cases answered. This is case {case}.").wait_for()

        somebody.enter(in_words, EMAIL, PASSWORD)
        somebody.look()
        somebody.button("Answer", exact=True).click()
        stands_at(0, 2, 1)
        somebody.look()
        box = page.get_by_label("Your answer")
        somebody.press("Escape")
        somebody.press("0")
        stands_at(0, 2, 2)
        somebody.type("It is 2 <b>short")
        somebody.press("Control+Enter")
        stands_at(1, 2, 1)
        assert page.url.endswith(f"{in_words}/1")
        assert box.input_value() == ""
        somebody.go(f"{in_words}/2")
        assert box.input_value() == "It is 2 <b>short"
        somebody.type(", and late")
        somebody.press("Control+Enter")
        stands_at(1, 2, 1)
        somebody.type(HOSTILE)
        somebody.press("Control+Enter")
        page.get_by_text("2 of 2 cases answered").wait_for()
        page.get_by_text("The run is over").wait_for()
        assert HOSTILE in page.locator("main").inner_text()
        somebody.look()

        somebody.go(by_label)
        somebody.button("Answer", exact=True).click()
        stands_at(0, 4, 1)
        somebody.look()
        somebody.press("1")
        stands_at(1, 4, 2)
        somebody.press("2")
        stands_at(2, 4, 3)
        somebody.press("0")
        stands_at(2, 4, 4)
        somebody.go(by_label)
        somebody.button("End the wait").click()
        somebody.button("End the wait").last.click()
        page.get_by_text("2 never were").wait_for()
        somebody.look()
