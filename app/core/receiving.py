"""Files on their way in: streamed to disk while they are hashed, written in a thread, counted to
the last byte.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import anyio.to_thread
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from app.core.errors import Conflict, ProductError, TooLarge, TooMany, TooSlow, WrongInput
from app.core.partial import Partial
from app.core.storage import Blob, Incoming
from app.core.tus import Checksum
from app.settings import settings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

GATHER_BYTES = 4 * 2**20
FIELD_BYTES = 64 * 1024
MAX_PARTS = 20
# Who sends less than 10 kB a second for a minute is not uploading.
PACE_SECONDS, PACE_BYTES = 60.0, 600_000
# Who can go on where it broke is soon let go: a line that died leaves the part locked until then.
STALL_SECONDS = 10.0
NOTHING_KEPT, KEPT = "nothing was kept", "what has arrived is kept"

# Uploads under way in this process, by sender; the event loop alone counts.
_under_way: Counter[int] = Counter()


class Received(NamedTuple):
    """A stored file, the name its sender gave it, and the other fields of the form."""

    blob: Blob
    file_name: str
    fields: dict[str, str]


async def receive_raw(
    request: Request, *, sender: int, size: int | None, sha256: str | None = None
) -> Blob:
    """Store the body as it is. Raises WrongInput when fewer or other bytes arrive than were
    declared, and TooMany when this sender (the id of a user) uploads enough already.
    """
    declared = size if size is not None else _content_length(request)
    with one_of_few(sender), Incoming() as incoming:
        async with _writing(incoming.write) as write:
            async for piece in _gathered(request, stall=PACE_SECONDS, kept=NOTHING_KEPT):
                await write(piece)
        return await anyio.to_thread.run_sync(lambda: incoming.keep(size=declared, sha256=sha256))


async def receive_form(request: Request, *, sender: int) -> Received:
    """Store the one file of a multipart form. A body that stops early is refused, whole parts and
    all. Raises TooMany as `receive_raw`.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise ProductError("Send the file as multipart/form-data.")
    with one_of_few(sender), Incoming() as incoming:
        reader = _FormReader()
        try:
            parser = MultipartParser(boundary, reader.callbacks())
            async with _writing(incoming.write) as write:
                async for piece in _gathered(request, stall=PACE_SECONDS, kept=NOTHING_KEPT):
                    parser.write(piece)
                    await write(reader.take_file_bytes())
            parser.finalize()
        except FormParserError as error:
            raise ProductError(f"The form cannot be read: {error}.") from error
        if not reader.is_complete:
            raise ProductError(
                "The upload stopped before its end; nothing was kept. Send it again."
            )
        if reader.file_name is None:
            raise WrongInput.field("file", "Choose a file.")
        blob = await anyio.to_thread.run_sync(incoming.keep)
        return Received(blob, reader.file_name, reader.fields)


async def receive_more(
    request: Request, part: Partial, *, sender: int, offset: int, checksum: Checksum | None
) -> int:
    """Add the body to a part; how much of it is here then, and safe. However this breaks, what has
    arrived stays, unless a checksum says that it is wrong.

    Raises Conflict unless the body begins where the part ends, and Locked, NotFound and TooLarge as
    `Partial`.
    """
    with one_of_few(sender), part:
        if offset != part.length:
            raise Conflict(f"The next byte is number {part.length:,}, not {offset:,}.")
        if offset + (_content_length(request) or 0) > part.size:
            raise TooLarge(f"More than the {part.size:,} bytes that were declared.")

        def add(piece: bytes) -> None:
            part.write(piece)
            if checksum is not None:
                checksum.update(piece)

        async with _writing(add) as write:
            async for piece in _gathered(request, stall=settings().wait(STALL_SECONDS), kept=KEPT):
                await write(piece)
        if checksum is not None and not checksum.is_right:
            await anyio.to_thread.run_sync(part.cut_back, offset)
            raise checksum.mismatch
        await anyio.to_thread.run_sync(part.sync)
        return part.length


@contextmanager
def one_of_few(sender: int) -> Iterator[None]:
    """One of the uploads that a person may have under way. Raises TooMany."""
    most = settings().uploads_at_once
    if _under_way[sender] >= most:
        raise TooMany(
            f"{most} uploads of yours are on their way. Wait until one has arrived.",
            headers={"Retry-After": "10"},
        )
    _under_way[sender] += 1
    try:
        yield
    finally:
        _under_way[sender] -= 1
        if not _under_way[sender]:
            del _under_way[sender]


@asynccontextmanager
async def _writing(
    to_disk: Callable[[bytes], None],
) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """Write in a thread while the next piece arrives: at most one is on its way to the disk."""
    going: asyncio.Task[None] | None = None

    async def write(piece: bytes) -> None:
        nonlocal going
        if going is not None:
            await going
        going = asyncio.create_task(anyio.to_thread.run_sync(to_disk, piece))

    try:
        yield write
    finally:
        # However this ends: the file is closed next, and no thread may still be writing to it.
        if going is not None:
            await asyncio.wait({going})
    if going is not None:
        await going


async def _gathered(request: Request, *, stall: float, kept: str) -> AsyncIterator[bytes]:
    """The body in large pieces: a thread hop for every network packet would cost more than the
    disk. A body that breaks off is given as far as it came, before ProductError is raised.
    """
    waiting: list[bytes] = []
    length = 0
    broken: ProductError | None = None
    try:
        async for chunk in _paced(request.stream(), stall, kept):
            waiting.append(chunk)
            length += len(chunk)
            if length >= GATHER_BYTES:
                yield b"".join(waiting)
                waiting, length = [], 0
    except ClientDisconnect:
        broken = ProductError(f"The upload stopped before its end; {kept}.")
    except TooSlow as error:
        broken = error
    if waiting:
        yield b"".join(waiting)
    if broken is not None:
        raise broken


async def _paced(chunks: AsyncIterator[bytes], stall: float, kept: str) -> AsyncIterator[bytes]:
    """The same chunks. Raises TooSlow when the sender stands still for `stall` seconds, or waiting
    for it goes on and on for little: the time in which we are busy ourselves does not count.
    """
    waited, seen = 0.0, 0
    while True:
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(stall):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise TooSlow(f"The upload stands still; {kept}.") from error
        if chunk is None:
            return
        waited += time.monotonic() - asked_at
        seen += len(chunk)
        if waited > PACE_SECONDS:
            if seen < PACE_BYTES:
                raise TooSlow(f"The upload is too slow; {kept}.")
            waited, seen = 0.0, 0
        yield chunk


def _content_length(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


@dataclass
class _FormReader:
    """Callbacks of the multipart parser: fields are kept, file bytes wait to be taken."""

    fields: dict[str, str] = field(default_factory=dict)
    file_name: str | None = None
    is_complete: bool = False
    _header: bytes = b""
    _value: bytes = b""
    _name: str = ""
    _parts: int = 0
    _is_file: bool = False
    _text: bytearray = field(default_factory=bytearray)
    _file: list[bytes] = field(default_factory=list)

    def callbacks(self) -> "MultipartCallbacks":
        """The functions the parser calls."""
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_part_data": self._data,
            "on_part_end": self._part_ends,
            "on_end": self._ends,
        }

    def take_file_bytes(self) -> bytes:
        """The file's bytes since the last call."""
        taken = b"".join(self._file)
        self._file = []
        return taken

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise ProductError(f"A form may have {MAX_PARTS} parts at most.")
        self._name, self._is_file, self._header, self._value = "", False, b"", b""
        self._text.clear()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"").decode(errors="replace")
            if b"filename" in options:
                if self.file_name is not None:
                    raise ProductError("Send one file at a time.")
                self._is_file = True
                self.file_name = options[b"filename"].decode(errors="replace")
        self._header, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._file.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > FIELD_BYTES:
            raise ProductError(f"The field {self._name!r} is too long.")

    def _part_ends(self) -> None:
        if not self._is_file:
            if self._name in self.fields:
                raise ProductError(f"The field {self._name!r} was sent twice.")
            self.fields[self._name] = self._text.decode(errors="replace")

    def _ends(self) -> None:
        self.is_complete = True
