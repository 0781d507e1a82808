"""A whole history comes home: counts and hashes are those of the other side."""

from app.rescue import service
from app.rescue.models import Kind, Outcome, Stage
from tests.rescue.conftest import content_of, promised, summary
from tests.stage import one_database
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


@one_database
def test_a_model_that_a_job_names_is_a_teams_whatever_it_is_called(begin, workshop, witness):
    history.fill(witness, jobs=2, files=3, evals=0, completions=0)
    run = next(run for run in witness.runs if run["status"] == "succeeded")
    witness.change_run(run["id"], fine_tuned_model="gpt-6-luna")
    bases = [{"id": name, "object": "model"} for name in ("gpt-6-luna", "gpt-4o-2024-08-06")]
    witness.set(models=bases)
    stopped = {one["fine_tuned_model"] for one in witness.runs} - {None, "gpt-6-luna"}

    rescuing = begin(workshop)
    rescuing.work()

    models = rescuing.outcomes(Kind.MODEL)
    assert models == {"gpt-6-luna": Outcome.HOME, **dict.fromkeys(stopped, Outcome.GONE)}
