"""A whole history, read list by list, is what the other side says it has: ids, bytes, hashes."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from app.providers.base import Archive
from tests.witness import history
from tests.witness.script import EVERYTHING, LIST_RUNS, Shift

ONE_BY_ONE = {
    "eval": Archive.EVALS,
    "model": Archive.MODELS,
    "job": Archive.JOBS,
    "usage": Archive.USAGE,
}
LISTS = {
    "eval_items": Archive.EVAL_ITEMS,
    "job_events": Archive.EVENTS,
    "checkpoints": Archive.CHECKPOINTS,
    "permissions": Archive.PERMISSIONS,
}


def read(provider, archive, parents=(), **asked):
    """All objects of a list."""
    found, cursor = [], None
    while True:
        page = provider.archived(archive, parents, cursor=cursor, **asked)
        found += page.items
        if (cursor := page.cursor) is None:
            return found


def of(kind, witness):
    return [row for row in witness.expected() if row["kind"] == kind]


@pytest.fixture
def full(witness):
    history.fill(witness, events=230, items=120)
    return witness


@pytest.fixture
def opened(open_at, full):
    keys = {"usage": full.admin_key, "permissions": full.admin_key}
    return lambda kind: open_at(full, key=keys.get(kind, full.key))


@pytest.mark.parametrize("kind", ONE_BY_ONE)
def test_each_object_is_home_as_it_stands_there(opened, full, kind):
    since = {"since": datetime.now(UTC) - timedelta(days=40)} if kind == "usage" else {}

    found = read(opened(kind), ONE_BY_ONE[kind], **since)

    end = b"\n" if kind == "usage" else b""
    digests = {one.object_id: hashlib.sha256(one.raw + end).hexdigest() for one in found}
    wanted = {row["id"]: row["sha256"] for row in of(kind, full)}
    assert wanted.items() <= digests.items()
    assert kind in {"usage", "model"} or len(found) == len(wanted)


@pytest.mark.parametrize("kind", LISTS)
def test_each_list_is_home_line_by_line(opened, full, kind):
    provider = opened(kind)
    for row in of(kind, full):
        parents = (row["parent"], row["id"]) if kind == "eval_items" else (row["id"],)

        found = read(provider, LISTS[kind], parents)

        whole = b"".join(one.raw + b"\n" for one in found)
        assert (len(found), len(whole)) == (row["lines"], row["bytes"])
        assert hashlib.sha256(whole).hexdigest() == row["sha256"]


def test_each_file_is_home_decoded(opened, full):
    provider = opened("file")
    for row in of("file", full):
        if row["outcome"] == "home":
            content = b"".join(provider.download(row["id"]))
            assert (len(content), hashlib.sha256(content).hexdigest()) == (
                row["bytes"],
                row["sha256"],
            )


def test_an_object_on_two_pages_does_not_stop_the_reading(opened, full):
    history.fill(full, jobs=250, events=10, seed=2)
    full.shift(Shift(LIST_RUNS, "again"))

    found = read(opened("job"), Archive.JOBS)

    assert len(found) == 263
    assert len({one.object_id for one in found}) == 262


def test_nothing_is_asked_but_for_reading(opened, full):
    read(opened("job"), Archive.JOBS)

    assert full.journal.methods_used() == {"GET"}
    assert full.journal.read(EVERYTHING)
