"""Reads a multipart upload to disk, a megabyte at a time; complete only with its last boundary."""

from collections.abc import AsyncIterator

from anyio import to_thread
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.trainer.errors import Refusal
from app.trainer.files import Incoming

_CHUNK = 1 << 20
_FIELD_LIMIT = 1 << 16


class Form:
    """What a multipart body holds: short fields in memory, the part called `file` on disk."""

    def __init__(self, content_type: bytes, incoming: Incoming) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise Refusal(
                "The body must be multipart/form-data with a part called 'file'.", param="file"
            )
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self._incoming = incoming
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
        """Take the whole body. Raises Refusal when it is not what it says it is."""
        try:
            async for chunk in body:
                self._parser.write(chunk)
                if self._pending_size >= _CHUNK:
                    await to_thread.run_sync(self._write_pending)
        except MultipartParseError as error:
            raise Refusal(f"The multipart body cannot be read: {error}") from error
        await to_thread.run_sync(self._write_pending)
        if not self._is_complete:
            raise Refusal("The upload broke off before its end.", code="incomplete_upload")

    def _write_pending(self) -> None:
        for piece in self._pending:
            self._incoming.write(piece)
        self._pending, self._pending_size = [], 0

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
        if self._name == "file":
            if self.filename is not None:
                raise Refusal("Only one file can be uploaded at a time.", param="file")
            self._is_file = True
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace") or "upload"

    def _data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._is_file:
            self._pending.append(piece)
            self._pending_size += len(piece)
            return
        self._value += piece
        if len(self._value) > _FIELD_LIMIT:
            raise Refusal(f"The field '{self._name}' is too long.", param=self._name)

    def _part_ended(self) -> None:
        if not self._is_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")
            self._value = bytearray()

    def _ended(self) -> None:
        self._is_complete = True
