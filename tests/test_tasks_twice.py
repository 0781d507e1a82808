"""Every registered task, run twice and by two workers at once, leaves the database as if it had run
once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import openai
import pytest
from sqlalchemy import select

from app.budgets.models import Spend
from app.connections.models import Connection
from app.core import clock, leases, partial, queue, storage
from app.core.database import read_only, unit_of_work
from app.core.orm import Base
from app.datasets import queries as datasets
from app.datasets.models import DatasetVersion
from app.datasets.moderation import service as moderation
from app.evaluations.after.models import JobEvaluation
from app.evaluations.duels import service as duels
from app.evaluations.duels.forms import DuelsForm
from app.evaluations.queries import run_by_id
from app.jobs import tasks as jobs
from app.jobs.models import Job
from app.notices.endpoints import service as endpoints
from app.notices.models import DateWatch, Delivery, EndpointKind, Topic
from app.notices.telling import tell
from app.playground import service as playground
from app.playground import spending
from app.playground.forms import AskForm, Column
from app.playground.models import Answer
from app.playground.preparing import plan, wanted_of
from app.playground.queries import answers_of
from app.projects.models import Project
from app.rescue import service as rescues
from app.upkeep import service as upkeep
from tests import make
from tests.evaluations import arranged, judges
from tests.evaluations import steps as evaluations
from tests.evaluations.duels.compared import plant_pairs
from tests.evaluations.planted import plant_evaluation
from tests.forgetting import forget
from tests.jobs.steps import queue_job
from tests.stage import Team, run_together
from tests.witness import handle
from tests.witness.handle import Witness
from tests.witness.script import Fault

MOST_STEPS = 100
OTHERWISE_EACH_TIME = {
    *("fence", "place", "report", "milliseconds", "total_ms", "pace", "pace_limit"),
    *("op_key", "message_id", "sealed"),
}
Args = tuple[int, ...]


def a_queued_job(team: Team, witness: Witness) -> Args:
    return (queue_job(team),)


def a_start_over_which_three_workers_died(team: Team, witness: Witness) -> Args:
    (job_id,) = a_queued_job(team, witness)
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        job.due_at, job.attempts = clock.now(session), leases.POISON_AFTER
    return (job_id,)


def a_run_that_ended(team: Team, witness: Witness) -> Args:
    job_id = queue_job(team, suffix="june")
    jobs.start(job_id)
    (run,) = witness.runs
    witness.change_run(run["id"], status="succeeded", fine_tuned_model="ft:gpt:acme:june:1")
    return (team.connection_id,)


def a_stray_run(team: Team, witness: Witness) -> Args:
    """A job has a run, and there is a second of its order."""
    jobs.start(queue_job(team))
    with openai.OpenAI(base_url=witness.url, api_key=handle.KEY, max_retries=0) as other:
        stray = other.fine_tuning.jobs.create(**witness.creates[0].body)
    witness.change_run(stray.id, created_at=stray.created_at + 5)
    return _due(team, "orphans_due_at")


def a_changed_connection(team: Team, witness: Witness) -> Args:
    return _due(team, "test_due_at")


def an_unread_list_of_models(team: Team, witness: Witness) -> Args:
    return _due(team, "models_due_at")


def an_uploaded_version(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        return (make.make_version(session, project, make.chat_file(50), name="More").id,)


def a_checked_version(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        return (make.make_derived(session, team.version_id).id,)


def a_version_whose_index_is_lost(team: Team, witness: Witness) -> Args:
    storage.index_path(team.version_id).unlink()
    return (team.version_id,)


def rows_to_moderate(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        version = datasets.version_by_id(session, team.version_id)
        connection = session.get_one(Connection, team.connection_id)
        asked = moderation.begin(session, version, connection, actor_id=team.users["owner"])
        return (asked.id,)


def an_evaluation_without_its_cases(team: Team, witness: Witness) -> Args:
    return (evaluations.begin(team),)


def a_contestant_that_nobody_has_asked(team: Team, witness: Witness) -> Args:
    """One case: which of several answers comes first is otherwise each time."""
    evaluation_id = evaluations.begin(team, rows=1)
    queue.TASKS["evaluations.read_cases"](evaluation_id)
    run = evaluations.run_of(evaluations.start(team, evaluation_id))
    return (run.contestants[0].id,)


def a_judge_that_nobody_has_asked(team: Team, witness: Witness) -> Args:
    """Of one answer, which is there."""
    judge_id = judges.add_judge(team)
    evaluation_id = evaluations.begin(team, graders=[judge_id], rows=1)
    queue.TASKS["evaluations.read_cases"](evaluation_id)
    run_id = evaluations.start(team, evaluation_id)
    queue.TASKS["evaluations.answer"](evaluations.run_of(run_id).contestants[0].id)
    return (evaluations.run_of(run_id).judges[0].id,)


def a_model_to_be_evaluated(team: Team, witness: Witness) -> Args:
    """Its job has ended, and an evaluation was asked for after it."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        model = make.make_model(session, project, connection, version)
        evaluation = plant_evaluation(session, project)
        moment = clock.now(session)
        row = JobEvaluation(
            project_id=project.id,
            job_id=model.job_id,
            evaluation_id=evaluation.id,
            has_base=True,
            has_checkpoints=False,
            created_by=team.users["owner"],
            created_at=moment,
            due_at=moment,
        )
        session.add(row)
        session.flush()
        return (row.id,)


def a_pair_for_a_judge(team: Team, witness: Witness) -> Args:
    """One question: which of several is answered first is otherwise each time."""
    run_id, judge_id = plant_pairs(team, cases=1)
    with unit_of_work() as session:
        run = run_by_id(session, run_id)
        form = DuelsForm(grader_id=judge_id)
        owner = team.users["owner"]
        begun = duels.begin_duels(session, run, form, actor_id=owner, key="form:1", seed=1)
        return (begun.id,)


def a_forgotten_upload(team: Team, witness: Witness) -> Args:
    """What had arrived of it is gone."""
    with unit_of_work() as session:
        upload = make.make_upload(session, session.get_one(Project, team.project_id))
        upload.due_at = clock.now(session)
        partial.remove(upload.part)
        return (upload.id,)


def a_rescue(team: Team, witness: Witness) -> Args:
    witness.add_file(
        "rows.jsonl", make.chat_file(20), purpose="fine-tune", created_at=1_790_000_000
    )
    with unit_of_work() as session:
        rescue = rescues.begin(
            session,
            project_id=team.project_id,
            actor_id=team.users["owner"],
            connections=[session.get_one(Connection, team.connection_id)],
            with_completions=False,
            is_asked_for=True,
        )
        return (rescue.parts[0].id,)


def dates_to_look_at(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        watch = session.query(DateWatch).filter_by(project_id=team.project_id).one()
        watch.due_at = clock.now(session)
        return (watch.id,)


def a_notice_to_send(team: Team, witness: Witness) -> Args:
    witness.script(Fault("POST /heard", status=204, times=10))
    with unit_of_work() as session:
        endpoints.create_endpoint(
            session,
            project_id=team.project_id,
            actor_id=team.users["owner"],
            name="Deploys",
            kind=EndpointKind.WEBHOOK,
            url=f"http://{witness.host}/heard",
            topics=list(Topic),
        )
        tell(
            session,
            project_id=team.project_id,
            topic=Topic.JOB_ENDED,
            key="job:1",
            title="june has ended",
            text="It succeeded.",
            path="/jobs/1",
        )
        return (session.query(Delivery).one().id,)


def an_answer_nobody_listens_to(team: Team, witness: Witness) -> Args:
    """Of a model whose price is known: money is set aside for it."""
    asked = {"connection_id": team.connection_id, "model": "ft:gpt-4o-mini-2024-07-18:acme::1"}
    form = AskForm(text="Where is it?", columns=[Column(**asked)])
    (planned,) = plan(team.project_id, wanted_of(form), ())
    owner = team.users["owner"]
    with unit_of_work() as session:
        question = playground.begin(session, project_id=team.project_id, user_id=owner, form=form)
        playground.open_answers(session, question, [0])
        (answer,) = answers_of(session, question.id)
        answer.answered_at -= timedelta(hours=1)
        answer.ticket = "the same each time"
        spending.reserve(session, planned, answer.ticket, by=owner)
        return (answer.id,)


def money_of_an_answer_that_is_gone(team: Team, witness: Witness) -> Args:
    """The conversation was deleted, and the process that listened is gone too."""
    (answer_id,) = an_answer_nobody_listens_to(team, witness)
    with unit_of_work() as session:
        session.delete(session.get_one(Answer, answer_id))
        spend = session.scalars(select(Spend).order_by(Spend.id.desc())).first()
        spend.created_at -= timedelta(hours=1)
        return (spend.id,)


def the_housekeeping(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        return (upkeep.begin(session).id,)


def _due(team: Team, column: str) -> Args:
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        setattr(connection, column, clock.now(session))
    return (team.connection_id,)


# What a task finds to do, and the ids it is given. Those called `….due` only ring.
ARRANGED: dict[str, Callable[[Team, Witness], Args]] = {
    "catalog.read": an_unread_list_of_models,
    "connections.test": a_changed_connection,
    "datasets.check": an_uploaded_version,
    "datasets.derive": a_checked_version,
    "datasets.forget_upload": a_forgotten_upload,
    "datasets.mend": a_version_whose_index_is_lost,
    "datasets.moderate": rows_to_moderate,
    "evaluations.answer": a_contestant_that_nobody_has_asked,
    "evaluations.judge": a_judge_that_nobody_has_asked,
    "evaluations.read_cases": an_evaluation_without_its_cases,
    "evaluations.report": arranged.a_run_without_its_report,
    "worst_cases.find": arranged.worst_cases_without_their_nearest_rows,
    "evaluations.after": a_model_to_be_evaluated,
    "drift.look": arranged.a_model_to_ask_again,
    "drift.compare": arranged.a_look_to_compare,
    "golden.noise": arranged.a_recording_whose_noise_is_not_reckoned,
    "golden.verdict": arranged.a_successor_without_its_verdict,
    "duels.judge": a_pair_for_a_judge,
    "jobs.orphans": a_stray_run,
    "jobs.start": a_queued_job,
    "jobs.sweep": a_run_that_ended,
    "jobs.tell_given_up": a_start_over_which_three_workers_died,
    "notices.look": dates_to_look_at,
    "notices.send": a_notice_to_send,
    "playground.count_lost": money_of_an_answer_that_is_gone,
    "playground.cut_off": an_answer_nobody_listens_to,
    "rescue.step": a_rescue,
    "upkeep.keep": the_housekeeping,
}
BY_LETTER = {"datasets.mend"}  # what is lost on a disk stands in no table: its finder writes


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every task that works at something, whoever adds one."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", _working())


def _working() -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_URL", "unix:///there-is-no-broker")  # the worker names it at once
        forget()
        from app import worker

        worker.load()
    forget()
    return sorted(name for name in queue.TASKS if not name.endswith(".due"))


def test_every_task_has_something_to_do_here():
    missing = sorted(set(_working()) - ARRANGED.keys())
    assert missing == [], (
        "Nothing says what this task finds to do. Write a function that makes a row it works on "
        "and returns the task's ids, and name it in ARRANGED: the task is then run twice, and "
        "twice at once, and must leave the same database."
    )


@pytest.mark.parametrize(
    "anew", ["sqlite", pytest.param("postgresql", marks=pytest.mark.full)], indirect=True
)
def test_a_task_run_twice_or_twice_at_once_leaves_what_it_leaves_when_it_runs_once(
    name, anew, witness
):
    def after(run: Callable[[Callable[[], None]], None]) -> dict[str, list[str]]:
        args = ARRANGED[name](anew(), witness)
        assert name in BY_LETTER or _is_due(name, args), "it finds nothing to do"
        run(lambda: queue.TASKS[name](*args))
        for _ in range(MOST_STEPS):  # work in slices goes on until it is done
            if not _is_due(name, args):
                return dump()
            queue.TASKS[name](*args)
        raise AssertionError("It does not end.")

    once = after(lambda task: task())

    assert after(lambda task: (task(), task())) == once
    assert after(lambda task: run_together(task, 2)) == once


def _is_due(name: str, args: Args) -> bool:
    return (name, *args) in queue.due(*queue.FINDERS)


def dump() -> dict[str, list[str]]:
    """Every row of every table, in words, but for what is different each time: moments, and numbers
    that only count who came by.
    """
    with read_only() as session:
        return {
            table.name: sorted(
                str(
                    {
                        column.name: _plain(column.name, value)
                        for column, value in zip(table.columns, row, strict=True)
                    }
                )
                for row in session.execute(table.select())
            )
            for table in Base.metadata.sorted_tables
        }


def _plain(name: str, value: Any) -> Any:
    if name in OTHERWISE_EACH_TIME and value is not None:
        return "some"
    return "a moment" if isinstance(value, datetime) else value
