"""Files on the wire: received whole or not at all, listed by page, given back exactly."""

import errno
import shutil
import socket
import subprocess
from pathlib import Path

import openai
import pytest
from openai.types import FileDeleted, FileObject

from app.trainer import incoming, server
from app.trainer.errors import storage_failed
from app.trainer.files import Described, Files
from tests.trainer.conftest import (
    KEY,
    NoResults,
    Trainer,
    ended,
    intent_rows,
    jsonl,
    messages_of,
    start_run,
    upload,
)
from tests.trainer.shapes import raw, strictly

DISK = 3 * 2**20
ON_A_SMALL_DISK = f'mount -t tmpfs -o size={DISK} none "$TEST_HOME" && exec "$@"'


def test_a_file_comes_back_byte_for_byte(client: openai.OpenAI):
    body = jsonl(intent_rows(20)) * 3000

    made = client.files.create(file=("größe 1.jsonl", body), purpose="fine-tune")

    assert made.bytes == len(body)
    assert made.filename == "größe 1.jsonl"
    assert client.files.content(made.id).read() == body
    strictly(FileObject, raw(client, f"/files/{made.id}"))


def test_files_are_listed_in_pages_both_ways_and_by_purpose(make_trainer):
    client = make_trainer().client()
    ids = [upload(client, intent_rows(1, seed=n)) for n in range(5)]
    other = client.files.create(file=("notes.txt", b"words"), purpose="user_data").id

    assert [file.id for file in client.files.list(order="asc", limit=2)] == [*ids, other]
    assert [file.id for file in client.files.list()] == [other, *reversed(ids)]
    assert [file.id for file in client.files.list(purpose="user_data")] == [other]
    page = client.files.list(purpose="fine-tune", order="asc", limit=2, after=ids[0])
    assert [file.id for file in page.data] == ids[1:3]
    assert page.has_more


def test_a_deleted_file_is_gone(client: openai.OpenAI, trainer: Trainer):
    file_id = upload(client, intent_rows(1))

    strictly(FileDeleted, client.files.delete(file_id).to_dict())

    with pytest.raises(openai.NotFoundError) as refused:
        client.files.retrieve(file_id)
    assert refused.value.body["message"] == f"No such File object: {file_id}"
    assert not list(Path(trainer.home, "files").glob(f"{file_id}*"))


def test_a_file_may_expire(client: openai.OpenAI):
    made = client.files.create(
        file=("rows.jsonl", b"{}"),
        purpose="fine-tune",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )

    assert made.expires_at == made.created_at + 3600
    strictly(FileObject, raw(client, f"/files/{made.id}"))
    batch = client.files.create(file=("rows.jsonl", b"{}"), purpose="batch")
    assert batch.expires_at == batch.created_at + 30 * 86_400


@pytest.mark.parametrize(
    ("name", "body", "purpose", "param"),
    [
        ("rows.csv", b"a,b", "fine-tune", "file"),
        ("rows.jsonl", b"", "fine-tune", "file"),
        ("rows.jsonl", b"{}", "telepathy", "purpose"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(client: openai.OpenAI, name, body, purpose, param):
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=(name, body), purpose=purpose)

    assert refused.value.param == param


@pytest.mark.parametrize("has_length", [True, False])
def test_an_upload_that_breaks_off_is_no_file(
    trainer: Trainer, client: openai.OpenAI, has_length: bool
):
    """The sender hangs up in the file part, or ends a chunked body without the last boundary."""
    part = (
        b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="cut.jsonl"\r\n\r\n'
        b'{"messages": ['
    )
    length = b"Content-Length: 100000" if has_length else b"Transfer-Encoding: chunked"
    head = (
        f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", trainer.port), timeout=10) as line:
        line.sendall(head + length + b"\r\n\r\n")
        line.sendall(part if has_length else b"%x\r\n%s\r\n0\r\n\r\n" % (len(part), part))
        if has_length:
            line.shutdown(socket.SHUT_WR)
        answer = line.recv(10_000)

    assert not answer.startswith(b"HTTP/1.1 2")
    assert "cut.jsonl" not in [file.filename for file in client.files.list()]
    assert not list(Path(trainer.home, "files").glob("*.part"))


def test_every_way_the_sdk_reads_a_file_works(client: openai.OpenAI):
    file_id = upload(client, b'{"one": 1}\n')

    assert client.files.wait_for_processing(file_id).status == "processed"
    with pytest.deprecated_call():
        assert client.files.retrieve_content(file_id) == '{"one": 1}\n'
    with client.files.with_streaming_response.content(file_id) as answer:
        assert b"".join(answer.iter_bytes()) == b'{"one": 1}\n'


def test_a_page_goes_on_behind_the_file_named_whatever_has_come_since(make_trainer):
    client = make_trainer().client()
    ids = [upload(client, intent_rows(1, seed=n)) for n in range(4)]
    page = client.files.list(limit=2)
    upload(client, intent_rows(1))
    client.files.delete(ids[0])

    assert [file.id for file in page.get_next_page().data] == [ids[1]]
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.list(after=ids[0])
    assert refused.value.param == "after"


def test_an_expired_file_is_gone_from_lists_and_disk(tmp_path: Path):
    files = Files(tmp_path, NoResults())
    kept, short = (keep(files, lifetime_seconds=seconds) for seconds in (None, -1))

    assert files.get(short.id) is None
    assert listed(files) == [kept.id]
    assert [file.id for file in Files(tmp_path, NoResults())._order] == [kept.id]
    late = keep(files, lifetime_seconds=-1)
    files.sweep()
    assert not list(tmp_path.glob(f"{late.id}*"))


def test_what_a_crash_left_half_is_no_file(tmp_path: Path):
    """A note without bytes, bytes without a note, and what was on its way."""
    kept = keep(Files(tmp_path, NoResults()))
    for name in ("file-a.json", "file-b.data", "c.part", "file-d.json.part"):
        (tmp_path / name).write_bytes(b"{}")

    assert listed(Files(tmp_path, NoResults())) == [kept.id]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{kept.id}.data",
        f"{kept.id}.json",
    ]


def keep(files: Files, **more):
    part = files.receive()
    part.write(b"{}\n")
    part.finish()
    return files.keep(part.path, Described(filename="a.jsonl", purpose="fine-tune", **more))


def listed(files: Files):
    found, _ = files.page(after=None, purpose=None, limit=100, is_newest_first=True)
    return [file.id for file in found]


def test_a_file_a_waiting_run_needs_may_be_deleted_and_the_run_says_so(make_trainer):
    """As at OpenAI: deleting is always allowed. What has begun has read its rows already."""
    client = make_trainer().client()
    first = start_run(client, intent_rows(200), n_epochs=20)
    second = start_run(client, intent_rows(20))

    client.files.delete(second.training_file)
    client.fine_tuning.jobs.cancel(first.id)

    failed = ended(client, second.id)
    assert (failed.status, failed.error.code) == ("failed", "invalid_training_file")
    assert failed.error.param == "training_file"
    assert any("deleted" in text for text in messages_of(client, second.id))


def test_a_second_server_is_refused_the_home(trainer: Trainer, monkeypatch):
    monkeypatch.setattr(server, "HOME_SECONDS", 0.1)

    with pytest.raises(SystemExit, match=f"Another trainer works in {trainer.home}"):
        server.main("127.0.0.1", 0, trainer.home, [KEY])


@pytest.fixture
def small_disk(make_trainer):
    """A trainer whose home is a disk of three megabytes, seen by it alone."""
    command = ("unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh")
    trial = ("unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt")
    if not shutil.which("unshare") or subprocess.run(trial, check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk of their own")
    return make_trainer(around=command)


def halves(trainer: Trainer) -> list[Path]:
    """What is not whole in its home, seen from inside."""
    assert trainer.process is not None
    return list(Path(f"/proc/{trainer.process.pid}/root{trainer.home}").rglob("*.part"))


@pytest.mark.parametrize("way", ["whole", "in parts"])
def test_a_full_disk_is_told_and_nothing_half_is_kept(small_disk: Trainer, way: str):
    client = small_disk.client()
    kept = upload(client, b"{}\n" * 1000)
    large = jsonl(intent_rows(1)) * (2 * DISK // len(jsonl(intent_rows(1))))

    with pytest.raises(openai.InternalServerError) as refused:
        if way == "whole":
            upload(client, large)
        else:
            begun = client.uploads.create(
                bytes=len(large), filename="a.jsonl", mime_type="text/jsonl", purpose="fine-tune"
            )
            client.uploads.parts.create(begun.id, data=large)

    assert refused.value.status_code == 507
    assert (refused.value.type, refused.value.code) == ("server_error", "insufficient_storage")
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert not halves(small_disk)
    assert client.files.content(kept).read() == b"{}\n" * 1000
    assert upload(client, b"{}\n" * 1000)


def test_a_disk_that_fails_is_told_as_what_it_is():
    full, broken = storage_failed(OSError(errno.ENOSPC, "")), storage_failed(OSError(5, "I/O"))

    assert (full.status, broken.status) == (507, 503)
    assert "disk is full" in str(full)
    assert str(broken) == "The trainer's storage failed: I/O"


def test_a_part_that_cannot_be_written_leaves_the_row_as_it_was(tmp_path: Path):
    path = tmp_path / "row"
    path.write_bytes(b"before")
    part = incoming.Incoming(path, start=6)
    part.write(b"more")

    part.drop()

    assert path.read_bytes() == b"before"
