"""Who a request comes from, asked of a real web process: nobody names an address unasked, and a
request that could be read in two ways is refused.
"""

import socket
import sqlite3
from contextlib import closing, contextmanager

import pytest
from pydantic import ValidationError

from app.settings import settings
from tests.journeys.api import OWNER
from tests.processes import START_SECONDS, free_port, launch
from tests.waiting import eventually

pytestmark = pytest.mark.processes

WRONG = {"email": OWNER["LUTHIER_OWNER_EMAIL"], "password": "not it at all"}
PUBLIC = "https://luthier.example.org"


@contextmanager
def web(tmp_path, **env):
    """A web process with an owner, on SQLite."""
    home, port = tmp_path / "home", free_port()
    env = {"PORT": str(port), "REDIS_URL": f"unix://{tmp_path}/nobody", **env}
    assert (
        launch(home, "migrate", output="migrate", **OWNER, **env).process.wait(START_SECONDS) == 0
    )
    program = launch(home, "web", output="web", **env)
    program.address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: program.health()[0], within=START_SECONDS)
        yield program
    finally:
        program.clear_away()


@pytest.fixture(scope="module")
def unproxied(tmp_path_factory):
    """A web process that trusts no proxy."""
    with web(tmp_path_factory.mktemp("unproxied")) as program:
        yield program


def addresses(program):
    """Where the wrong passwords came from, as the throttle counts them."""
    with closing(sqlite3.connect(program.home / "luthier.sqlite")) as database:
        return [
            row[0] for row in database.execute("SELECT address FROM failed_sign_ins ORDER BY id")
        ]


def wrong_passwords(program, *forwarded):
    import httpx2

    for value in forwarded:
        answer = httpx2.post(
            f"{program.address}/login",
            data=WRONG,
            headers={"X-Forwarded-For": value, "X-Forwarded-Host": "evil.example"},
            trust_env=False,
            timeout=30,
        )
        assert answer.status_code == 401


def test_an_address_that_a_stranger_names_is_not_believed(unproxied):
    wrong_passwords(unproxied, "203.0.113.7", "203.0.113.8")
    assert addresses(unproxied) == ["127.0.0.1"] * 2


def test_a_trusted_proxy_names_the_sender_and_the_sender_names_nobody(tmp_path):
    with web(tmp_path, LUTHIER_TRUSTED_PROXIES="127.0.0.0/8") as program:
        wrong_passwords(program, "203.0.113.7", "198.51.100.1, 203.0.113.8")
        assert addresses(program) == ["203.0.113.7", "203.0.113.8"]


@pytest.mark.parametrize("proxies", ["*", "proxy.example", "10.0.0.0/33"])
def test_whom_to_trust_is_an_address_or_a_network(monkeypatch, proxies):
    monkeypatch.setenv("LUTHIER_TRUSTED_PROXIES", proxies)
    settings.cache_clear()
    with pytest.raises(ValidationError):
        settings()


AMBIGUOUS = {
    "both lengths": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n",
    "odd coding": "Transfer-Encoding: chunked, identity\r\n",
    "space before the colon": "Content-Length : 5\r\n",
}


def test_a_request_that_can_be_read_in_two_ways_is_refused(unproxied):
    port = int(unproxied.address.rpartition(":")[2])
    for name, headers in AMBIGUOUS.items():
        told = raw(port, f"POST /login HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n0\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 4"), (name, told[:200])
        assert told.count(b"HTTP/1.1 ") == 1, (name, told)
    for host in (
        "evil.example",
        "localhost\r\nHost: evil.example",
        "127.0.0.1@evil.example",
        "",
    ):
        told = raw(port, f"GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 400"), (host, told[:200])
        assert b"evil.example" not in told


def raw(port, text):
    """The bytes that come back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text.encode())
        connection.settimeout(3)
        told = b""
        try:
            while piece := connection.recv(65536):
                told += piece
        except TimeoutError:
            pass
        return told
