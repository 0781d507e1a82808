"""Bodies on their way in, however the network cuts them."""

import asyncio
import hashlib
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from app.core import receiving, storage
from app.core.errors import ProductError, TooLarge, WrongInput

BOUNDARY = "a-boundary"


def files():
    return [path for path in storage.folder("blobs").rglob("*") if path.is_file()]


def request(pieces, **headers):
    """A request whose body arrives in these pieces; None is a client that goes away."""
    waiting = list(pieces)

    async def receive():
        if not waiting:
            return {"type": "http.request", "body": b"", "more_body": False}
        piece = waiting.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": True}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive)


def part(name, content, *, file_name=None):
    words = f'form-data; name="{name}"' + (f'; filename="{file_name}"' if file_name else "")
    return f"--{BOUNDARY}\r\nContent-Disposition: {words}\r\n\r\n".encode() + content + b"\r\n"


def end():
    return f"--{BOUNDARY}--\r\n".encode()


def receive(*pieces, kind=f"multipart/form-data; boundary={BOUNDARY}"):
    return asyncio.run(receiving.receive_form(request(pieces, content_type=kind), sender=1))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=400), cuts=st.lists(st.integers(0, 700), max_size=8))
def test_however_it_is_cut_the_file_is_the_same(home, content, cuts):
    body = part("name", b"June") + part("file", content, file_name="x.jsonl") + end()
    places = sorted({0, *(cut for cut in cuts if cut < len(body)), len(body)})
    pieces = [body[a:b] for a, b in itertools.pairwise(places)]
    received = receive(*pieces)
    assert received.blob.sha256 == hashlib.sha256(content).hexdigest()
    assert received.blob.size == len(content)
    assert received.file_name == "x.jsonl"
    assert received.fields == {"name": "June"}


def test_a_body_that_ends_anywhere_before_its_end_is_refused():
    body = part("name", b"June") + part("file", b"{}\n" * 9, file_name="x.jsonl") + end()
    for length in range(len(body) - 2):
        with pytest.raises(ProductError):
            receive(body[:length])
        with pytest.raises(ProductError):
            receive(body[:length], None)
    assert files() == []


@pytest.mark.parametrize(
    "body",
    [
        part("file", b"a", file_name="a") + part("file", b"b", file_name="b") + end(),
        part("file", b"a", file_name="a") + part("x", b"1") + part("x", b"2") + end(),
        part("file", b"a", file_name="a") + part("x", b"1" * 70_000) + end(),
        b"".join(part(f"x{n}", b"") for n in range(25)) + end(),
        part("name", b"no file") + end(),
        b"not a form at all",
        b"",
    ],
)
def test_odd_forms_are_refused(body):
    with pytest.raises(ProductError):
        receive(body)
    assert files() == []


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "multipart/form-data", "multipart/mixed; boundary=x"]
)
def test_what_is_no_form_is_refused(kind):
    with pytest.raises(ProductError):
        receive(b"x", kind=kind)


def raw(*pieces, size=None, sha256=None, **headers):
    sent = request(pieces, **headers)
    return asyncio.run(receiving.receive_raw(sent, sender=1, size=size, sha256=sha256))


def test_a_raw_body_is_counted_and_hashed():
    content = b"0123456789" * 100_000
    blob = raw(
        content[:7], content[7:], size=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    assert storage.blob_path(blob.sha256).read_bytes() == content
    assert raw(b"abc", content_length="3").size == 3


def test_a_raw_body_that_is_another_is_refused():
    for words in ({"size": 4}, {"size": 2}, {"sha256": "0" * 64}, {"content_length": "4"}):
        with pytest.raises(WrongInput):
            raw(b"abc", **words)
    with pytest.raises(ProductError):
        raw(b"abc", None, size=3)
    assert files() == []


def test_too_much_ends_the_upload(monkeypatch):
    monkeypatch.setenv("LUTHIER_UPLOAD_LIMIT", "5000000")
    from app.settings import settings as config

    config.cache_clear()
    with pytest.raises(TooLarge):
        raw(*[b"x" * 1_000_000] * 9)
    assert files() == []
