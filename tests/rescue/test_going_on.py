"""A rescue goes on and does nothing twice: run again, in parallel, or by workers that die."""

import importlib
import json
import os
import signal
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import text

from app.auth.models import Activity
from app.connections import service as connections
from app.connections.models import Connection
from app.core import database, queue
from app.core.database import unit_of_work
from app.core.errors import Conflict, WrongInput
from app.core.leases import LeaseLost
from app.core.storage import Incoming
from app.projects.models import Project
from app.rescue import service, tasks
from app.rescue.models import Kind, RescuePart, Stage
from app.rescue.work import fetching, looking, working
from app.rescue.work.pace import Pace
from tests import make
from tests.rescue.conftest import content_of, promised, summary
from tests.stage import make_team, one_database, read, run_together
from tests.witness import handle, history
from tests.witness.script import Fault

SMALL = {"jobs": 4, "events": 5, "files": 5, "evals": 2, "runs": 1, "completions": 1}
ADMINS = {"usage", "permissions"}
ADMIN_KEY = handle.ADMIN_KEY


def there(witness):
    return {k: v for k, v in promised(witness.expected()).items() if k[0] not in ADMINS}


@pytest.fixture
def real_workshop(real_database, witness):
    """A team whose provider is the witness, in a database that really commits."""
    return make_team(witness.url, handle.KEY)


def die_at(point, part_id):
    """A worker that works at a part until it is killed at the n-th point: before a request, before
    a blob lies in its place, before results are kept. How it ended.
    """
    child = os.fork()
    if child == 0:
        database.forget_engine()
        left = [point]
        points = ((Pace, "__call__"), (Incoming, "keep"), (looking, "hold"), (fetching, "hold"))
        for owner, name in points:
            setattr(owner, name, dying(getattr(owner, name), left))
        try:
            while read(RescuePart, part_id).due_at is not None:
                tasks.step(part_id)
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def dying(call, left):
    """The same call, at which the process dies when nothing is left."""

    def counted(*args, **words):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **words)

    return counted


def let_the_lease_run_out(part_id):
    with unit_of_work() as session:
        part = session.get_one(RescuePart, part_id)
        part.lease_until, part.attempts = None, 0


def test_a_worker_killed_at_any_call_costs_repeated_gets_and_nothing_else(
    begin, real_workshop, witness
):
    importlib.import_module("app.providers.openai")  # as workers do before they fork
    history.fill(witness, **SMALL)
    rescuing = begin(real_workshop)
    database.engine().dispose()

    for point in (0, 3, 10, 24, 33, 12):
        assert os.WTERMSIG(die_at(point, rescuing.part_id)) == signal.SIGKILL
        let_the_lease_run_out(rescuing.part_id)
    assert die_at(10_000, rescuing.part_id) == 0

    assert rescuing.part.stage == Stage.DONE
    assert summary(rescuing.objects) == there(witness)
    assert {request.method for request in witness.journal.read()} == {"GET"}


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_a_worker_killed_once_at_each_of_its_calls_goes_on(begin, real_workshop, witness):
    importlib.import_module("app.providers.openai")
    history.fill(witness, **SMALL)
    killed = 0

    while True:
        rescuing = begin(over_another_connection(real_workshop, witness, f"Key {killed}"))
        database.engine().dispose()
        if die_at(killed, rescuing.part_id) == 0:
            break
        let_the_lease_run_out(rescuing.part_id)
        assert die_at(10_000, rescuing.part_id) == 0
        assert rescuing.part.stage == Stage.DONE
        assert summary(rescuing.objects) == there(witness), f"killed at call {killed}"
        killed += 1

    assert killed > 60
    assert {request.method for request in witness.journal.read()} == {"GET"}


def over_another_connection(team, witness, name):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        made = make.make_connection(
            session, project, name=name, base_url=witness.url, api_key=handle.KEY
        )
        return replace(team, connection_id=made.id)


def test_a_slice_run_twice_at_once_is_run_by_one(begin, real_workshop, witness):
    history.fill(witness, **SMALL)
    rescuing = begin(real_workshop)

    for _ in range(20):
        run_together(rescuing.step, 3)
        if rescuing.part.due_at is None:
            break

    assert rescuing.part.stage == Stage.DONE
    assert summary(rescuing.objects) == there(witness)
    asked = Counter(one.path for one in witness.journal.read() if one.path.endswith("/content"))
    assert set(asked.values()) == {1}
    rescuing.step()
    assert rescuing.part.stage == Stage.DONE


@one_database
def test_every_list_and_every_file_is_asked_for_once(begin, workshop, witness):
    history.fill(witness, **SMALL)
    begin(workshop).work()

    asked = Counter((one.path, one.query) for one in witness.journal.read())
    assert set(asked.values()) == {1}


@one_database
def test_a_second_rescue_fetches_only_what_is_new_or_changed(begin, workshop, witness):
    history.fill(witness, **SMALL)
    before = begin(workshop)
    before.work()
    known = {(one.kind, one.object_id): one.id for one in before.objects}
    run = next(run for run in witness.runs if run["status"] == "succeeded")
    asked = len(witness.journal.read())

    begin(workshop).work()

    again = [one.path for one in witness.journal.read()[asked:]]
    assert not [path for path in again if path.endswith(("/content", "/messages"))]
    running = [run["id"] for run in witness.runs if run["status"] not in {"succeeded", "failed"}]
    assert not [path for path in again if "/events" in path and path.split("/")[4] not in running]
    assert {(one.kind, one.object_id): one.id for one in before.objects} == known

    new = witness.add_file("new.jsonl", make.chat_file(7), "fine-tune")["id"]
    witness.change_run(run["id"], metadata={"changed": "yes"})
    witness.add_event(run["id"], message="One more.")
    asked = len(witness.journal.read())
    begin(workshop).work()

    again = [one.path for one in witness.journal.read()[asked:]]
    assert [path for path in again if path.endswith("/content")] == [f"/v1/files/{new}/content"]
    assert f"/v1/fine_tuning/jobs/{run['id']}/events" in again
    assert summary(before.objects) == there(witness)


@one_database
def test_two_rescues_never_work_over_one_connection(begin, workshop, witness):
    history.fill(witness, **SMALL)
    first = begin(workshop, look_only=True)
    with pytest.raises(Conflict) as refused:
        begin(workshop)
    assert f"Rescue {first.rescue_id} is at work" in refused.value.message

    first.work()
    second = begin(workshop)  # nobody followed that look up
    assert (first.part.stage, first.part.ended_at is not None) == (Stage.DONE, True)
    second.work()
    assert second.part.stage == Stage.DONE


@one_database
def test_a_paused_rescue_stands_still_and_goes_on_where_it_was(begin, workshop, witness):
    history.fill(witness, **SMALL)
    rescuing = begin(workshop)
    rescuing.work(lambda part: part.stage == Stage.FETCHING)
    rescuing.ask(service.pause)
    asked = len(witness.journal.read())
    assert rescuing.part.due_at is None
    rescuing.step()
    assert len(witness.journal.read()) == asked
    with pytest.raises(Conflict):
        rescuing.ask(service.pause)

    rescuing.ask(service.resume)
    rescuing.work()

    assert summary(rescuing.objects) == there(witness)
    with pytest.raises(Conflict):
        rescuing.ask(service.resume)


@one_database
def test_a_rescue_in_one_hand_is_taken_out_of_it_by_who_asks_again(begin, workshop, witness):
    history.fill(witness, **SMALL)
    rescuing = begin(workshop)
    rescuing.work(lambda part: part.stage == Stage.FETCHING)
    with unit_of_work() as session:
        work = working.claim(session, rescuing.part_id)
        assert work is not None
    rescuing.ask(service.ask_again)
    with unit_of_work() as session, pytest.raises(LeaseLost):
        working.hold(session, work)
    assert rescuing.part.stage == Stage.LOOKING
    assert rescuing.work().stage == Stage.DONE


@one_database
def test_an_admin_key_brings_usage_and_permissions(begin, workshop, witness):
    history.fill(witness, **SMALL, usage_days=40)
    with unit_of_work() as session:
        connections.change_connection(
            session,
            session.get_one(Connection, workshop.connection_id),
            actor_id=workshop.users["owner"],
            admin_key=ADMIN_KEY,
        )
    rescuing = begin(workshop)
    part = rescuing.work()

    assert part.kinds == {}
    rows = witness.expected(with_lines=True)
    months = {one.object_id: one for one in rescuing.objects if one.kind == Kind.USAGE}
    lines = {
        line
        for row in rows
        if row["kind"] == "usage" and row["id"][:7] in months
        for line in row["lines_themselves"]
    }
    home = {line for month in months.values() for line in content_of(month).decode().splitlines()}
    assert lines
    assert lines <= home
    shared = {key: value for key, value in promised(rows).items() if key[0] == "permissions"}
    assert shared.items() <= summary(rescuing.objects).items()


@one_database
def test_a_job_that_still_runs_is_read_again_at_each_look(begin, workshop, witness):
    history.fill(witness, **SMALL)
    run = witness.runs[0]
    witness.change_run(run["id"], status="running")
    rescuing = begin(workshop)
    rescuing.work()
    witness.add_event(run["id"], message="One more.")

    begin(workshop).work()

    assert summary(rescuing.objects) == there(witness)


@one_database
def test_what_was_home_stays_home_when_the_provider_loses_it(begin, workshop, witness):
    history.fill(witness, **SMALL)
    rescuing = begin(workshop)
    rescuing.work()
    run = witness.runs[0]
    before = summary(rescuing.objects)["job_events", run["id"]]
    witness.change_run(run["id"], metadata={"changed": "yes"})
    body = json.dumps({"error": {"message": "No such job.", "code": "not_found"}})
    route = f"GET /v1/fine_tuning/jobs/{run['id']}/events"
    witness.script(Fault(route, status=404, body=body))

    begin(workshop).work()

    assert summary(rescuing.objects)["job_events", run["id"]] == before
    (kept,) = [
        one for one in rescuing.objects if (one.kind, one.object_id) == (Kind.JOB_EVENTS, run["id"])
    ]
    assert "what came before is kept: No such job." in (kept.error or "")


@one_database
def test_only_a_provider_with_a_history_can_be_rescued(begin, team, monkeypatch):
    monkeypatch.setattr(service, "ABILITY", "an ability that no provider has")
    with pytest.raises(WrongInput) as refused:
        begin(team)
    assert "gives no history" in refused.value.message


def test_what_waits_is_found_by_an_index_and_said_to_the_clock(begin, workshop):
    rescuing = begin(workshop)
    assert ("rescue.step", rescuing.part_id) in tasks.waiting()
    assert tasks.waiting in queue.FINDERS["provider"]
    with unit_of_work() as session:
        verbs = [
            row.verb for row in session.query(Activity).filter_by(project_id=workshop.project_id)
        ]
    assert "rescue.begun" in verbs


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_next_objects_to_fetch_are_found_without_reading_the_others(database, team):
    with unit_of_work() as session:
        plan = session.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT id FROM rescued_objects WHERE connection_id = 1 AND"
                " outcome = 'waiting' AND (rank, id) > (10, 5) AND (retry_at IS NULL OR"
                " retry_at <= '2026') ORDER BY rank, id LIMIT 200"
            )
        ).all()
    (step,) = [row.detail for row in plan]
    assert "USING INDEX ix_rescued_objects_connection_id_outcome_rank_id" in step
    assert "rank" in step
