"""What goes wrong on the other side, and on our disk: everything comes home all the same, and what
cannot is said.
"""

import json

import pytest

from app.connections import service as connections
from app.connections.models import Connection
from app.core import storage
from app.core.database import unit_of_work
from app.rescue import service
from app.rescue.models import Kind, Outcome, Stage
from app.settings import settings
from tests import make
from tests.rescue.conftest import content_of, promised, summary
from tests.stage import connection_of, one_database
from tests.witness import handle, history
from tests.witness.script import (
    EVERYTHING,
    FILE_CONTENT,
    LIST_EVAL_ITEMS,
    LIST_EVALS,
    LIST_EVENTS,
    LIST_FILES,
    LIST_RUNS,
    Fault,
    Shift,
    refusal,
    too_many,
)

pytestmark = one_database
SMALL = {"jobs": 3, "events": 5, "files": 4, "evals": 1, "runs": 1, "completions": 1}
ADMINS = {"usage", "permissions"}


def there(witness):
    """What the other side says is there, but for what needs an admin key."""
    return {k: v for k, v in promised(witness.expected()).items() if k[0] not in ADMINS}


def contents(witness):
    """How often the content of each file was asked for."""
    asked = [one.path for one in witness.journal.read() if one.path.endswith("/content")]
    return {path.split("/")[3]: asked.count(path) for path in asked}


def test_a_server_that_refuses_fails_and_breaks_off_all_the_time(begin, workshop, witness):
    history.fill(witness, **SMALL)
    witness.script(
        *too_many(skip=8, every=15),
        Fault(EVERYTHING, status=500, body="<html>", times=6, every=6),
        Fault(EVERYTHING, status=503, headers={"retry-after": "0.5"}, times=3, every=8),
        Fault(EVERYTHING, end="drop", times=3, every=9),
        Fault(EVERYTHING, end="truncate", times=3, every=11),
    )

    part = begin(workshop).work()

    assert (part.stage, part.words) == (Stage.DONE, None)
    assert part.kinds.keys() == ADMINS


def test_what_a_bad_server_gives_is_what_is_there(begin, workshop, witness):
    history.fill(witness, **SMALL)
    witness.script(
        Fault(FILE_CONTENT, end="truncate", commits=True, times=4, every=2),
        Fault(LIST_EVENTS, status=500, times=3),
        Fault(LIST_EVALS, status=502, times=2),
    )

    rescuing = begin(workshop)
    rescuing.work()

    assert summary(rescuing.objects) == there(witness)
    assert {request.method for request in witness.journal.read()} == {"GET"}


def test_a_server_that_is_away_costs_no_object_a_try(begin, workshop, witness):
    history.fill(witness, **SMALL)
    rescuing = begin(workshop, look_only=True)
    rescuing.work()
    rescuing.ask(service.go)
    witness.script(Fault(EVERYTHING, status=503, times=400))

    part = rescuing.work(lambda part: part.place.get("outages", 0) >= 8)

    assert "fault" in (part.words or "")
    assert {one.tries for one in rescuing.objects} == {0}


def test_what_fails_for_ever_is_said_to_have_failed_and_can_be_asked_for_again(
    begin, workshop, witness
):
    history.fill(witness, **SMALL)
    broken = witness.add_file("broken.jsonl", b"{}\n", "fine-tune")["id"]
    witness.script(Fault(f"GET /v1/files/{broken}/content", status=500, times=6))

    rescuing = begin(workshop)
    part = rescuing.work()

    assert part.stage == Stage.DONE
    assert rescuing.outcomes(Kind.FILE)[broken] == Outcome.FAILED
    assert contents(witness)[broken] == 6

    rescuing.ask(service.ask_again)
    rescuing.work()

    assert summary(rescuing.objects) == there(witness)


def test_a_list_that_a_server_does_not_have_is_said_and_costs_nothing_else(
    begin, workshop, witness
):
    history.fill(witness, **SMALL)
    nothing = json.dumps(refusal("Unknown request URL.", "unknown_url"))
    witness.script(Fault(LIST_EVALS, status=404, body=nothing, times=9))

    rescuing = begin(workshop)
    part = rescuing.work()

    assert part.stage == Stage.DONE
    assert part.kinds[Kind.EVAL_ITEMS]["words"]
    missing = {Kind.EVAL, Kind.EVAL_RUN, Kind.EVAL_ITEMS}
    assert summary(rescuing.objects) == {
        key: value for key, value in there(witness).items() if key[0] not in missing
    }


def test_a_key_that_expires_half_way_stops_it_and_another_lets_it_go_on(begin, workshop, witness):
    history.fill(witness, **SMALL)
    witness.set(expires_after=12)
    rescuing = begin(workshop)

    part = rescuing.work(lambda part: part.words is not None)

    assert "another key" in (part.words or "")
    assert connection_of(workshop.connection_id).refused_at is not None
    asked = len(witness.journal.read())
    rescuing.step()
    assert len(witness.journal.read()) == asked

    witness.set(expires_after=None)
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        connections.change_connection(
            session, connection, actor_id=workshop.users["owner"], api_key=handle.KEY
        )
    assert rescuing.part.words is None
    assert rescuing.work().stage == Stage.DONE
    assert summary(rescuing.objects) == there(witness)


@pytest.mark.parametrize("how", ["again", "forward", "gone"])
def test_a_list_that_moves_while_it_is_read_comes_home_whole(begin, workshop, witness, how):
    history.fill(witness, **{**SMALL, "jobs": 102, "events": 1, "files": 4, "items": 130})
    witness.shift(Shift(LIST_RUNS, how), Shift(LIST_EVAL_ITEMS, how), Shift(LIST_FILES, how))

    rescuing = begin(workshop, with_completions=False)
    rescuing.work()

    found, expected = summary(rescuing.objects), there(witness)
    jobs = {key for key in expected if key[0] == "job"}
    assert jobs <= found.keys()
    items = [one for one in rescuing.objects if one.kind == Kind.EVAL_ITEMS]
    for one in items:
        ids = [json.loads(line)["id"] for line in content_of(one).splitlines()]
        assert len(ids) == len(set(ids)) == one.lines
        assert one.lines in {129, 130}


def test_what_vanishes_between_list_and_fetch_is_gone(begin, workshop, witness):
    history.fill(witness, **SMALL)
    rescuing = begin(workshop, look_only=True)
    rescuing.work()
    files = [
        row["id"] for row in witness.expected() if (row["kind"], row["outcome"]) == ("file", "home")
    ]
    witness.delete(files[0])
    rescuing.ask(service.go)
    rescuing.work()

    gone = next(one for one in rescuing.objects if one.object_id == files[0])
    assert (gone.outcome, gone.sha256) == (Outcome.GONE, None)
    assert "No such File" in (gone.error or "")
    assert rescuing.part.stage == Stage.DONE


def test_a_file_that_is_larger_than_announced_is_kept_whole_and_says_so(begin, workshop, witness):
    content = make.chat_file(20)
    large = witness.add_file("large.jsonl", content, "fine-tune", announced=10)["id"]
    small = witness.add_file("small.jsonl", content[:99], "fine-tune", announced=100)["id"]

    rescuing = begin(workshop)
    rescuing.work()

    found = {one.object_id: one for one in rescuing.objects}
    assert (found[large].outcome, found[large].size) == (Outcome.HOME, len(content))
    assert "announced 10 bytes" in (found[large].error or "")
    # What comes with fewer bytes may have been cut off, so it is asked for again.
    assert (found[small].outcome, found[small].size) == (Outcome.HOME, 99)
    assert contents(witness) == {large: 1, small: 3}


def test_a_file_without_an_end_is_left(begin, workshop, witness, monkeypatch):
    monkeypatch.setattr("app.rescue.work.bringing.LEAST_LIMIT", 1_000)
    endless = witness.add_file("endless.jsonl", make.chat_file(99), "fine-tune", announced=10)["id"]

    rescuing = begin(workshop)
    rescuing.work()

    (found,) = [one for one in rescuing.objects if one.object_id == endless]
    assert (found.outcome, found.sha256) == (Outcome.REFUSED, None)
    assert "larger than 1,000 bytes" in (found.error or "")


def test_identical_content_lies_here_once(begin, workshop, witness):
    content = make.chat_file(30)
    for name in "abc":
        witness.add_file(f"{name}.jsonl", content, "fine-tune")

    rescuing = begin(workshop)
    rescuing.work()

    files = [one for one in rescuing.objects if one.kind == Kind.FILE]
    (sha256,) = {one.sha256 for one in files}
    assert len(files) == 3
    blobs = [one for one in (settings().home / "blobs").rglob("*") if one.is_file()]
    assert len([one for one in blobs if one.stat().st_size == len(content)]) == 1
    assert content_of(files[0]) == content
    assert storage.is_stored(sha256 or "")


def test_a_full_disk_stops_it_with_words_and_room_lets_it_go_on(
    begin, workshop, witness, monkeypatch
):
    witness.add_file("large.jsonl", make.chat_file(2_000), "fine-tune")
    rescuing = begin(workshop, look_only=True)
    rescuing.work()
    room = storage.room()
    free = settings().disk_reserve + 50_000
    monkeypatch.setattr(storage, "room", lambda: room._replace(free=free))
    rescuing.ask(service.go)

    part = rescuing.work(lambda part: part.words is not None)

    assert (part.stage, part.due_at is not None) == (Stage.FETCHING, True)
    assert "The disk is too small" in (part.words or "")
    assert "50.0 kB are free" in (part.words or "")
    assert contents(witness) == {}

    monkeypatch.setattr(storage, "room", lambda: room)
    assert rescuing.work().stage == Stage.DONE
    assert rescuing.part.words is None


def test_a_disk_that_fills_while_bytes_come_stops_it_too(begin, workshop, witness, monkeypatch):
    history.fill(witness, **SMALL)
    rescuing = begin(workshop)
    monkeypatch.setenv("LUTHIER_DISK_RESERVE", str(2**60))
    settings.cache_clear()

    part = rescuing.work(lambda part: part.words is not None)

    assert (part.stage, part.lease_until) == (Stage.LOOKING, None)
    assert (part.words or "").startswith("The disk is full")

    monkeypatch.delenv("LUTHIER_DISK_RESERVE")
    settings.cache_clear()
    assert rescuing.work().stage == Stage.DONE
    assert summary(rescuing.objects) == there(witness)


def test_damage_is_found_said_and_mended(begin, workshop, witness):
    history.fill(witness, **SMALL)
    rescuing = begin(workshop)
    rescuing.work()
    files = [one for one in rescuing.objects if one.kind == Kind.FILE and one.sha256]
    jobs = [one for one in rescuing.objects if one.kind == Kind.JOB]
    storage.blob_path(files[-1].sha256 or "").write_bytes(b"rot")
    storage.blob_path(jobs[0].sha256 or "").unlink()

    rescuing.ask(service.verify)
    rescuing.work()

    damaged = {one.object_id for one in rescuing.objects if one.outcome == Outcome.DAMAGED}
    assert damaged == {files[-1].object_id, jobs[0].object_id}

    rescuing.ask(service.ask_again)
    rescuing.work()
    assert summary(rescuing.objects) == there(witness)


def test_a_long_wait_that_is_asked_for_is_kept(begin, workshop, witness):
    history.fill(witness, **SMALL)
    body = json.dumps(refusal("Rate limit reached.", "rate_limit_exceeded"))
    witness.script(Fault(EVERYTHING, status=429, body=body, headers={"retry-after": "600"}, skip=9))

    rescuing = begin(workshop)
    part = rescuing.work(lambda part: part.pace_limit is not None)

    assert part.due_at is not None
    assert "wait" in (part.words or "")
    assert (part.due_at - part.changed_at).total_seconds() > 1
