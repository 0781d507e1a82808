"""Guarded clients: where they refuse to go, what they refuse to read, and the words for it."""

import asyncio
import gzip
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpcore2
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.core import http
from app.core.addresses import is_public
from app.core.http import HttpOptions, UnsafeUrl, async_client, check_url, client
from app.settings import settings

# reliability list R, each with the words its form shows
REFUSED = {
    "http://169.254.169.254/": "169.254.169.254 is a private address",
    "http://[::ffff:169.254.169.254]/": "is a private address",
    "http://[64:ff9b::a9fe:a9fe]/": "is a private address",
    "http://[::ffff:0:169.254.169.254]/": "is a private address",
    "https://[5f00::1]/": "is a private address",
    "https://[3fff::1]/": "is a private address",
    "http://[64:ff9b:1::a9fe:a9fe]/": "is a private address",
    "http://[2002:a9fe:a9fe::1]/": "is a private address",
    "https://[fd00::1]/": "is a private address",
    "https://[::1]/": "is a private address",
    "https://[::]/": "is a private address",
    "https://[::127.0.0.1]/": "is a private address",
    "https://[fe80::1%25eth0]/": "is a private address",
    "https://[fe80::1]/": "is a private address",
    "https://[ff02::1]/": "is a private address",
    "https://0.0.0.0/": "is a private address",
    "https://10.1.2.3/v1": "10.1.2.3 is a private address",
    "https://100.64.0.1/": "is a private address",
    "https://224.0.0.1/": "is a private address",
    "https://127.0.0.1:8001/v1": "LUTHIER_ALLOW_HOSTS=127.0.0.1:8001",
    "http://2852039166/": "four numbers with dots",
    "https://0x7f.1/": "four numbers with dots",
    "https://0177.0.0.1/": "four numbers with dots",
    "https://127.1/": "four numbers with dots",
    "https://localhost/": "name of a private network",
    "https://localhost./": "name of a private network",
    "https://LOCALHOST/": "name of a private network",
    "https://db/": "name of a private network",
    "https://metadata.google.internal/": "name of a private network",
    "http://a@127.0.0.1/": "Leave user name and password out",
    "https://user:word@api.openai.com/v1": "Leave user name and password out",
    "http://127.0.0.1#@api.openai.com/": "from ? or # on",
    "https://api.openai.com/v1?key=1": "from ? or # on",
    "https://api.openai.com\\@evil/": "backslash",
    "https://api.openai.com/\r\nHost: evil": "line break",
    "https://api.openai.com/ v1": "space",
    "https://api.\topenai.com/v1": "space, a line break",
    "https://api.openai.com/\0": "space, a line break",
    "file:///etc/passwd": "must begin with https://",
    "gopher://127.0.0.1:6379/_x": "must begin with https://",
    "unix:///run/docker.sock": "must begin with https://",
    "ftp://example.com/": "must begin with https://",
    "data:text/plain,x": "must begin with https://",
    "api.openai.com/v1": "must begin with https://",
    "": "must begin with https://",
    "http://api.openai.com/v1": "nobody reads the key",
    "https://example.com:22/": "Only port 443 is open",
    "https://example.com:6379/": "Only port 443 is open",
    "https://example.com:5432/": "Only port 443 is open",
    "https://example.com:0/": "not well formed",
    "https://example.com:99999/": "not well formed",
    "https://example.com:x/": "not well formed",
    "https://[::1/": "not well formed",
    "https:///v1": "not well formed",
    "https://-example-.com/": "not well formed",
    "https://exa$mple.com/": "not well formed",
    "https://example..com/": "not well formed",
    "https://аpi.openai.com/v1": "imitate",
    "https://api.openai.com/v１": "imitate",
    "https://example.com/" + "x" * 10_000: "too long",
    "https://luthier.example.com/v1": "Luthier's own address",
    "https://luthier.example.com:443": "Luthier's own address",
}

ACCEPTED = [
    "https://api.openai.com/v1",
    "https://API.OpenAI.com/v1/",
    "https://api.openai.com:443/v1",
    "https://acme.openai.azure.com/openai/v1/",
    # Another's name is another's name: the key goes where the person said it goes.
    "https://api.openai.com.evil",
    "https://xn--pi-7kc.example.com/v1",
    "https://8.8.8.8/v1",
    "https://[2606:4700:4700::1111]/v1",
]


@pytest.fixture(autouse=True)
def _own_address(monkeypatch, home):
    monkeypatch.setenv("LUTHIER_PUBLIC_URL", "https://luthier.example.com")
    settings.cache_clear()


@pytest.mark.parametrize("url", REFUSED)
def test_an_unsafe_address_is_refused_with_the_words_that_help(url):
    with pytest.raises(UnsafeUrl) as refused:
        check_url(url, allow=frozenset())

    assert REFUSED[url] in str(refused.value)
    assert str(refused.value).endswith((".", ":8001."))


@pytest.mark.parametrize("url", ACCEPTED)
def test_a_public_address_is_accepted(url):
    check_url(url, allow=frozenset())


def test_a_private_address_is_accepted_where_it_is_named_with_its_port(monkeypatch):
    monkeypatch.setenv("LUTHIER_ALLOW_HOSTS", "127.0.0.1:9001, GPU.lan:8000,[::1]:7")
    monkeypatch.setenv("LUTHIER_TRAINER_URL", "http://127.0.0.1:8001/v1")
    settings.cache_clear()

    for url in (
        "http://127.0.0.1:9001/v1",
        "https://gpu.lan:8000",
        "http://[::1]:7/",
        "http://127.0.0.1:8001/v1",
    ):
        check_url(url)
    check_url("https://luthier.example.com/", allow={"luthier.example.com:443"})
    for url in ("http://127.0.0.1:9002/v1", "http://127.0.0.1/v1", "http://gpu.lan/"):
        with pytest.raises(UnsafeUrl):
            check_url(url)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "104.18.6.192", "2606:4700:4700::1111", "2a00:1450:4001::200e"]
)
def test_public_addresses_are_public(address):
    assert is_public(ip_address(address))


# Where names lead, when they are called


@pytest.fixture
def names(monkeypatch):
    """A resolver of this test: name to the answers it gives, one after another."""
    given: dict[str, list[list[str]]] = {}
    asked: list[str] = []

    def resolve(host, port, *_, **__):
        try:
            given.setdefault(str(ip_address(host)), [[host]])
        except ValueError:
            asked.append(host)
        answers = given.get(host)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    given["asked"] = [asked]
    return given


def get(url, **options):
    """One request by the guarded client."""
    with client(HttpOptions(allow=options.pop("allow", frozenset()), **options)) as session:
        return session.get(url)


def get_async(url, **options):
    """The same by the one for asyncio."""

    async def ask():
        chosen = HttpOptions(allow=options.pop("allow", frozenset()), **options)
        async with async_client(chosen) as session:
            return await session.get(url)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["8.8.8.8", "10.0.0.1"],
        ["::1"],
        ["64:ff9b::a9fe:a9fe"],
        ["::ffff:127.0.0.1"],
        ["2002:7f00:1::"],
        ["fe80::1%eth0"],
        ["100.100.100.200"],
    ],
)
@pytest.mark.parametrize("ask", [get, get_async])
def test_a_name_that_leads_to_any_private_address_is_not_called(names, ask, addresses):
    names["api.example.com"] = [addresses]

    with pytest.raises(httpx2.ConnectError, match="a private address"):
        ask("https://api.example.com/v1/models")


@pytest.mark.parametrize("ask", [get, get_async])
@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "https://[::1]/", "http://2130706433/"]
)
def test_a_private_address_itself_is_not_called(ask, url):
    with pytest.raises(httpx2.ConnectError, match="a private address"):
        ask(url)


@pytest.mark.parametrize("ask", [get, get_async])
def test_a_name_nobody_knows_cannot_be_found(names, ask):
    with pytest.raises(httpx2.ConnectError, match=r"api\.openai\.com\.evil cannot be found"):
        ask("https://api.openai.com.evil/v1/models")


def test_the_address_that_was_checked_is_the_one_called(names, monkeypatch):
    called = []

    def connect(self, host, port, *_):
        called.append((host, port))
        raise httpcore2.ConnectError("Connection refused")

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect)
    names["rebinding.example.com"] = [["8.8.8.8", "9.9.9.9"], ["127.0.0.1"]]

    with pytest.raises(httpx2.ConnectError, match="refused"):
        get("https://rebinding.example.com/")
    assert called == [("8.8.8.8", 443), ("9.9.9.9", 443)]
    assert names["asked"] == [["rebinding.example.com"]]

    with pytest.raises(httpx2.ConnectError, match=r"leads to 127\.0\.0\.1, a private"):
        get("https://rebinding.example.com/")
    assert len(called) == 2


# What comes back


@contextmanager
def server(*answers, tls=None, sni=None):
    """A server on loopback that gives these raw answers, one a connection; yields its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    heard = []

    def serve():
        for answer in answers:
            try:
                connection, _ = listening.accept()
                with connection:
                    stream = (
                        connection if tls is None else tls.wrap_socket(connection, server_side=True)
                    )
                    with stream:
                        heard.append(stream.recv(65_536))
                        for piece in answer if isinstance(answer, list) else [answer]:
                            stream.sendall(piece)
            except OSError:
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1], heard
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def answer(body=b"", *headers):
    """A whole answer of status 200."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


@pytest.mark.parametrize("ask", [get, get_async])
def test_host_is_the_name_although_the_address_is_called(names, ask):
    names["trainer.example.com"] = [["127.0.0.1"]]
    with server(answer(b"hello")) as (port, heard):
        where = f"trainer.example.com:{port}"

        assert ask(f"http://{where}/", allow=frozenset({where})).text == "hello"

    assert f"Host: {where}".encode() in heard[0]
    assert b"Accept-Encoding: identity" in heard[0]


@pytest.mark.parametrize("ask", [get, get_async])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(ask, status):
    moved = b"HTTP/1.1 %d Moved\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with server(moved % status) as (port, heard):
        response = ask(f"http://127.0.0.1:{port}/", allow=frozenset({f"127.0.0.1:{port}"}))

    assert response.status_code == status
    assert len(heard) == 1


@pytest.mark.parametrize("ask", [get, get_async])
def test_an_answer_over_the_limit_is_broken_off(ask):
    endless = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
    endless += [b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 64
    with server(endless) as (port, _), pytest.raises(httpx2.ReadError, match="larger than"):
        ask(
            f"http://127.0.0.1:{port}/",
            allow=frozenset({f"127.0.0.1:{port}"}),
            response_limit=1_000_000,
        )


@pytest.mark.parametrize("ask", [get, get_async])
@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123456789",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n1234",
    ],
    ids=["length", "between chunks", "within a chunk"],
)
def test_an_answer_cut_short_is_an_error_and_no_end(ask, cut):
    with server(cut) as (port, _), pytest.raises(httpx2.TransportError):
        ask(f"http://127.0.0.1:{port}/", allow=frozenset({f"127.0.0.1:{port}"}))


@pytest.mark.parametrize("ask", [get, get_async])
def test_a_compressed_answer_is_not_unfolded(ask):
    bomb = gzip.compress(b"\0" * 50_000_000)
    packed = answer(bomb, b"Content-Encoding: gzip")
    with server(packed) as (port, _), pytest.raises(httpx2.ReadError, match="compressed"):
        ask(f"http://127.0.0.1:{port}/", allow=frozenset({f"127.0.0.1:{port}"}))


# TLS


def certificate(name, folder):
    """A self-signed certificate for `name`: a server's context, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    return serving, ssl.create_default_context(cafile=str(pem))


@pytest.mark.parametrize("ask", [get, get_async])
def test_the_certificate_must_be_trusted_and_bear_the_name(names, ask, tmp_path, monkeypatch):
    serving, trusting = certificate("trainer.example.com", tmp_path)
    asked_for = []
    serving.sni_callback = lambda _, name, __: asked_for.append(name)
    for name in ("trainer.example.com", "other.example.com"):
        names[name] = [["127.0.0.1"]]
    with server(answer(), answer(), answer(b"hello"), tls=serving) as (port, _):
        allow = frozenset({f"trainer.example.com:{port}", f"other.example.com:{port}"})
        with pytest.raises(httpx2.ConnectError, match="certificate"):
            ask(f"https://trainer.example.com:{port}/", allow=allow)
        monkeypatch.setattr(http, "tls", lambda: trusting)
        with pytest.raises(httpx2.ConnectError, match="certificate"):
            ask(f"https://other.example.com:{port}/", allow=allow)
        response = ask(f"https://trainer.example.com:{port}/", allow=allow)

    assert response.text == "hello"
    assert asked_for == ["trainer.example.com", "other.example.com", "trainer.example.com"]
