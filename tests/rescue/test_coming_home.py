"""A whole history comes home: counts and hashes are those of the other side."""

from app.rescue import service
from app.rescue.models import Kind, Stage
from tests.rescue.conftest import content_of, promised, summary
from tests.witness import history


def test_what_comes_home_is_what_is_there(begin, workshop, witness):
    history.fill(witness)

    rescuing = begin(workshop)
    part = rescuing.work()

    assert (part.stage, part.words) == (Stage.DONE, None)
    assert None not in {part.looked_at, part.fetched_at, part.verified_at, part.ended_at}
    expected = promised(witness.expected())
    admins = {key for key in expected if key[0] in {"usage", "permissions"}}
    assert summary(rescuing.objects) == {k: v for k, v in expected.items() if k not in admins}
    assert part.kinds.keys() == {Kind.USAGE, Kind.PERMISSIONS}
    messages = {row["id"]: row for row in witness.expected(with_lines=True)}
    for one in rescuing.objects:
        if one.kind == Kind.COMPLETION:
            lines = content_of(one).decode().splitlines()[1:]
            assert lines == messages[one.object_id]["lines_themselves"]
    assert {request.method for request in witness.journal.read()} == {"GET"}


def test_a_look_counts_and_fetches_nothing_until_it_is_asked_to(begin, workshop, witness):
    history.fill(witness, jobs=2, files=3, evals=1, runs=1)

    rescuing = begin(workshop, look_only=True)
    part = rescuing.work()

    assert (part.stage, part.due_at) == (Stage.LOOKED, None)
    tallies = rescuing.tallies()
    assert (tallies["job"].home, tallies["job_events"].waiting) == (2, 2)
    assert tallies["file"].announced > 0
    assert not [one for one in witness.journal.read() if one.path.endswith("/content")]

    rescuing.ask(service.go)
    assert rescuing.work().stage == Stage.DONE
    assert not [one for one in rescuing.objects if one.outcome == "waiting"]
