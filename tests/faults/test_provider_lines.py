"""F14: a provider that cannot be reached, never comes to an end, or breaks off. Time and memory are
bounded, and an order that may have made a run is told apart from one that never left.
"""

import socket
import ssl
import threading
import tracemalloc
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.connections.keys import opened_key, seal_key
from app.connections.models import Connection
from app.core import http, owned
from app.core.database import unit_of_work
from app.core.http import HttpOptions
from app.jobs import tasks
from app.jobs.models import JobStatus
from app.providers.base import NotSent, ProviderUnavailable, RunRequest, Unknown
from app.providers.openai import OpenAIProvider, wire
from app.settings import settings
from tests.faults.stage import IS_FULL, on
from tests.jobs.steps import attempts_of, look, make_due, queue_job
from tests.make import BASE_MODEL
from tests.stage import connection_of, job_of, one_database
from tests.waiting import eventually
from tests.witness.handle import KEY
from tests.witness.script import CREATE_RUN, LIST_RUNS, Fault

MOST_MEMORY = 64 * 2**20
ORDER = RunRequest(
    base_model=BASE_MODEL,
    training_file_id="file-1",
    method="supervised",
    op_key="op-1",
    instance="x",
)
LONG = '{"object": "list", "data": [], "id": "' + "x" * 500 + '"}'
ENDLESS = {
    "hangs before its headers": {"delay": 30, "body": LONG},
    "hangs after its headers": {"end": "hang", "delay": 30, "body": LONG},
    "sends ten bytes a second": {"end": "drip", "body": LONG},
    "sends five gigabytes": {"end": "flood"},
    "sends what unfolds into a gigabyte": {"end": "bomb"},
    "breaks off in the middle": {"end": "truncate", "body": LONG},
    "closes the connection": {"end": "drop"},
}


@pytest.fixture
def hasty(monkeypatch):
    """Half a second is all the time there is."""
    monkeypatch.setattr(wire, "PAID_SECONDS", 0.5)


@contextmanager
def opened(url, host, **options):
    given = HttpOptions(allow=frozenset({host}), **options)
    with OpenAIProvider(url, KEY, "openai", given) as provider:
        yield provider


@contextmanager
def little_memory():
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY


@pytest.mark.parametrize("name", ENDLESS)
def test_F14_an_order_to_a_provider_that(witness, hasty, name):
    witness.script(Fault(CREATE_RUN, **ENDLESS[name]))
    with opened(witness.url, witness.host) as provider, little_memory():
        outcome = provider.start_run(ORDER)
    assert isinstance(outcome, Unknown), outcome
    assert len(witness.creates) == 1


@pytest.mark.parametrize("name", ENDLESS)
def test_F14_a_list_of_a_provider_that(witness, name):
    witness.script(Fault(LIST_RUNS, **ENDLESS[name]))
    quick = {"read_seconds": 0.5, "total_seconds": 0.5}
    with opened(witness.url, witness.host, **quick) as provider, little_memory():
        with pytest.raises(ProviderUnavailable):
            provider.list_runs()
        assert provider.list_runs().items == (), "the next look goes well"


SAMPLED = {"sends five gigabytes", "breaks off in the middle"}


@one_database
@pytest.mark.parametrize(
    "name",
    [name if name in SAMPLED else pytest.param(name, marks=pytest.mark.full) for name in ENDLESS],
)
def test_F14_a_job_at_a_provider_that(workshop, witness, hasty, monkeypatch, name):
    monkeypatch.setattr(tasks, "LOOK_READ_SECONDS", 0.5)
    monkeypatch.setattr(tasks, "LOOK_TOTAL_SECONDS", 0.5)
    witness.script(Fault(CREATE_RUN, **{"commits": True, **ENDLESS[name]}))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    assert [one.outcome for one in attempts_of(job_id)] == ["unknown"]

    make_due(job_id)
    tasks.start(job_id)

    assert len(witness.creates) == 1
    assert job_of(job_id).run_id == witness.runs[0]["id"]
    witness.script(Fault(LIST_RUNS, **ENDLESS[name]))
    look(workshop)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert connection_of(workshop.connection_id).words
    look(workshop)
    assert connection_of(workshop.connection_id).words is None


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_F14_nobody_takes_the_connection(closed_port):
    host = f"127.0.0.1:{closed_port}"
    with opened(f"http://{host}/v1", host) as provider:
        outcome = provider.start_run(ORDER)
        with pytest.raises(ProviderUnavailable, match="cannot be reached"):
            provider.list_runs()
    assert isinstance(outcome, NotSent)


def test_F14_a_name_that_no_resolver_knows():
    with opened("https://provider.invalid/v1", "") as provider:
        outcome = provider.start_run(ORDER)
        with pytest.raises(ProviderUnavailable, match=r"provider\.invalid cannot be found"):
            provider.list_runs()
    assert isinstance(outcome, NotSent)


@pytest.mark.parametrize("is_expired", [False, True], ids=["a good one", "an expired one"])
def test_F14_a_certificate(tmp_path, monkeypatch, is_expired):
    authority = certificates(tmp_path, is_expired=is_expired)
    trusting = ssl.create_default_context(cafile=authority)
    monkeypatch.setattr(http, "tls", lambda: trusting)
    with tls_server(tmp_path) as (port, asked):
        host = f"127.0.0.1:{port}"
        with opened(f"https://{host}/v1", host) as provider:
            outcome = provider.start_run(ORDER)
    if is_expired:
        assert isinstance(outcome, NotSent)
        assert "certificate has expired" in outcome.reason
        assert asked == []
    else:
        assert isinstance(outcome, Unknown), "the answer of a server that is none"
        assert b"op-1" in b"".join(asked)


@one_database
def test_F14_a_job_whose_provider_is_not_there_waits_and_is_started_once(
    workshop, witness, closed_port, monkeypatch
):
    monkeypatch.setenv("LUTHIER_ALLOW_HOSTS", f"{witness.host},127.0.0.1:{closed_port}")
    settings.cache_clear()
    away = f"http://127.0.0.1:{closed_port}/v1"
    job_id = queue_job(workshop)
    move(workshop, away)
    for _ in range(3):
        make_due(job_id)
        tasks.start(job_id)
        assert job_of(job_id).status == JobStatus.STARTING
    assert "cannot be reached" in job_of(job_id).last_error
    move(workshop, witness.url)
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.creates) == 1


def move(team, url):
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        key = opened_key(connection)
        connection.base_url = url
        seal_key(connection, key)


@pytest.mark.full
@on("sqlite")
def test_F14_a_worker_does_not_grow_by_what_it_is_sent(stage):
    stage.start("beat", "worker")
    job_id = stage.queue_job()
    stage.settled(job_id)
    before = most_memory(stage)
    for end in ("flood", "bomb") * 5:
        stage.witness.script(Fault("GET /v1/.*", end=end, times=2))
    waits_for(lambda: most_answered(stage) >= 20)
    assert most_memory(stage) - before < MOST_MEMORY
    stage.witness.calm()
    stage.witness.change_run(job_of(job_id).run_id, status="succeeded")
    waits_for(lambda: job_of(job_id).status == JobStatus.SUCCEEDED)
    stage.invariants_hold()


def waits_for(condition):
    """At the real waits a connection that fails is asked ever more rarely, at last in minutes."""
    return eventually(condition, 5400 if IS_FULL else 300, every=0.2)


def most_answered(stage):
    return len(stage.witness.journal.read("GET /v1/.*"))


def most_memory(stage):
    """The peak of the largest of a worker's processes, in bytes."""
    pid = stage.programs["worker"].process.pid
    peaks = [
        int(line.split()[1]) * 1024
        for one in (pid, *owned.descendants(pid))
        for line in Path(f"/proc/{one}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    return max(peaks)


def certificates(folder, *, is_expired):
    """The certificate of an authority of this test, whose word for 127.0.0.1 is in `server.pem`."""
    now = datetime.now(UTC)
    authority_key, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A test's authority")])
    end = now - timedelta(days=1) if is_expired else now + timedelta(days=1)

    def signed(subject, public_key, until, *, is_authority):
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            names = [x509.IPAddress(ip_address("127.0.0.1"))]
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return made.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    server = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    own = signed(server, key.public_key(), end, is_authority=False)
    (folder / "server.pem").write_bytes(secret + own)
    path = folder / "authority.pem"
    year = now + timedelta(days=365)
    path.write_bytes(signed(authority, authority_key.public_key(), year, is_authority=True))
    return path


@contextmanager
def tls_server(folder):
    """A server that speaks TLS, keeps what it is asked and says nothing sensible; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            try:
                taken, _ = listening.accept()
                with context.wrap_socket(taken, server_side=True) as talk:
                    asked.append(talk.recv(65536))
                    asked.append(talk.recv(65536))
                    talk.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHello")
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], asked
        thread.join(10)
