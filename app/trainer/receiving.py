"""Reads a multipart upload to disk, megabytes at a time; complete only with its last boundary."""

import asyncio
from collections.abc import AsyncIterator

from anyio import to_thread
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from app.trainer import measures
from app.trainer.errors import Refusal
from app.trainer.incoming import Incoming
from app.trainer.limits import AROUND_BYTES

_CHUNK = 4 << 20
_FIELD_LIMIT = 1 << 16


class Form:
    """What a multipart body holds: short fields in memory, the part called `name` on disk."""

    def __init__(
        self, content_type: bytes, name: str, incoming: Incoming, limit: int, beyond: Refusal
    ) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise Refusal(
                f"The body must be multipart/form-data with a part called '{name}'.", param=name
            )
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self._wanted = name
        self._incoming = incoming
        self._limit, self._beyond = limit, beyond
        self._size = 0
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._header = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._is_file = False
        self._is_complete = False
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._part_begun,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ended,
                "on_headers_finished": self._headers_ended,
                "on_part_data": self._data,
                "on_part_end": self._part_ended,
                "on_end": self._ended,
            },
        )

    async def read(self, body: AsyncIterator[bytes]) -> None:
        """Take the whole body. Raises Refusal when it is not what it says it is.

        While one piece is written in a thread, the next arrives.
        """
        writing: asyncio.Task[None] | None = None
        try:
            async for chunk in body:
                self._parser.write(chunk)
                if self._pending_size >= _CHUNK:
                    if writing is not None:
                        await writing
                    writing = self._write_pending()
            if writing is not None:
                await writing
            await (writing := self._write_pending())
        except MultipartParseError as error:
            raise Refusal(f"The multipart body cannot be read: {error}") from error
        finally:
            # The file is closed next, and no thread may still be writing to it.
            if writing is not None:
                await asyncio.wait({writing})
        if not self._is_complete:
            raise Refusal("The upload broke off before its end.", code="incomplete_upload")

    def _write_pending(self) -> asyncio.Task[None]:
        measures.RECEIVED.inc(self._pending_size)
        pieces, self._pending, self._pending_size = self._pending, [], 0
        return asyncio.create_task(to_thread.run_sync(self._incoming.write, *pieces))

    def _part_begun(self) -> None:
        self._headers, self._name, self._is_file = {}, "", False

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ended(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _headers_ended(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == self._wanted:
            if self.filename is not None:
                raise Refusal("Only one file can be uploaded at a time.", param=self._wanted)
            self._is_file = True
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace") or "upload"

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._size += end - start
            if self._size > self._limit:
                raise self._beyond
            self._pending.append(data[start:end])
            self._pending_size += end - start
            return
        self._value += data[start:end]
        if len(self._value) > _FIELD_LIMIT:
            raise Refusal(f"The field '{self._name}' is too long.", param=self._name)

    def _part_ended(self) -> None:
        if not self._is_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")
            self._value = bytearray()

    def _ended(self) -> None:
        self._is_complete = True


async def receive(
    request: Request, name: str, incoming: Incoming, *, limit: int, beyond: Refusal
) -> Form:
    """Bring the part called `name` to `incoming`. Raises Refusal, past `limit` bytes `beyond`."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit + AROUND_BYTES:
        raise beyond
    content_type = request.headers.get("content-type", "").encode()
    form = Form(content_type, name, incoming, limit, beyond)
    await form.read(request.stream())
    if form.filename is None:
        message = f"'{name}' is a required property"
        raise Refusal(message, param=name, code="missing_required_parameter")
    return form
