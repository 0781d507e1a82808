"""What strangers post to a webhook's address, byte by byte, to the web process as it runs."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hooks import OTHER_SECRET, deliveries, event, give_hook, signed

pytestmark = pytest.mark.processes

BODY = event("ftjob-1")


@pytest.fixture(scope="module")
def hook(_servers):
    """The running instance and the path of a webhook's address."""
    live = _servers("sqlite")
    with live.inside():
        return live, give_hook(live.ours["connection_id"])


def post(hook, one, *, body=None, path=None, **changed):
    live, ours = hook
    headers = {k: v for k, v in {**one.headers, **changed}.items() if v is not None}
    return live.send("POST", path or ours, headers=headers, body=one.body if body is None else body)


def test_a_genuine_delivery_needs_no_cookie_and_is_answered_with_nothing(hook):
    answer = post(hook, signed(BODY))
    assert (answer.status, answer.body) == (204, b"")
    assert "set-cookie" not in answer.headers


ODD = {
    "no id": {"webhook-id": None},
    "no timestamp": {"webhook-timestamp": None},
    "no signature": {"webhook-signature": None},
    "an empty signature": {"webhook-signature": ""},
    "bytes that are no text": {"webhook-signature": "v1,\xff\xfe\x80"},
    "a signature of other letters": {"webhook-signature": "v1,\xc3\xa4\xc3\xb6"},
    "another version": {"webhook-signature": "v2,AAAA"},
    "a thousand signatures": {"webhook-signature": " ".join(["v1,AAAA"] * 1_000)},
    "digits of another script": {"webhook-timestamp": "\xd9\xa1\xd9\xa2"},
    "five thousand digits": {"webhook-timestamp": "9" * 5_000},
    "a float": {"webhook-timestamp": "1.5"},
    "a negative time": {"webhook-timestamp": "-1"},
    "an id of other letters": {"webhook-id": "\xff"},
    "an id of ten thousand letters": {"webhook-id": "x" * 10_000},
}


@pytest.mark.parametrize("changed", ODD.values(), ids=ODD)
def test_odd_headers_are_refused_without_a_word(hook, changed):
    answer = post(hook, signed(BODY), **changed)
    assert (answer.status, answer.body) == (400, b"")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"{", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"[" * 65_000, b"\x00" * 9],
)
def test_odd_bodies_are_refused_signed_or_not(hook, body):
    assert post(hook, signed(body)).status == 400
    assert post(hook, signed(BODY), body=body).status == 400


def test_a_large_body_is_not_read_however_it_comes(hook):
    live, path = hook
    large = json.dumps({"type": "x", "x": "x" * 1_000_000}).encode()
    assert post(hook, signed(large)).status == 413
    one = signed(large)
    lines = "".join(f"{name}: {value}\r\n" for name, value in one.headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: {live.host}\r\nTransfer-Encoding: chunked\r\n{lines}\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (65_000, large[:65_000]) for _ in range(4))
    assert live.raw(head.encode() + chunks + b"0\r\n\r\n").status == 413


def test_a_compressed_body_is_not_unpacked(hook):
    packed = gzip.compress(BODY)
    assert post(hook, signed(packed), **{"content-encoding": "gzip"}).status == 415


def test_a_header_sent_twice_is_refused(hook):
    live, path = hook
    one = signed(BODY)
    lines = "".join(f"{name}: {value}\r\n" for name, value in one.headers.items())
    twice = f"webhook-id: {one.headers['webhook-id']}\r\n"
    size = f"Content-Length: {len(BODY)}\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: {live.host}\r\n{size}{lines}{twice}\r\n"
    assert live.raw(head.encode() + BODY).status == 400


@pytest.mark.parametrize(
    "path", ["/hooks/x", "/hooks/%00", "/hooks/" + "x" * 9_000, "/hooks/%ff%fe"]
)
def test_an_address_of_nobody_is_not_found_signed_or_not(hook, path):
    for one in (signed(BODY), signed(BODY, secret=OTHER_SECRET)):
        answer = post(hook, one, path=path)
        assert (answer.status, answer.body) == (404, b"")


def test_only_a_post_is_taken(hook):
    live, path = hook
    for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD"):
        assert live.send(method, path).status == 405
    assert post(hook, signed(BODY), Origin="https://evil.example").status == 403
    assert post(hook, signed(BODY), Host="evil.example").status == 400


def test_the_same_one_twenty_times_at_once_is_kept_once(hook):
    live, _ = hook
    one = signed(BODY, webhook_id="wh_at_once")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(hook, one).status, range(20)))
    assert set(answers) == {204}
    with live.inside():
        kept = deliveries(live.ours["connection_id"])
    (found,) = [row for row in kept if row.webhook_id == "wh_at_once"]
    assert found.times == 20


def test_none_of_it_surprised_the_program_or_told_the_address(hook):
    live, path = hook
    post(hook, signed(BODY), Host="evil.example")
    assert "request.failed" not in live.program.output
    assert path.removeprefix("/hooks/") not in live.program.output
