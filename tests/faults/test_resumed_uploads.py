"""F21 and F22, uploads that go on: a real web process that is killed, a line that breaks or falls
silent, and somebody else's client of the protocol.
"""

import hashlib
import signal
import socket
import threading
from io import BytesIO

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from tests import make, proxy
from tests.processes import answer
from tests.waiting import eventually
from tests.walls.live import Reply as Answer
from tests.walls.live import live_server

ROWS = make.chat_file(40_000)
HASH = hashlib.sha256(ROWS).hexdigest()
PIECE = 4 * 2**20  # what the server writes at once
OCTETS = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0"}


@pytest.fixture(scope="module")
def live(tmp_path_factory, broker_url):
    """A web process on SQLite; a silent line is given up after a second."""
    folder = tmp_path_factory.mktemp("live")
    env = {"REDIS_URL": broker_url, "LUTHIER_WAIT_DIVISOR": "10"}
    with live_server(folder, "sqlite", url=None, **env) as opened:
        yield opened


@pytest.fixture
def place(live):
    """An upload of ROWS of which nothing is here."""
    return begin(live)


def begin(live):
    """Its path."""
    path = live.fill("/api/v1/projects/{project_id}/uploads")
    made = live.send("POST", path, headers={**keys(live), "Upload-Length": str(len(ROWS))})
    assert made.status == 201
    return made.headers["Location"]


def keys(live):
    return live.people["editor"].by_token


def offset(live, place):
    said = live.send("HEAD", place, headers=keys(live))
    assert said.status == 200
    return int(said.headers["Upload-Offset"])


def append(live, place, at, content) -> Answer:
    headers = {**keys(live), **OCTETS, "Upload-Offset": str(at)}
    return live.send("PATCH", place, headers=headers, body=content)


def begun(live, place, at, content, *, port=None):
    """A connection on which so much of a body was sent, and the rest was promised."""
    lines = {
        "Host": live.host,
        **keys(live),
        **OCTETS,
        "Upload-Offset": str(at),
        "Content-Length": str(len(ROWS) - at),
    }
    head = f"PATCH {place} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
    plug = socket.create_connection(("127.0.0.1", port or live.port), timeout=30)
    plug.sendall(head.encode() + b"\r\n" + content)
    return plug


def completed(live, place):
    """Complete it, and the stored bytes are those that were sent."""
    made = live.send("POST", f"{place}/complete", headers=keys(live))
    assert made.status == 202, made.text
    assert made.json["version"]["sha256"] == HASH
    assert (live.home / "blobs" / HASH[:2] / HASH).read_bytes() == ROWS
    return made.json


def test_F22_a_sender_who_vanishes_goes_on_where_the_server_is(live, place):
    """At one per cent, in the middle, before the last byte, and after it."""
    for wanted in (len(ROWS) // 100, len(ROWS) // 2, len(ROWS) - 1, len(ROWS)):
        at = offset(live, place)
        with begun(live, place, at, ROWS[at:wanted]) as plug:
            if wanted == len(ROWS):
                eventually(lambda: offset(live, place) == len(ROWS))
            plug.shutdown(socket.SHUT_RDWR)
        eventually(lambda wanted=wanted: offset(live, place) == wanted)
    first = completed(live, place)
    assert completed(live, place)["id"] == first["id"]


def test_F21_a_killed_web_process_leaves_what_came_and_the_next_says_how_much(live, place):
    """Killed in the middle of one upload, and of another after its last byte."""
    whole = begin(live)
    append(live, whole, 0, ROWS)
    with begun(live, place, 0, ROWS[: len(ROWS) - 1]):
        eventually(lambda: offset(live, place) >= PIECE)
        live.program.process.send_signal(signal.SIGKILL)
        live.program.start_again()
        eventually(lambda: answer(f"{live.program.address}/livez")[0] == 200, within=60)
    assert offset(live, whole) == len(ROWS)
    here = offset(live, place)
    assert PIECE <= here < len(ROWS)
    assert append(live, place, here, ROWS[here:]).status == 204
    completed(live, place)
    completed(live, whole)


def test_of_two_who_send_at_once_one_is_told_to_wait(live, place):
    with begun(live, place, 0, ROWS[:PIECE]):
        eventually(lambda: offset(live, place) == PIECE)
        late = append(live, place, PIECE, ROWS[PIECE:])
        assert late.status == 423
        assert late.headers["Retry-After"] == "1"
    eventually(lambda: append(live, place, offset(live, place), b"").status == 204)
    assert append(live, place, PIECE, ROWS[PIECE:]).status == 204
    completed(live, place)


def test_asked_to_complete_by_many_at_once_it_is_one_dataset(live, place):
    append(live, place, 0, ROWS)
    replies = []

    def ask():
        replies.append(live.send("POST", f"{place}/complete", headers=keys(live)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {reply.status for reply in replies} <= {202, 423, 429}
    made = {reply.json["id"] for reply in replies if reply.status == 202}
    assert made == {completed(live, place)["id"]}


def test_a_line_that_fell_silent_is_let_go(live, place):
    with proxy.before(port=live.port) as line:
        line.break_after(PIECE + PIECE // 2, is_silent=True)
        with begun(live, place, 0, b"", port=line.port) as plug:
            sending = threading.Thread(target=plug.sendall, args=(ROWS[:-1],), daemon=True)
            sending.start()
            eventually(lambda: line.breaks == 1)
            # Nobody told the server: the part is in the other's hands until it stops waiting.
            assert append(live, place, 0, b"").status == 423
            eventually(lambda: append(live, place, offset(live, place), b"").status == 204)
    here = offset(live, place)
    assert PIECE < here <= PIECE + PIECE // 2
    append(live, place, here, ROWS[here:])
    completed(live, place)


@pytest.mark.parametrize("chunk", [2**40, 3_000_000], ids=["whole", "in chunks"])
def test_another_program_uploads_over_a_line_that_breaks(live, chunk):
    with proxy.before(port=live.port) as line:
        uploads = f"{line.address}{live.fill('/api/v1/projects/{project_id}/uploads')}"
        client = TusClient(uploads, headers=keys(live))
        line.break_after(2_500_000)
        uploader = client.uploader(
            file_stream=BytesIO(ROWS),
            chunk_size=chunk,
            metadata={"filename": "rows.jsonl", "sha256": HASH},
            upload_checksum=chunk < len(ROWS),
        )
        for _ in range(40):
            try:
                uploader.upload()
                break
            except TusCommunicationError:
                line.mend()
                line.break_after(2_500_000)
                url = uploader.url
                eventually(lambda url=url: is_free(live, url))
                uploader.offset = uploader.get_offset()
        assert line.breaks > 1
        place = "/" + uploader.url.split("/", 3)[3]
    assert offset(live, place) == len(ROWS)
    completed(live, place)


def is_free(live, url):
    place = "/" + url.split("/", 3)[3]
    return append(live, place, offset(live, place), b"").status == 204
