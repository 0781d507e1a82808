"""U: uploads and requests nobody should send, byte by byte over a socket to the running server.

Each item passes only with its own status and words; nothing of what is refused is kept, and the
next upload is taken as ever. What a refused file holds (U11, U12) is in `test_bad_rows.py`.
"""

import base64
import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import quote

import pytest

from tests import make
from tests.architecture.routes import every_route
from tests.waiting import eventually

ROWS = make.chat_file(40)
DIGEST = hashlib.sha256(ROWS).hexdigest()
OTHER = f"sha256 {base64.b64encode(b'0' * 64).decode()}"  # of no file
BOUNDARY = "a-boundary"
KIND = f"multipart/form-data; boundary={BOUNDARY}"
OCTETS = "application/offset+octet-stream"
STOPPED = "The upload stopped before its end; nothing was kept"
NOT_HTTP = "Invalid HTTP request received."
NOTHING_HERE = "There is nothing here"
TOO_MUCH_HEAD = "More than 65,536 bytes stand before the body"
NOT_OURS = "Luthier does not serve this address."


def part(name, content, file_name=None, more=b""):
    """One part of a form, without the boundary after it."""
    words = f'form-data; name="{name}"' + ("" if file_name is None else f'; filename="{file_name}"')
    head = f"--{BOUNDARY}\r\nContent-Disposition: {words}\r\n".encode() + more
    return head + b"\r\n" + content + b"\r\n"


FILE = part("file", ROWS, "x.jsonl")
END = f"--{BOUNDARY}--\r\n".encode()


class Wire:
    """What a script's or a browser's connection carries: the head is written line by line."""

    def __init__(self, live):
        self.live = live
        self.token = f"Authorization: Bearer {live.people['owner'].token}"
        self.cookie = f"Cookie: {live.cookie}={live.people['owner'].cookie}"
        self.csrf = f"X-CSRF-Token: {live.people['owner'].csrf}"
        self.datasets = live.fill("/api/v1/projects/{project_id}/datasets")
        self.drop = live.fill("/projects/{project_id}/datasets/upload?name=x.jsonl")
        self.content = live.fill("/dataset-versions/{version_id}/content")

    def head(self, line, *more, host=True):
        lines = [line, *((f"Host: {self.live.host}",) if host else ()), "Connection: close", *more]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def ask(self, line, *more, body=b"", host=True, is_cut=False):
        """Send a request as it stands; its answer. `is_cut`: the sender goes away after it."""
        return self.live.raw(self.head(line, *more, host=host) + body, half_close=is_cut)

    def form(self, body, *more, kind=KIND, length=None, is_cut=False):
        """A script's form with a file, its length as declared."""
        size = f"Content-Length: {len(body) if length is None else length}"
        words = (self.token, f"Content-Type: {kind}", size, *more)
        return self.ask(f"POST {self.datasets} HTTP/1.1", *words, body=body, is_cut=is_cut)

    def put(self, body, *more, query="", length=None, is_cut=False):
        """A file dropped on a page."""
        size = f"Content-Length: {len(body) if length is None else length}"
        words = (self.cookie, self.csrf, size, *more)
        return self.ask(f"PUT {self.drop}{query} HTTP/1.1", *words, body=body, is_cut=is_cut)

    def get(self, path, *more, method="GET", version="1.1", host=True):
        """A page, signed in."""
        return self.ask(f"{method} {path} HTTP/{version}", self.cookie, *more, host=host)

    def post_chunks(self, body, *, end=b"0\r\n\r\n", is_cut=False):
        """A script's form of which nobody said how long it is."""
        words = (self.token, f"Content-Type: {KIND}", "Transfer-Encoding: chunked")
        chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
        line = f"POST {self.datasets} HTTP/1.1"
        return self.ask(line, *words, body=chunk + end, is_cut=is_cut)


@pytest.fixture
def wire(live):
    return Wire(live)


def kept(live):
    """How many versions there are, how many uploads wait, and what lies among the blobs."""
    with closing(sqlite3.connect(live.home / "luthier.sqlite", timeout=10)) as database:
        (versions,) = database.execute("SELECT count(*) FROM dataset_versions").fetchone()
    return versions, sorted(path for path in (live.home / "blobs").rglob("*") if path.is_file())


# What is asked, the status, the words of the answer. Status 0: whoever has hung up gets none.
REFUSED = {
    "U1 no last boundary": (lambda to: to.form(FILE), 400, STOPPED),
    "U1 cut in the file": (lambda to: to.form(FILE[:-900] + END), 400, STOPPED),
    "U1 the sender goes": (lambda to: to.form(FILE + END, length=10**6, is_cut=True), 0, ""),
    "U1 chunks, no last boundary": (lambda to: to.post_chunks(FILE), 400, STOPPED),
    "U1 chunks, cut": (lambda to: to.post_chunks(FILE, end=b"", is_cut=True), 0, ""),
    "U2 no boundary": (
        lambda to: to.form(FILE + END, kind="multipart/form-data"),
        400,
        "Send the file as multipart/form-data.",
    ),
    "U2 boundary of 300": (
        lambda to: to.form(FILE, kind=f"multipart/form-data; boundary={'b' * 300}"),
        400,
        "Boundary length 300 exceeds maximum of 256",
    ),
    "U2 boundary of 70 kB": (
        lambda to: to.form(FILE, kind=f"multipart/form-data; boundary={'b' * 70_000}"),
        431,
        TOO_MUCH_HEAD,
    ),
    "U2 another boundary": (
        lambda to: to.form(FILE + END, kind="multipart/form-data; boundary=other"),
        400,
        "The form cannot be read",
    ),
    "U3 1,001 files": (
        lambda to: to.form(b"".join(part(f"f{n}", b"x", "x") for n in range(1001)) + END),
        400,
        "Send one file at a time.",
    ),
    "U3 1,001 fields": (
        lambda to: to.form(b"".join(part(f"f{n}", b"x") for n in range(1001)) + END),
        400,
        "A form may have 20 parts at most.",
    ),
    "U4 field of 2 MB": (
        lambda to: to.form(part("name", b"x" * 2_000_000) + FILE + END),
        400,
        "The field 'name' is too long.",
    ),
    "U5 part header of 10 MB": (
        lambda to: to.form(part("file", ROWS, "x", b"X-Y: " + b"z" * 10**7 + b"\r\n") + END),
        400,
        "The form cannot be read: ",
    ),
    "U5 100,000 part headers": (
        lambda to: to.form(part("file", ROWS, "x", b"X: y\r\n" * 100_000) + END),
        400,
        "The form cannot be read: ",
    ),
    "U5 100,000 headers": (lambda to: to.form(FILE + END, *["X: y"] * 100_000), 431, TOO_MUCH_HEAD),
    "U5 header of 10 MB": (lambda to: to.form(FILE + END, f"X: {'y' * 10**7}"), 431, TOO_MUCH_HEAD),
    "U5 address of 1 MB": (lambda to: to.put(ROWS, query="&x=" + "y" * 10**6), 431, TOO_MUCH_HEAD),
    "U6 only filename*": (
        lambda to: to.form(FILE.replace(b'filename="', b"filename*=\"UTF-8''") + END),
        422,
        "Choose a file.",
    ),
    "U8 fewer than sent": (lambda to: to.form(FILE + END, length=900), 400, STOPPED),
    "U8 fewer than said": (
        lambda to: to.put(ROWS, query=f"&size={len(ROWS)}", length=100),
        422,
        f"Only 100 of {len(ROWS):,} bytes arrived; nothing was kept.",
    ),
    "U8 more than sent": (lambda to: to.put(ROWS, length=10**6, is_cut=True), 0, ""),
    "U8 no number": (lambda to: to.put(ROWS, length="many"), 400, NOT_HTTP),
    "U8 below nothing": (lambda to: to.put(ROWS, length=-1), 400, NOT_HTTP),
    "U9 length and chunks": (
        lambda to: to.form(FILE + END, "Transfer-Encoding: chunked"),
        400,
        NOT_HTTP,
    ),
    "U9 two lengths": (lambda to: to.form(FILE + END, "Content-Length: 9"), 400, NOT_HTTP),
    "U11 packed on the way": (
        lambda to: to.put(ROWS, "Content-Encoding: gzip"),
        415,
        "Send it as it is: a compressed body is not taken.",
    ),
    "U15 50 GB, 1 byte": (lambda to: to.put(b"{", length=50 * 10**9, is_cut=True), 0, ""),
    "U15 above the limit": (
        lambda to: to.ask(
            f"POST {to.live.fill('/api/v1/projects/{project_id}/uploads')} HTTP/1.1",
            to.token,
            "Upload-Length: 64000000001",
            "Content-Length: 0",
        ),
        413,
        "The file has 64,000,000,001 bytes; the limit of this instance is 64,000,000,000.",
    ),
}  # fmt: skip


def test_u_what_does_not_arrive_as_it_should_is_refused_in_words_and_not_kept(live, wire):
    before, wrong = kept(live), {}
    for name, (ask, status, words) in REFUSED.items():
        told = ask(wire)
        hung_up = status == 0 and told.status == 400
        if (told.status != status and not hung_up) or words not in told.text:
            wrong[name] = told.status, told.text[:200]
        if status == 0:
            eventually(lambda: kept(live) == before)
        assert kept(live) == before, name
    assert wrong == {}
    assert wire.put(ROWS).status == 202
    assert kept(live)[0] == before[0] + 1


TAKEN = {
    "U2 the boundary in a row": b'{"x": "--%b--"}\n--%b\n' % ((BOUNDARY.encode(),) * 2),
    "U2 almost the boundary": b"{}\r\n--%bx\r\n" % BOUNDARY.encode()[:-1],
    "U2 nothing": b"",
}


def test_u_what_only_looks_odd_arrives_byte_by_byte(live, wire):
    for name, content in TAKEN.items():
        told = wire.form(part("file", content, "x.jsonl") + END)
        assert told.status == 202, (name, told.text)
        found = hashlib.sha256(content).hexdigest()
        assert told.json["version"]["sha256"] == found, name
        assert (live.home / "blobs" / found[:2] / found).read_bytes() == content
    odd = FILE.replace(b'filename="x', b"filename*=UTF-8''%2e%2e%2fevil; filename=\"x")
    assert wire.form(odd + END).json["version"]["file_name"] == "x.jsonl", "U6"


NAMES = {
    "../../x": "x", "..\\..\\x": "x", "/etc/x": "x", "C:\\x": "x", "CON": "CON",
    ".htaccess": ".htaccess", "": "unnamed.jsonl", ".": "unnamed.jsonl", "é" * 300: "é" * 255,
    "a\0b": "ab", "a\nb": "a b", "\u202edcba": "dcba", "a.jsonl.html": "a.jsonl.html",
}  # fmt: skip


def test_u7_a_name_is_a_label_and_never_a_place(live, wire):
    for name, label in NAMES.items():
        path = wire.drop.replace("x.jsonl", quote(name, safe=""))
        size = f"Content-Length: {len(ROWS)}"
        told = wire.ask(f"PUT {path} HTTP/1.1", wire.cookie, wire.csrf, size, body=ROWS)
        assert told.status == 202, (name, told.text)
        version = told.json["location"]
        assert live.get(f"/api/v1{version}").json["file_name"] == label
        disposition = live.get(f"{version}/content").headers["Content-Disposition"]
        assert disposition.rstrip('"').endswith(".jsonl"), name
        assert "/" not in disposition
    (blob,) = {path for path in (live.home / "blobs").rglob("*") if path.name == DIGEST}
    assert blob.read_bytes() == ROWS


def test_u13_fifty_at_once_are_one_blob_and_nobody_takes_every_place(live, wire):
    before = kept(live)[0]
    rows = make.chat_file(41)
    with ThreadPoolExecutor(50) as crowd:
        told = list(crowd.map(lambda _: wire.put(rows), range(50)))
    assert {one.status for one in told} <= {202, 429}
    for one in told:
        if one.status == 429:
            assert "3 uploads of yours are on their way. Wait until one" in one.text
            assert one.headers["Retry-After"] == "10"
    taken = sum(one.status == 202 for one in told)
    assert kept(live)[0] == before + taken
    same = [path for path in kept(live)[1] if path.stat().st_size == len(rows)]
    assert [path.name for path in same] == [hashlib.sha256(rows).hexdigest()]
    assert wire.put(rows).status == 202


def test_u14_a_part_that_does_not_fit_is_refused_in_words(live, wire):
    uploads = live.fill("/api/v1/projects/{project_id}/uploads")

    def ask(method, path, *more, body=b""):
        size = f"Content-Length: {len(body)}"
        return wire.ask(f"{method} {path} HTTP/1.1", wire.token, size, *more, body=body)

    def append(offset, body, *more, to=None):
        words = (f"Content-Type: {OCTETS}", f"Upload-Offset: {offset}", *more)
        return ask("PATCH", to or place, *words, body=body)

    place = ask("POST", uploads, f"Upload-Length: {len(ROWS)}").headers["Location"]
    other = ask("POST", uploads, f"Upload-Length: {len(ROWS)}", f"Upload-Metadata: {OTHER}")
    assert ask("POST", f"{place}/complete").status == 409
    assert append(0, ROWS[:100]).status == 204
    for name, told, status, words in (
        ("wrong offset", append(7, ROWS[7:]), 409, "The next byte is number 100, not 7."),
        ("overlap", append(99, ROWS[99:]), 409, "The next byte is number 100, not 99."),
        ("gap", append(101, ROWS[101:]), 409, "The next byte is number 100, not 101."),
        ("too many", append(100, ROWS), 413, f"More than the {len(ROWS):,} bytes"),
        ("too soon", ask("POST", f"{place}/complete"), 409, f"100 of {len(ROWS):,} bytes have"),
        ("nobody's", append(0, b"x", to="/api/v1/uploads/999999"), 404, NOTHING_HERE),
        ("no id", append(0, b"x", to="/api/v1/uploads/..%2f1"), 404, NOTHING_HERE),
    ):
        assert (told.status, words in told.text) == (status, True), (name, told.text)
    assert append(100, ROWS[100:]).status == 204
    made = {ask("POST", f"{place}/complete").json["id"] for _ in range(2)}
    assert len(made) == 1, "finished twice"
    assert append(0, ROWS, to=other.headers["Location"]).status == 204
    told = ask("POST", f"{other.headers['Location']}/complete")
    assert told.status == 422
    assert "not the one that was declared. They were removed" in told.text


def test_u16_no_set_of_ranges_costs_more_than_the_file(live, wire):
    def ranges(words):
        return wire.get(wire.content, f"Range: bytes={words}")

    whole = wire.get(wire.content)
    size = len(whole.body)
    for name, words, status, length in (
        ("10,000", ",".join(["0-0"] * 10_000), 200, size),
        ("overlapping", ",".join(f"{n}-{n + 9}" for n in range(50)), 206, 59),
        ("none", "-0", 416, 0),
        ("behind the end", f"{size}-", 416, 0),
        ("backwards", "9-1", 400, None),
        ("words", "a-b", 400, None),
    ):
        told = ranges(words)
        assert told.status == status, name
        assert length is None or len(told.body) == length, name
        assert status != 416 or told.headers["Content-Range"] == f"bytes */{size}"


REQUESTS = {
    "U17 HTTP/1.0": (lambda to: to.get("/projects", version="1.0"), 200, ""),
    "U17 HTTP/1.0 without a host": (
        lambda to: to.get("/projects", version="1.0", host=False),
        400,
        NOT_OURS,
    ),
    "U17 HTTP/9.9": (lambda to: to.get("/projects", version="9.9"), 400, NOT_HTTP),
    "U17 whole address": (lambda to: to.get(f"http://{to.live.host}/projects"), 200, ""),
    "U17 //admin": (lambda to: to.get("//admin"), 404, NOTHING_HERE),
    "U17 %2f": (lambda to: to.get("/static%2f..%2fapp/main.py"), 404, NOTHING_HERE),
    "U17 %252e": (lambda to: to.get("/static/%252e%252e/app/main.py"), 404, NOTHING_HERE),
    "U17 %00": (lambda to: to.get("/projects/1%00"), 404, NOTHING_HERE),
    "U17 /static../": (lambda to: to.get("/static../app/main.py"), 404, NOTHING_HERE),
    "U17 raw bytes": (lambda to: to.get("/projects/\xff"), 400, NOT_HTTP),
    "U18 evil": (lambda to: to.get("/projects", "Host: evil.example", host=False), 400, NOT_OURS),
    "U18 a/?x=": (lambda to: to.get("/projects", "Host: a/?x=", host=False), 400, NOT_OURS),
    "U18 two": (lambda to: to.get("/projects", "Host: evil.example"), 400, NOT_OURS),
    "U19 1 MB": (lambda to: to.get("/projects", f"Cookie: x={'y' * 10**6}"), 431, TOO_MUCH_HEAD),
    "U19 500 cookies": (
        lambda to: to.ask(
            "GET /projects HTTP/1.1", f"{to.cookie}; {'; '.join(f'c{n}=x' for n in range(500))}"
        ),
        200,
        "",
    ),
    "U19 another session after it": (
        lambda to: to.ask("GET /projects HTTP/1.1", f"{to.cookie}; {to.live.cookie}=guessed"),
        303,
        "",
    ),
    "U20 override by header": (
        lambda to: to.ask(
            f"POST {to.content} HTTP/1.1",
            *(to.cookie, to.csrf, "X-HTTP-Method-Override: DELETE", "Content-Length: 0"),
        ),
        405,
        "",
    ),
    "U20 override by field": (
        lambda to: to.ask(
            f"POST {to.content}?_method=DELETE HTTP/1.1", to.cookie, to.csrf, "Content-Length: 0"
        ),
        405,
        "",
    ),
    "U20 no method": (lambda to: to.get("/projects", method="EAT"), 400, NOT_HTTP),
}


def test_u_odd_requests_are_answered_in_words(live, wire):
    wrong = {}
    for name, (ask, status, words) in REQUESTS.items():
        told = ask(wire)
        if told.status != status or words not in told.text:
            wrong[name] = told.status, told.text[:200]
    assert wrong == {}


def some_of_each():
    """The pages and the resources at the tops of things, and what is not made of a table."""
    return ["/projects", "/api/v1/projects", "/livez", "/static/css/kit.css", "/login", "/hooks/x"]


def all_of_them():
    return {route.path for route in every_route()}


@pytest.mark.parametrize("paths", [some_of_each, pytest.param(all_of_them, marks=pytest.mark.full)])
def test_u20_no_route_answers_to_a_method_it_does_not_have(live, wire, paths):
    wrong = {}
    evil = ("Origin: https://evil.example", "Access-Control-Request-Method: DELETE")
    for path in sorted({live.fill(one) for one in paths()}):
        for method in ("HEAD", "TRACE", "OPTIONS"):
            told = wire.get(path, wire.token, *evil, method=method)
            spoken = told.status in {200, 204, 307, 401, 403, 404, 405, 409, 412, 422}
            allowed = [name for name in told.headers if name.lower().startswith("access-control")]
            if not spoken or allowed or (method == "HEAD" and told.body):
                wrong[f"{method} {path}"] = told.status, allowed
    assert wrong == {}
