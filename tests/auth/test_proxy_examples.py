"""The proxies' example settings, run by the real programs where this machine has them."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager

import pytest

from app.settings import ROOT
from tests.auth.test_behind_a_proxy import OWNER, addresses, web
from tests.processes import free_port
from tests.waiting import eventually

pytestmark = pytest.mark.processes

NAME = "luthier.example.org"
FOLDER = ROOT / "docs" / "proxy"
PROXIES = {"nginx": "nginx.conf", "caddy": "Caddyfile"}


@pytest.fixture(params=PROXIES)
def proxied(request, tmp_path):
    """A web process behind the proxy: the port that speaks TLS, and the web process."""
    if shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} on this machine")
    port = free_port()
    public = {"LUTHIER_PUBLIC_URL": f"https://{NAME}", "LUTHIER_TRUSTED_PROXIES": "127.0.0.1"}
    with web(tmp_path, **public) as program:
        upstream = program.address.removeprefix("http://")
        settings = (FOLDER / PROXIES[request.param]).read_text()
        settings = settings.replace("127.0.0.1:8000", upstream).replace("127.0.0.1:8001", upstream)
        start = start_nginx if request.param == "nginx" else start_caddy
        with start(tmp_path, settings, port):
            yield port, program


@contextmanager
def start_nginx(folder, settings, port):
    """Only the ports, the certificate and the folders of the example are exchanged."""
    made = [folder / "luthier.key", folder / "luthier.pem"]
    words = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}")
    subprocess.run(
        ["openssl", *words, "-keyout", made[0], "-out", made[1]], check=True, capture_output=True
    )
    here = {
        "listen 80": f"listen 127.0.0.1:{free_port()}",
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl": str(folder),
    }
    for there, ours in here.items():
        assert there in settings
        settings = settings.replace(there, ours)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    around = f"pid {folder}/pid; daemon off; events {{}} http {{ {temporary} access_log off;"
    (folder / "nginx.conf").write_text(f"{around}\n{settings}\n}}\n")
    command = ["nginx", "-e", f"{folder}/errors", "-c", f"{folder}/nginx.conf", "-p", str(folder)]
    with running(command, port):
        yield


@contextmanager
def start_caddy(folder, settings, port):
    """Its own certificate authority stands for the public one."""
    options = "{\n admin off\n auto_https disable_redirects\n skip_install_trust\n}\n"
    settings = settings.replace(f"{NAME} {{", f"https://{NAME}:{port} {{\n\ttls internal", 1)
    (folder / "Caddyfile").write_text(options + settings)
    command = ["caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]
    with running(command, port, HOME=str(folder), XDG_DATA_HOME=str(folder)):
        yield


@contextmanager
def running(command, port, **env):
    program = shutil.which(command[0])
    process = subprocess.Popen([program, *command[1:]], env={**os.environ, **env})
    try:
        eventually(lambda: ask(port, "GET", "/livez").startswith(b"HTTP/1.1 200"), within=20)
        yield
    finally:
        process.terminate()
        process.wait(10)


def connect(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        return context.wrap_socket(plain, server_hostname=NAME)
    except (OSError, ssl.SSLError) as error:
        raise AssertionError(str(error)) from error


def send(port, text, *, until=b""):
    """The bytes that come back: all of them, or up to the moment when `until` is among them."""
    with connect(port) as connection:
        connection.sendall(text)
        connection.settimeout(5)
        told = b""
        try:
            while piece := connection.recv(65536):
                told += piece
                if until and until in told:
                    break
        except TimeoutError:
            pass
        return told


def ask(port, method, path, *headers, body=b"", until=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {NAME}", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return send(port, "\r\n".join([*lines, "", ""]).encode() + body, until=until)


def sign_in(port, *headers, password=OWNER["LUTHIER_OWNER_PASSWORD"]):
    form = f"email={OWNER['LUTHIER_OWNER_EMAIL']}&password={password.replace(' ', '+')}".encode()
    kind = "Content-Type: application/x-www-form-urlencoded"
    return ask(port, "POST", "/login", kind, *headers, body=form)


def test_the_example_lets_people_in_and_hides_what_is_not_theirs(proxied):
    port, program = proxied
    told = sign_in(port, f"Origin: https://{NAME}")
    assert told.startswith(b"HTTP/1.1 303"), told
    cookie = told.partition(b"__Host-luthier=")[2].partition(b";")[0].decode()
    signed_in = f"Cookie: __Host-luthier={cookie}"

    # What a browser claims about its address is not believed.
    wrong = sign_in(port, "X-Forwarded-For: 203.0.113.7", password="not it at all")
    assert wrong.startswith(b"HTTP/1.1 401"), wrong[:200]
    assert addresses(program) == ["127.0.0.1"]

    # A stream speaks at once.
    begun = time.monotonic()
    assert b"retry: 1000" in ask(port, "GET", "/live", signed_in, until=b"retry: 1000")
    assert time.monotonic() - begun < 4

    # A body of two megabytes passes the proxy and meets the program's own limit, told in its words.
    large = ask(port, "POST", "/api/v1/projects/1/datasets", body=b"x" * 2_000_000)
    assert b"A valid API token is needed" in large

    assert b" 404 " in ask(port, "GET", "/metrics").partition(b"\r\n")[0]
    for path in ("/static../app/main.py", "/static/../app/main.py", "/static/%2e%2e/app/main.py"):
        assert b" 40" in ask(port, "GET", path).partition(b"\r\n")[0], path


def test_a_request_with_two_lengths_reaches_nobody_in_two_ways(proxied, request):
    port, _ = proxied
    both = (
        f"POST /login HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 4\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        f"GET /livez HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
    )
    told = send(port, both.encode())
    if request.node.callspec.params["proxied"] == "nginx":
        assert told.startswith(b"HTTP/1.1 400"), told[:200]
        assert told.count(b"HTTP/1.1 ") == 1
    else:
        # Read by the one rule there is (chunked, RFC 9112 6.3) and passed on with it alone.
        assert told.startswith(b"HTTP/1.1 422"), "the empty form"
        assert told.count(b"HTTP/1.1 ") == 2, "and then the next request"
