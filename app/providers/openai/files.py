"""Files at the provider: find, send, fetch, never holding one in memory."""

import base64
import binascii
import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import openai

from app.providers.base import FilePart, FileRef, ProviderError, UploadState
from app.providers.openai.runs import integer_of, mapping_of, name_of, text_of
from app.providers.openai.wire import Json, Wire

PURPOSE: Final = "fine-tune"
MOST_PAGES = 100
NOT_READY = {"pending", "running", "notrunning"}
BROKEN = {"error", "failed", "deleted", "deleting"}
FIRST_WORD = b"step,"  # of a result file's header
LETTERS = 8  # of base64 that hold the first word


def find(wire: Wire, name: str, size: int) -> FileRef | None:
    """The file of that name and size that the provider can use."""

    def fetch(after: str | None) -> Json:
        listing = wire.api.files.with_raw_response
        limit = wire.profile.file_page_size
        page = listing.list(purpose=PURPOSE, limit=limit, after=after or openai.omit)
        return wire.read_list(page.http_response)

    for page in wire.pages(fetch, most=MOST_PAGES):
        for data in page:
            found = reference(data)
            if found is not None and (found.name, found.size) == (name, size):
                return found
    return None


def reference(data: Json) -> FileRef | None:
    """A usable file from its JSON."""
    file_id, name, size = name_of(data, "id"), text_of(data, "filename"), integer_of(data, "bytes")
    status = (text_of(data, "status") or "").lower()
    if file_id is None or name is None or size is None or status in BROKEN:
        return None
    return FileRef(file_id=file_id, name=name, size=size, is_ready=status not in NOT_READY)


def upload(wire: Wire, part: FilePart) -> UploadState:
    """Send the file, or its next part where the service takes parts and it is larger than one."""
    part_size = wire.profile.upload_part_size
    if part_size is None or part.size <= part_size:
        return _whole(wire, part)
    return _next_part(wire, part, part.state or _opened(wire, part), part_size)


def _whole(wire: Wire, part: FilePart) -> UploadState:
    with wire.errors(), Window(part.path, 0, part.size, part.progress) as body:
        answer = wire.files.files.with_raw_response.create(
            file=(part.name, cast("Any", body), "application/jsonl"), purpose=PURPOSE
        )
    return _arrived(wire, part, wire.read(answer.http_response))


def _opened(wire: Wire, part: FilePart) -> UploadState:
    with wire.errors():
        answer = wire.api.uploads.with_raw_response.create(
            bytes=part.size, filename=part.name, mime_type="application/jsonl", purpose=PURPOSE
        )
    upload_id = text_of(wire.read(answer.http_response), "id")
    if not upload_id:
        raise ProviderError(f"{wire.profile.label} opened an upload without an id.")
    return UploadState(file=None, sent=0, upload_id=upload_id)


def _next_part(wire: Wire, part: FilePart, state: UploadState, part_size: int) -> UploadState:
    upload_id, length = state.upload_id or "", min(part_size, part.size - state.sent)
    with wire.errors(), Window(part.path, state.sent, length, part.progress) as body:
        answer = wire.files.uploads.parts.with_raw_response.create(
            upload_id, data=("part", cast("Any", body), "application/octet-stream")
        )
    part_id = text_of(wire.read(answer.http_response), "id")
    if not part_id:
        raise ProviderError(f"{wire.profile.label} took a part without giving it an id.")
    state = replace(state, sent=state.sent + length, part_ids=(*state.part_ids, part_id))
    if state.sent < part.size:
        return state
    with wire.errors():
        done = wire.api.uploads.with_raw_response.complete(upload_id, part_ids=list(state.part_ids))
    return _arrived(wire, part, mapping_of(wire.read(done.http_response), "file"))


def _arrived(wire: Wire, part: FilePart, data: Json) -> UploadState:
    found = reference(data)
    if found is None or found.size != part.size:
        raise ProviderError(f"{wire.profile.label} did not confirm the file whole.")
    return UploadState(file=found, sent=part.size)


class Window(io.RawIOBase):
    """A stretch of a file as a file of its own; `progress` hears the offset reached."""

    def __init__(
        self, path: Path, offset: int, length: int, progress: Callable[[int], None] | None
    ) -> None:
        self.file = path.open("rb")
        self.offset, self.length, self.at = offset, length, 0
        self.progress = progress

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.length}[whence]
        self.at = min(max(start + offset, 0), self.length)
        return self.at

    def read(self, size: int = -1, /) -> bytes:
        left = self.length - self.at
        self.file.seek(self.offset + self.at)
        piece = self.file.read(left if size < 0 else min(size, left))
        self.at += len(piece)
        if self.progress is not None:
            self.progress(self.offset + self.at)
        return piece

    def close(self) -> None:
        self.file.close()
        super().close()


def download(wire: Wire, file_id: str) -> Iterator[bytes]:
    """The bytes of a file, as they come. One that is cut short ends in ProviderUnavailable.

    A result file that arrives base64-encoded, as some servers send it, is decoded.
    """
    one = wire.errors_of_one_thing()
    with one, wire.files.files.with_streaming_response.content(file_id) as response:
        if "text/html" in response.headers.get("content-type", ""):
            raise ProviderError(f"{wire.profile.label} answered with a page instead of a file.")
        yield from plain_or_decoded(response.iter_bytes())


def plain_or_decoded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decode from base64 exactly when that yields a result file's header, `step,…`."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= LETTERS:
            break
    if not _begins_coded(head[:LETTERS]):
        yield head
        yield from chunks
        return
    rest = b""
    for chunk in itertools.chain((head,), chunks):
        letters = rest + b"".join(chunk.split())
        whole = len(letters) - len(letters) % 4
        yield _decoded(letters[:whole])
        rest = letters[whole:]
    yield _decoded(rest + b"=" * (-len(rest) % 4))


def _begins_coded(head: bytes) -> bool:
    try:
        return base64.b64decode(head, validate=True).startswith(FIRST_WORD)
    except binascii.Error:
        return False


def _decoded(letters: bytes) -> bytes:
    try:
        return base64.b64decode(letters, validate=True)
    except binascii.Error as error:
        raise ProviderError("The file begins as base64 and does not go on as such.") from error
