"""Files: streamed, in parts, found again, decoded."""

import base64
import json
import tracemalloc
from dataclasses import replace

import pytest

from app.providers.base import FilePart, ProviderUnavailable
from tests.witness.script import (
    LIST_FILES,
    Fault,
)


def test_a_large_file_streams_out_of_its_place(provider, witness, tmp_path):
    path, size = tmp_path / "large.jsonl", 48 * 2**20
    path.write_bytes(b"x" * size)
    provider.find_file("warm", 1)
    tracemalloc.start()
    file = provider.upload(FilePart(path, "large.jsonl", size)).file
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert file is not None
    assert file.size == size
    assert peak < 4 * 2**20


def test_a_large_file_streams_into_its_place(provider, witness):
    file, size = witness.add_large_file("large.jsonl", 48 * 2**20), 0
    provider.find_file("warm", 1)
    tracemalloc.start()
    for piece in provider.download(file["id"]):
        size += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size == file["bytes"]
    assert peak < 4 * 2**20


def test_a_file_larger_than_a_part_goes_part_by_part_and_goes_on_elsewhere(
    open_at, witness, tmp_path
):
    path, size = tmp_path / "large.jsonl", 2_500
    path.write_bytes(bytes(range(250)) * 10)
    heard: list[int] = []
    state, steps = None, 0
    while state is None or state.file is None:
        provider = open_at(witness)
        provider.wire.profile = replace(provider.wire.profile, upload_part_size=1_000)
        state = provider.upload(FilePart(path, "large.jsonl", size, state, heard.append))
        steps += 1

    assert steps == 3
    assert heard[-1] == size
    assert b"".join(provider.download(state.file.file_id)) == path.read_bytes()


def test_a_broken_file_is_not_adopted(provider, witness, tmp_path):
    broken = {"id": "file-1", "filename": "a.jsonl", "bytes": 3, "status": "error"}
    pending = {"id": "file-2", "filename": "a.jsonl", "bytes": 3, "status": "pending"}
    page = {"object": "list", "data": [broken, pending], "has_more": False}
    witness.script(Fault(LIST_FILES, body=json.dumps(page)))

    found = provider.find_file("a.jsonl", 3)

    assert found is not None
    assert (found.file_id, found.is_ready) == ("file-2", False)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100, 100_000])
@pytest.mark.parametrize("line", [0, 76])
def test_a_result_file_in_base64_is_decoded(provider, witness, size, line):
    plain = b"step,train_loss\n" + b"1,0.5\n" * size
    coded = base64.b64encode(plain)
    if line:
        coded = b"\n".join(coded[n : n + line] for n in range(0, len(coded), line))
    plain_file, coded_file = witness.add_file("a", plain), witness.add_file("b", coded)

    assert b"".join(provider.download(plain_file["id"])) == plain
    assert b"".join(provider.download(coded_file["id"])) == plain


@pytest.mark.parametrize(
    "content", [b"step,train_loss\n" * 100, base64.b64encode(b"step,train_loss\n" * 90), b"x" * 99]
)
def test_a_body_cut_short_is_an_error_and_no_end(provider, witness, content):
    fault = Fault("GET /v1/files/file-1/content", end="truncate", body=content.decode())
    witness.script(fault)

    with pytest.raises(ProviderUnavailable, match="broke off"):
        list(provider.download("file-1"))


@pytest.mark.parametrize("content", [b"", b"c", b"c3RlcC", b"c3Rlc is no code"])
def test_what_only_begins_like_base64_is_left_alone(provider, witness, content):
    file = witness.add_file("a", content)

    assert b"".join(provider.download(file["id"])) == content
