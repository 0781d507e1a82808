"""Files on the wire: received whole or not at all, listed by page, given back exactly."""

import socket
from pathlib import Path

import openai
import pytest
from openai.types import FileDeleted, FileObject

from tests.trainer.conftest import KEY, Trainer, intent_rows, jsonl, upload
from tests.trainer.shapes import raw, strictly


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
