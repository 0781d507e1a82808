"""Lists: by pages, by tag, and never an empty one for a broken one."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.providers.base import (
    ProviderError,
)
from tests.providers.contract import started
from tests.waiting import eventually
from tests.witness.script import (
    LIST_FILES,
    LIST_RUNS,
    Fault,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_events_come_by_pages_and_stop_at_the_known_one(provider, witness, order):
    run = started(provider, order)
    first = next(provider.events(run.run_id)).event_id
    for step in range(230):
        witness.add_event(run.run_id, message=str(step))

    new = list(provider.events(run.run_id, known_id=first))

    assert [event.message for event in new] == [str(step) for step in reversed(range(230))]
    asked = witness.journal.read(f"GET /v1/fine_tuning/jobs/{run.run_id}/events")
    assert all("limit=100" in request.query for request in asked)
    assert len(asked) == 1 + 3


def test_a_list_without_end_is_an_error_not_a_loop(provider, witness):
    page = {"object": "list", "data": [{"id": "ftjob-1"}], "has_more": True}
    witness.script(Fault(LIST_RUNS, body=json.dumps(page), times=1_000))

    with pytest.raises(ProviderError, match="again and again"):
        provider.find_runs("op-1", since=LONG_AGO)


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in to the Wi-Fi</html>",
        "{",
        "[]",
        "null",
        "{}",
        '{"data": null}',
        '{"data": [], "has_more": true}',
        '{"error": {"message": "no"}}',
        "[" * 100_000,
    ],
)
def test_a_listing_that_is_none_is_never_taken_for_an_empty_one(provider, witness, body):
    witness.script(Fault(LIST_RUNS, body=body, times=9), Fault(LIST_FILES, body=body, times=9))

    with pytest.raises(ProviderError):
        provider.find_runs("op-1", since=LONG_AGO)
    with pytest.raises(ProviderError):
        provider.list_runs()
    with pytest.raises(ProviderError):
        provider.find_file("rows.jsonl", 30)


@pytest.mark.parametrize("behaviour", ["exact", "ignored", "refused"])
def test_a_run_is_found_by_its_tag_however_the_filter_behaves(provider, witness, order, behaviour):
    neighbour = started(provider, replace(order, op_key="op-2"))
    run = started(provider, order)
    witness.set(filter=behaviour)

    found = provider.find_runs("op-1", since=LONG_AGO).runs

    assert [seen.run_id for seen in found] == [run.run_id]
    assert neighbour.run_id != run.run_id


def test_a_run_that_lists_late_is_found_once_it_shows(provider, witness, order):
    witness.set(lag=0.5)
    run = started(provider, order)

    assert provider.find_runs("op-1", since=LONG_AGO).runs == ()
    found = eventually(lambda: provider.find_runs("op-1", since=LONG_AGO).runs)

    assert [seen.run_id for seen in found] == [run.run_id]


def test_two_runs_of_one_start_come_oldest_first(provider, witness, order):
    first, second = started(provider, order), started(provider, order)
    witness.change_run(first.run_id, created_at=1_700_000_000)

    assert [run.run_id for run in provider.find_runs("op-1", since=LONG_AGO).runs] == [
        first.run_id,
        second.run_id,
    ]


def test_looking_for_a_run_stops_where_all_is_older(open_at, witness, order):
    looking = open_at(witness, profile="compatible")
    provider = open_at(witness)
    for _ in range(3):
        run = started(provider, order)
        witness.change_run(run.run_id, created_at=1_500_000_000, metadata={})

    nothing = looking.find_runs("op-1", since=datetime.now(UTC) - timedelta(minutes=2))
    assert (nothing.runs, nothing.listed) == ((), 3)
    assert len(witness.journal.read(LIST_RUNS)) == 1
