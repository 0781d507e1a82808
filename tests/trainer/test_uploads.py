"""Large files in parts: in parallel, in any order, across restarts; a file or nothing."""

import hashlib
import http.client
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types import FileObject, Upload
from openai.types.uploads import UploadPart

from app.trainer.files import Described, Files
from app.trainer.limits import Limits
from app.trainer.uploads import Uploads
from tests.trainer.conftest import KEY, NoResults, Trainer, intent_rows, jsonl
from tests.trainer.shapes import strictly
from tests.waiting import eventually

ROWS = jsonl(intent_rows(400))
SIZE = 10_000
PIECES = [ROWS[start : start + SIZE] for start in range(0, len(ROWS), SIZE)]
MD5 = hashlib.md5(ROWS, usedforsecurity=False).hexdigest()


def begin(client: openai.OpenAI, size: int = len(ROWS), **more: Any) -> Upload:
    asked: dict[str, Any] = {"filename": "rows.jsonl", "mime_type": "text/jsonl"}
    return client.uploads.create(**{**asked, "bytes": size, "purpose": "fine-tune", **more})


def send(client: openai.OpenAI, upload_id: str, pieces: list[bytes]) -> list[str]:
    """The ids of the parts, sent one after the other."""
    return [client.uploads.parts.create(upload_id, data=piece).id for piece in pieces]


def folder(trainer: Trainer, upload_id: str) -> Path:
    return trainer.home / "uploads" / upload_id


def change(trainer: Trainer, upload_id: str, **values: Any) -> None:
    """What the server finds of it when it starts."""
    path = folder(trainer, upload_id) / "upload.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **values}))


def test_the_sdk_sends_a_file_in_parts(client: openai.OpenAI, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(ROWS)

    done = client.uploads.upload_file_chunked(
        file=path, mime_type="text/jsonl", purpose="fine-tune", part_size=SIZE, md5=MD5
    )

    strictly(Upload, done.to_dict())
    assert done.status == "completed"
    assert done.file is not None
    strictly(FileObject, client.files.retrieve(done.file.id).to_dict())
    assert (done.file.filename, done.file.bytes) == ("rows.jsonl", len(ROWS))
    assert client.files.content(done.file.id).read() == ROWS


def test_parts_go_in_parallel_and_stand_in_the_order_named_at_the_end(client: openai.OpenAI):
    upload = begin(client)
    strictly(Upload, upload.to_dict())
    assert upload.status == "pending"
    assert upload.expires_at == upload.created_at + 3600

    with ThreadPoolExecutor(4) as pool:
        sent = pool.map(
            lambda piece: client.uploads.parts.create(upload.id, data=piece), reversed(PIECES)
        )
        parts = list(sent)
    strictly(UploadPart, parts[0].to_dict())
    names = [part.id for part in reversed(parts)]
    done = client.uploads.complete(upload.id, part_ids=names, md5=MD5.upper())

    assert client.files.content(done.file.id).read() == ROWS


def test_a_file_whose_parts_came_in_order_is_moved_and_not_copied(
    trainer: Trainer, client: openai.OpenAI
):
    upload = begin(client)
    names = send(client, upload.id, PIECES)
    written = (folder(trainer, upload.id) / "row.part").stat()
    assert written.st_size == len(ROWS)

    done = client.uploads.complete(upload.id, part_ids=names)

    kept = (trainer.home / "files" / f"{done.file.id}.data").stat()
    assert kept.st_ino == written.st_ino
    assert [path.name for path in folder(trainer, upload.id).iterdir()] == ["upload.json"]


def test_parts_that_are_not_named_are_left_out(client: openai.OpenAI):
    upload = begin(client, len(PIECES[0]) + len(PIECES[2]))
    names = send(client, upload.id, PIECES[:3])

    done = client.uploads.complete(upload.id, part_ids=[names[2], names[0]])

    assert client.files.content(done.file.id).read() == PIECES[2] + PIECES[0]


@pytest.mark.parametrize(
    ("chosen", "md5", "param"),
    [
        ([0, 1], None, "part_ids"),
        ([0, 0, 2], None, "part_ids"),
        ([0, 1, 2], "0" * 32, "md5"),
        ([0, 1, 2], "md5", "md5"),
    ],
)
def test_bytes_that_do_not_agree_are_no_file_and_can_still_be_mended(
    client: openai.OpenAI, chosen, md5, param
):
    upload = begin(client, 3 * SIZE)
    names = send(client, upload.id, PIECES[:3])

    with pytest.raises(openai.BadRequestError) as refused:
        client.uploads.complete(
            upload.id, part_ids=[names[n] for n in chosen], **({"md5": md5} if md5 else {})
        )

    assert refused.value.param == param
    done = client.uploads.complete(upload.id, part_ids=names)
    assert client.files.content(done.file.id).read() == b"".join(PIECES[:3])


def test_a_part_nobody_sent_is_refused_by_name(client: openai.OpenAI):
    upload = begin(client)
    with pytest.raises(openai.BadRequestError, match="No such Part object: part_x"):
        client.uploads.complete(upload.id, part_ids=["part_x"])


def test_a_complete_sent_again_answers_as_the_first(client: openai.OpenAI):
    upload = begin(client, SIZE)
    names = send(client, upload.id, PIECES[:1])
    done = client.uploads.complete(upload.id, part_ids=names)

    assert client.uploads.complete(upload.id, part_ids=names) == done
    with pytest.raises(openai.BadRequestError, match="is completed"):
        client.uploads.complete(upload.id, part_ids=["another"])
    with pytest.raises(openai.BadRequestError, match="is completed"):
        client.uploads.parts.create(upload.id, data=b"more")
    with pytest.raises(openai.BadRequestError, match="is completed"):
        client.uploads.cancel(upload.id)


def test_a_cancelled_upload_leaves_nothing_behind(trainer: Trainer, client: openai.OpenAI):
    upload = begin(client)
    names = send(client, upload.id, PIECES[:2])

    cancelled = client.uploads.cancel(upload.id)

    strictly(Upload, cancelled.to_dict())
    assert cancelled.status == "cancelled"
    assert client.uploads.cancel(upload.id) == cancelled
    assert not list(folder(trainer, upload.id).glob("*.part"))
    with pytest.raises(openai.BadRequestError, match="is cancelled"):
        client.uploads.complete(upload.id, part_ids=names)


@pytest.mark.parametrize(
    ("wrong", "status", "param"),
    [
        ({"bytes": 0}, 400, "bytes"),
        ({"bytes": "many"}, 400, "bytes"),
        ({"bytes": 8 * 2**30 + 1}, 413, "bytes"),
        ({"filename": "rows.csv"}, 400, "file"),
        ({"purpose": "telepathy"}, 400, "purpose"),
        ({"mime_type": None}, 400, "mime_type"),
        ({"expires_after": {"anchor": "created_at", "seconds": 5}}, 400, "expires_after.seconds"),
        ({"expires_after": {"anchor": "birth", "seconds": 5000}}, 400, "expires_after.anchor"),
        ({"expires_after": 5}, 400, "expires_after"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
def test_what_cannot_be_declared_is_refused_by_name(
    client: openai.OpenAI, wrong, status: int, param: str
):
    body = {"bytes": 5, "filename": "a.jsonl", "mime_type": "text/jsonl", "purpose": "fine-tune"}
    with pytest.raises(openai.APIStatusError) as refused:
        client.post("/uploads", body={**body, **wrong}, cast_to=object)

    assert (refused.value.status_code, refused.value.param) == (status, param)


def test_an_upload_there_is_not_is_not_found(client: openai.OpenAI):
    with pytest.raises(openai.NotFoundError, match="No such Upload object: upload_x"):
        client.uploads.cancel("upload_x")


def test_the_file_may_expire(client: openai.OpenAI):
    upload = begin(client, SIZE, expires_after={"anchor": "created_at", "seconds": 3600})
    done = client.uploads.complete(upload.id, part_ids=send(client, upload.id, PIECES[:1]))

    assert done.file.expires_at == done.file.created_at + 3600


def test_a_part_of_more_than_64_mb_is_refused_before_it_is_sent(
    trainer: Trainer, client: openai.OpenAI
):
    upload = begin(client)
    line = http.client.HTTPConnection("127.0.0.1", trainer.port, timeout=10)
    line.putrequest("POST", f"/v1/uploads/{upload.id}/parts")
    line.putheader("Authorization", f"Bearer {KEY}")
    line.putheader("Content-Type", "multipart/form-data; boundary=x")
    line.putheader("Content-Length", str(70 * 2**20))
    line.endheaders()

    answer = line.getresponse()

    assert answer.status == 413
    assert json.load(answer)["error"]["message"] == "Part is too large. Maximum size is 64 MB."
    line.close()


def test_what_was_acknowledged_outlives_the_server(make_trainer):
    """Parts in the row and beside it; what was on its way when the server died is cut off."""
    trainer: Trainer = make_trainer()
    client = trainer.client()
    upload = begin(client)
    names = send(client, upload.id, PIECES[:3])
    trainer.end(signal.SIGKILL)
    with (folder(trainer, upload.id) / "row.part").open("ab") as row:
        row.write(b"half a part")
    (folder(trainer, upload.id) / "torn.part").write_bytes(b"half a part")
    (folder(trainer, upload.id) / "part_torn.json.part").write_bytes(b'{"id": "part_')
    (trainer.home / "uploads" / "upload_of_nobody").mkdir()

    trainer.start()

    assert not (folder(trainer, upload.id) / "torn.part").exists()
    assert not (trainer.home / "uploads" / "upload_of_nobody").exists()
    names += send(client, upload.id, PIECES[3:])
    done = client.uploads.complete(upload.id, part_ids=names, md5=MD5)
    assert client.files.content(done.file.id).read() == ROWS
    trainer.end(signal.SIGKILL)
    trainer.start()
    assert client.uploads.complete(upload.id, part_ids=names) == done


def test_a_complete_that_the_server_did_not_outlive_can_be_repeated(make_trainer):
    """Killed after the last step but one, and after the step before that: one file, or none."""
    trainer: Trainer = make_trainer()
    client = trainer.client()
    first, second = begin(client, SIZE), begin(client, SIZE)
    names = [send(client, upload.id, PIECES[:1]) for upload in (first, second)]
    done = client.uploads.complete(first.id, part_ids=names[0])
    trainer.end(signal.SIGKILL)
    change(trainer, first.id, status="pending", part_ids=names[0])
    change(trainer, second.id, part_ids=names[1])
    note = json.loads((trainer.home / "files" / f"{done.file.id}.json").read_bytes())
    lonely = json.loads((folder(trainer, second.id) / "upload.json").read_bytes())["file_id"]
    (trainer.home / "files" / f"{lonely}.json").write_text(json.dumps({**note, "id": lonely}))

    trainer.start()

    assert [file.id for file in client.files.list()] == [done.file.id]
    assert client.uploads.complete(first.id, part_ids=names[0]) == done
    again = client.uploads.complete(second.id, part_ids=names[1])
    assert again.file.id == lonely
    assert client.files.content(lonely).read() == PIECES[0]


def test_an_upload_ends_after_its_hour_and_its_bytes_go(make_trainer):
    trainer: Trainer = make_trainer()
    client = trainer.client()
    upload, ancient = begin(client, SIZE), begin(client, SIZE)
    names = send(client, upload.id, PIECES[:1])
    client.uploads.cancel(ancient.id)
    trainer.end()
    change(trainer, upload.id, created_at=upload.created_at - 3600, expires_at=upload.created_at)
    change(trainer, ancient.id, expires_at=upload.created_at - 90_000)

    trainer.start()

    with pytest.raises(openai.BadRequestError, match="is expired"):
        client.uploads.complete(upload.id, part_ids=names)
    with pytest.raises(openai.BadRequestError, match="is expired"):
        client.uploads.parts.create(upload.id, data=b"late")
    place = folder(trainer, upload.id)
    eventually(lambda: [path.name for path in place.iterdir()] == ["upload.json"])
    assert json.loads((place / "upload.json").read_bytes())["status"] == "expired"
    eventually(lambda: not folder(trainer, ancient.id).exists())


def test_an_upload_whose_parts_are_not_in_a_backup_has_expired(tmp_path: Path):
    """A backup leaves out whatever is on its way."""
    files = Files(tmp_path / "files", NoResults())
    uploads = Uploads(tmp_path / "uploads", files, Limits())
    upload = uploads.begin(4, Described(filename="a.jsonl", purpose="fine-tune"))
    part = upload.begin_part()
    part.write(b"row\n")
    upload.keep_part(part, most=10)
    part.path.unlink()

    found = Uploads(tmp_path / "uploads", files, Limits()).get(upload.record.id)

    assert found is not None
    assert found.record.status == "expired"
