"""How a run is known again, on a service of each kind: by filter, by looking, by its suffix."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.providers.base import ProviderError, Refused, Started
from app.providers.openai import provider as module
from app.providers.profiles import profiles
from tests.make import make_report
from tests.providers.contract import started
from tests.witness.script import CREATE_RUN, LIST_RUNS, Fault

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
OP, MARK = "0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b"
ANOTHER = "1e8fad5b-d9cb-469f-a165-70867728950e"
AZURES = "gpt-4o-mini-2024-07-18.ft-0123456789abcdef0123456789abcdef"


@pytest.fixture
def order(order):
    return replace(order, op_key=OP)


@pytest.fixture
def azure(open_at, witness):
    return open_at(witness, profile="azure")


def ids(found):
    return [run.run_id for run in found]


@pytest.mark.parametrize("profile", ["openai", "compatible"])
@pytest.mark.parametrize("behaviour", ["exact", "neighbours", "ignored", "refused"])
def test_of_what_a_list_brings_only_what_carries_the_tag_is_believed(
    open_at, witness, order, profile, behaviour
):
    provider = open_at(witness, profile=profile)
    runs = [started(provider, replace(order, op_key=key)) for key in ("op-8", OP, "op-9")]
    witness.set(filter=behaviour)
    assert ids(provider.find_runs(OP, since=LONG_AGO).runs) == [runs[1].run_id]


@pytest.mark.parametrize("paging", ["oldest first", "shuffled"])
def test_a_list_out_of_order_is_read_to_its_end(open_at, witness, order, paging):
    provider = open_at(witness, profile="compatible")
    provider.wire.profile = short_pages(provider)
    old = [started(provider, replace(order, op_key=f"op-{n}")) for n in range(8)]
    for number, run in enumerate(old):
        witness.change_run(run.run_id, created_at=1_600_000_000 + number)
    run = started(provider, order)
    witness.set(paging=paging)
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert ids(provider.find_runs(OP, since=since).runs) == [run.run_id]


def short_pages(provider):
    profile = provider.wire.profile
    return replace(profile, capabilities=replace(profile.capabilities, page_size=4))


@pytest.mark.parametrize("paging", ["loop", "endless"])
def test_in_a_list_without_end_what_is_found_is_found_and_nothing_else_is_known(
    open_at, witness, order, paging, monkeypatch
):
    monkeypatch.setattr(module, "MOST_SCANNED_PAGES", 7)
    provider = open_at(witness, profile="compatible")
    run = started(provider, order)
    witness.set(paging=paging)
    assert ids(provider.find_runs(OP, since=LONG_AGO).runs) == [run.run_id]
    with pytest.raises(ProviderError, match="again and again"):
        provider.find_runs(ANOTHER, since=LONG_AGO)
    assert len(witness.journal.read(LIST_RUNS)) <= 14


def test_what_carries_no_tag_is_told_apart_from_what_carries_anothers(open_at, witness, order):
    provider = open_at(witness, profile="compatible")
    older, newer = started(provider, order), started(provider, order)
    theirs = started(provider, replace(order, op_key="op-8"))
    witness.change_run(older.run_id, created_at=1_700_000_000, metadata=None)
    witness.change_run(newer.run_id, metadata={})
    found = provider.find_runs(OP, since=datetime.now(UTC) - timedelta(minutes=1))
    assert (found.runs, found.listed) == ((), 3)
    assert ids(found.untagged) == [newer.run_id]
    assert theirs.run_id not in ids(found.untagged)


@pytest.mark.parametrize(
    ("suffix", "sent"),
    [(None, MARK), ("june", f"june-{MARK}"), ("a-suffix-of-old-times", f"a-suffix--{MARK}")],
)
def test_where_tags_may_not_come_back_the_suffix_ends_in_the_orders_mark(
    azure, witness, order, suffix, sent
):
    assert isinstance(azure.start_run(replace(order, suffix=suffix)), Started)
    body = witness.creates[0].body
    assert body["suffix"] == sent
    assert len(sent) <= 18
    assert re.fullmatch(r"[A-Za-z0-9_-]+", sent)
    assert body["metadata"]["luthier_op"] == OP


def test_a_person_has_the_room_that_the_mark_leaves():
    profile = profiles()["azure"]
    (suffix,) = (one for one in profile.capabilities.options if one.name == "suffix")
    assert suffix.maximum + len("-") + len(MARK) == profile.suffix_limit == 18


@pytest.mark.parametrize("shown", ["user_provided_suffix", "suffix", "fine_tuned_model"])
def test_a_run_without_tags_is_known_by_its_suffix_wherever_that_is_shown(
    azure, witness, order, shown
):
    asked = replace(order, suffix="june")
    run = started(azure, asked)
    others = [started(azure, replace(asked, op_key=key)) for key in (ANOTHER, "op-9")]
    witness.set(leaves_out=["metadata", "user_provided_suffix"], filter="ignored")
    assert azure.find_runs(OP, since=LONG_AGO).runs == ()
    if shown == "user_provided_suffix":
        witness.set(leaves_out=["metadata"])
    else:
        value = f"june-{MARK}" if shown == "suffix" else f"{AZURES}-june-{MARK}"
        witness.change_run(run.run_id, **{shown: value})
    found = azure.find_runs(OP, since=LONG_AGO)
    assert ids(found.runs) == [run.run_id]
    assert {one.run_id for one in others} == set(ids(found.untagged))


def test_the_tag_decides_where_a_suffix_says_something_else(azure, witness, order):
    run = started(azure, replace(order, op_key=ANOTHER))
    witness.change_run(run.run_id, user_provided_suffix=f"june-{MARK}")
    assert azure.find_runs(OP, since=LONG_AGO).runs == ()
    assert ids(azure.find_runs(ANOTHER, since=LONG_AGO).runs) == [run.run_id]


@pytest.mark.parametrize("profile", ["openai", "compatible"])
def test_elsewhere_a_suffix_says_nothing(open_at, witness, order, profile):
    provider = open_at(witness, profile=profile)
    started(provider, replace(order, op_key="op-9", suffix=f"june-{MARK}"))
    assert witness.creates[0].body["suffix"] == f"june-{MARK}"
    witness.set(leaves_out=["metadata"], filter="exact")
    assert provider.find_runs(ANOTHER, since=LONG_AGO).runs == ()


@pytest.mark.parametrize(
    ("suffix", "model", "mark"),
    [
        (f"june-{MARK}", None, MARK),
        (MARK, None, MARK),
        (None, f"{AZURES}-{MARK}", MARK),
        (None, AZURES, None),
        (None, f"{AZURES}-june", None),
        ("june", f"{AZURES}-june-{MARK}", None),
        (f"june-{MARK.upper()}", None, None),
        (f"june{MARK}", None, None),
        (None, None, None),
    ],
)
def test_a_mark_is_eight_letters_at_the_end(suffix, model, mark):
    assert make_report(suffix=suffix, model_name=model).mark == mark


def test_a_service_that_refuses_tags_is_asked_without(azure, open_at, witness, order):
    witness.set(refuses=["metadata"])
    for provider in (azure, open_at(witness, profile="compatible")):
        assert isinstance(provider.start_run(order), Started)
    assert ["metadata" in one.body for one in witness.creates] == [True, False, True, False]
    assert [run["user_provided_suffix"] for run in witness.runs] == [None, MARK]


def test_what_else_is_refused_is_asked_for_once(azure, witness, order):
    assert isinstance(azure.start_run(replace(order, base_model="gpt-9")), Refused)
    witness.script(Fault(CREATE_RUN, status=500, body='{"error": {"message": "metadata"}}'))
    azure.start_run(order)
    assert len(witness.creates) == 2


@pytest.mark.parametrize(
    ("leaves_out", "shows"), [([], True), (["metadata"], False)], ids=["shown", "left out"]
)
def test_a_test_of_the_connection_sees_whether_tags_come_back(
    azure, witness, order, leaves_out, shows
):
    assert azure.check_key().shows_tags is None, "nothing is listed yet"
    started(azure, order)
    witness.set(leaves_out=leaves_out)
    assert azure.check_key().shows_tags is shows
