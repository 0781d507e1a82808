"""A history is read by many threads, in pages as large as fit, and one refusal stops nothing."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx2
import pytest

from app.core.sockets import GuardedBackend
from app.providers.base import (
    Archive,
    NotPermitted,
    ProviderUnavailable,
    TooLarge,
)
from app.providers.openai import wire
from tests.providers.contract import upload
from tests.witness.script import LIST_FILES, LIST_RUNS, Fault, refusal


def test_a_file_that_is_refused_is_refused_alone(open_at, witness):
    file = witness.add_file("rows.jsonl", b"{}\n", purpose="fine-tune")
    words = "downloading of fine-tune training files is disabled for free accounts."
    route = f"GET /v1/files/{file['id']}/content"
    witness.script(Fault(route, status=403, body=json.dumps(refusal(words))))
    provider = open_at(witness)

    with pytest.raises(NotPermitted, match="disabled for free accounts"):
        list(provider.download(file["id"]))

    assert b"".join(provider.download(file["id"])) == b"{}\n"


def test_objects_too_large_for_a_page_come_in_smaller_ones_and_the_largest_alone(
    provider, witness, monkeypatch
):
    monkeypatch.setattr(wire, "LISTS_LIMIT", 20_000)
    monkeypatch.setattr(wire, "LARGEST_OBJECT", 60_000)
    for size in (10, 50_000, 10):
        witness.add_file("x" * size, b"")

    found, cursor = [], None
    while True:
        page = provider.archived(Archive.FILES, cursor=cursor)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            break

    assert sorted(len(one.fields["filename"]) for one in found) == [10, 10, 50_000]
    queries = [request.query for request in witness.journal.read(LIST_FILES)]
    assert [query.split("limit=")[1].split("&")[0] for query in queries] == [
        "10000",
        "1000",
        "100",
        "10",
        "1",
        "1",
        "1",
    ]
    witness.add_file("x" * 70_000, b"")
    with pytest.raises(TooLarge, match="larger than 60,000 bytes"):
        provider.archived(Archive.FILES, cursor=found[-1].object_id)


def test_many_threads_read_over_few_connections_and_only_ever_ask(
    open_at, witness, tmp_path, order
):
    sender = open_at(witness)
    runs = [sender.start_run(order).run.run_id for _ in range(8)]
    for run_id in runs:
        for number in range(120):
            witness.add_event(run_id, message=f"{run_id} {number}")
    file = upload(sender, tmp_path / "rows.jsonl", "again.jsonl")
    before = len(witness.journal.read())
    gate = threading.Semaphore(10_000)
    provider = open_at(witness, idle_connections=8, gate=gate.acquire)

    def events(run_id):
        found, cursor = [], None
        while True:
            page = provider.archived(Archive.EVENTS, (run_id,), cursor=cursor)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return b"".join(provider.download(file.file_id)), found

    with ThreadPoolExecutor(8) as threads:
        answers = dict(zip(runs, threads.map(events, runs), strict=True))

    for run_id, (content, found) in answers.items():
        assert content == b"{}\n" * 10
        assert [one.fields["message"] for one in found[:120]] == [
            f"{run_id} {number}" for number in reversed(range(120))
        ]
    asked = witness.journal.read()[before:]
    assert {request.method for request in asked} == {"GET"}
    assert len(asked) == 8 * 3
    assert len(provider.wire._clients) == 2


def test_what_belongs_to_the_organisation_needs_an_admin_key(open_at, witness):
    provider = open_at(witness)

    with pytest.raises(NotPermitted):
        provider.archived(Archive.USAGE, since=datetime(2026, 11, 1, tzinfo=UTC))
    with pytest.raises(NotPermitted):
        provider.archived(Archive.PERMISSIONS, ("ft:gpt:acme::1:ckpt-step-1",))


def test_as_many_connections_stay_open_as_threads_ask(open_at, witness, monkeypatch):
    opened = []
    connect = GuardedBackend.connect_tcp

    def counted(backend, *place, **how):
        opened.append(place)
        return connect(backend, *place, **how)

    monkeypatch.setattr(GuardedBackend, "connect_tcp", counted)
    provider = open_at(witness, idle_connections=16)
    together = threading.Barrier(16)

    def ask(_):
        together.wait(30)
        for _ in range(10):
            provider.archived(Archive.JOBS)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(ask, range(16)))

    assert len(witness.journal.read(LIST_RUNS)) == 160
    assert len(opened) < 40


def test_nothing_leaves_while_the_gate_is_shut(open_at, witness):
    def shut():
        raise httpx2.ConnectError("The gate is shut.")

    provider = open_at(witness, gate=shut)

    with pytest.raises(ProviderUnavailable, match="The gate is shut"):
        provider.archived(Archive.JOBS)
    assert witness.journal.read(LIST_RUNS) == []
