"""The head of a request, bounded: uvicorn's parser would gather an address and headers without end.

What follows the head is a body, which every route bounds for itself.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 65_536
_WORDS = f"More than {HEAD_BYTES:,} bytes stand before the body of this request."
_ANSWER = (
    "HTTP/1.1 431 Request Header Fields Too Large\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    f"content-length: {len(_WORDS)}\r\nconnection: close\r\n\r\n{_WORDS}"
).encode()


class _TooLong(Exception):
    """Stops the parser, which reports it as its own error."""


class BoundedHead(HttpToolsProtocol):
    """uvicorn's protocol, which answers 431 to a head that does not end."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self._seen = 0  # bytes of a head as far as the parser gave them to us
        self._fed = 0  # bytes within a head that is not over
        self._is_in_head = False

    def data_received(self, data: bytes) -> None:
        """Take what came. A header that is not over yet is seen by its bytes alone."""
        was_in_head = self._is_in_head
        super().data_received(data)
        self._fed = self._fed + len(data) if was_in_head and self._is_in_head else 0
        if self._fed > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(_WORDS)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._seen, self._is_in_head = 0, True

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._is_in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or what has too long a head."""
        if max(self._seen, self._fed) > HEAD_BYTES:
            self.transport.write(_ANSWER)
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _count(self, length: int) -> None:
        self._seen += length
        if self._seen > HEAD_BYTES:
            raise _TooLong
