"""The running program, by the numbers of the security checklist (see `test_checklist.py`): what a
socket gets, and where its secrets are not.
"""

import re
import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.hooks import event, signed
from tests.journeys.api import OWNER, TRAINING, Curve, Script, command
from tests.processes import command_line, free_port, processes_of, start_luthier

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

CANARY = "sk-canary-7c0e94a635f2d8b71"
SIGNING = "whsec_Y2FuYXJ5LW9mLWEtd2ViaG9vay03YzBlOTRhNjM1"
EMAIL, PASSWORD = OWNER.values()
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
LINK = re.compile(r"/invitations/([\w-]{40,})")


@pytest.fixture(scope="module")
def luthier(tmp_path_factory):
    """The whole program, talkative, allowed to call a port where nobody listens."""
    home = tmp_path_factory.mktemp("walls") / "home"
    nobody = f"127.0.0.1:{free_port()}"
    words = {"LUTHIER_LOG_LEVEL": "DEBUG", "LUTHIER_ALLOW_HOSTS": nobody, **OWNER}
    with start_luthier(home, **words) as program:
        program.nobody = nobody
        yield program


def exchange(program, text):
    """What the web process sends back to these bytes, until it closes or is silent."""
    where = urlsplit(program.address)
    with socket.create_connection((where.hostname, where.port), timeout=5) as line:
        line.sendall(text.replace("HOST", where.netloc).encode("latin-1"))
        told = b""
        try:
            while piece := line.recv(65_536):
                told += piece
                if b"\r\nconnection: close" not in text.lower().encode():
                    line.settimeout(1)
        except (TimeoutError, ConnectionResetError):
            pass
        return told.decode("latin-1")


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 40",
        "Transfer-Encoding: xchunked",
    ],
)
def test_42_a_request_of_two_lengths_is_refused_and_nothing_is_smuggled(luthier, headers):
    form = "Content-Type: application/x-www-form-urlencoded"
    hidden = "0\r\n\r\nGET /livez HTTP/1.1\r\nHost: HOST\r\n\r\n"
    opening = f"POST /login HTTP/1.1\r\nHost: HOST\r\n{form}\r\n{headers}\r\n\r\n"
    told = exchange(luthier, opening + hidden)
    assert told.startswith("HTTP/1.1 400"), told[:200]
    assert told.count("HTTP/1.1 ") == 1
    assert '"ok"' not in told


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app/main.py", "/static/%2e%2e/app/main.py", "/static/%252e%252e/app/main.py",
        "/static/..%2fapp/main.py", "/static/..%5capp/main.py", "/static//etc/passwd",
        "/static/css/..%00/../../../app/main.py", "/static../app/main.py", "//static/../Makefile",
        "/%2e%2e/%2e%2e/etc/passwd", "/dataset-versions/..%2f..%2fsecret/content",
        "/api/v1/dataset-versions/%2e%2e/content", "http://evil.example/static/../app/main.py",
    ],
)  # fmt: skip
def test_49_a_path_that_climbs_reaches_no_file(luthier, path):
    told = exchange(luthier, f"GET {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
    status = int(told.split()[1])
    assert status in {303, 400, 401, 404, 405}, told[:200]
    assert "root:" not in told
    assert "create_app" not in told
    assert "install.py" not in told


def test_37_no_secret_is_found_after_the_whole_way(luthier):
    """Through sign-in, upload, training, answers, and what fails of them: then look everywhere."""
    with httpx2.Client(base_url=luthier.address, trust_env=False, timeout=60) as client:
        client.post("/login", data={"email": EMAIL, "password": PASSWORD})
        client.post("/login", data={"email": EMAIL, "password": f"{PASSWORD} wrong"})
        (cookie,) = client.cookies.values()
        with Script(luthier) as script:
            token = script._http.headers["authorization"].partition(" ")[2]
            link = _go_the_whole_way(luthier, script, client)
            hook = _use_a_webhook(script, client)
            html = [client.get(path).text for path in _pages(client)]
    secrets = {
        "the connection's key": CANARY,
        "the owner's password": PASSWORD,
        "the trainer's key": command(luthier.home, "trainer-key"),
        "the instance's secret": (luthier.home / "secret").read_text().strip(),
        "the API token": token,
        "the session": cookie,
        "the invitation": link,
        "the webhook's secret": SIGNING,
        "the webhook's address": hook,
    }
    assert len(html) > 12
    assert all(len(secret) > 15 for secret in secrets.values())
    told = {
        str(path.relative_to(luthier.home)): path.read_bytes()
        for path in luthier.home.rglob("*")
        if path.is_file() and path.name != "secret"
    }
    assert {"luthier.sqlite", "logs/web.log"} <= told.keys(), sorted(told)
    assert any(b"request.done" in text for text in told.values()), "the logs are talkative"
    told["standard output"] = luthier.output.encode()
    told["the process list"] = "\n".join(map(command_line, processes_of(luthier.home))).encode()
    told["the pages"] = "\n".join(html).encode()
    found = [
        f"{name} in {where}"
        for name, secret in secrets.items()
        for where, text in told.items()
        if secret.encode() in text
    ]
    assert found == []


def _go_the_whole_way(luthier, script, client):
    """Train a model and talk to it, and fail to with a key of one's own; an invitation's token."""
    project = script.post("/projects", json={"name": "Walls"})
    dataset = script.upload(project["id"], _few_rows(luthier.home), "Rows")
    job = script.start_job(
        project["id"], suffix="walls", n_epochs=1, training_version_id=dataset["version"]["id"]
    )
    ended = Curve(script, job["id"]).follow(within=60)
    assert ended["status"] == "succeeded", ended
    question = [{"role": "user", "content": "Where is my card?"}]
    script.answers(ended["model_id"], [question])
    made = script.post(
        f"/projects/{project['id']}/connections",
        json={"name": "Gone", "base_url": f"http://{luthier.nobody}/v1", "api_key": CANARY},
    )
    refused = script._http.get(f"/connections/{made['id']}/base-models")
    assert refused.status_code in {200, 502}
    members = client.get(f"/projects/{project['id']}/members").text
    invited = client.post(
        f"/projects/{project['id']}/invitations",
        data={"role": "viewer", "csrf": CSRF.search(members)[1]},
    )
    return LINK.search(invited.text)[1]


def _use_a_webhook(script, client):
    """Deliver what is genuine and what is not; the token in its address."""
    (project,) = script.get("/projects")["data"]
    connections = script.get(f"/projects/{project['id']}/connections")["data"]
    gone = next(one for one in connections if one["name"] == "Gone")
    made = script.post(f"/connections/{gone['id']}/webhook", json={"secret": SIGNING})
    path = urlsplit(made["url"]).path
    one = signed(event("ftjob-1"), secret=SIGNING)
    for body, status in ((one.body, 204), (b"{}", 400), (b"x" * 100_000, 413)):
        assert client.post(path, content=body, headers=one.headers).status_code == status
    assert client.post(path, headers={"Host": "evil.example"}).status_code == 400
    script.post(f"/connections/{gone['id']}/webhook", 422, json={"secret": SIGNING[:-12]})
    return path.removeprefix("/hooks/")


def _few_rows(home):
    path = home.with_name("rows.jsonl")
    path.write_text("\n".join(TRAINING.read_text().splitlines()[::50]) + "\n")
    return path


def _pages(client):
    """Pages that links lead to, from the front page on."""
    waiting, seen = ["/projects"], set()
    while waiting:
        path = waiting.pop()
        kind = re.sub(r"\d+", "#", path)
        if kind in seen or not path.startswith("/") or path.endswith((".csv", "/content")):
            continue
        seen.add(kind)
        yield path
        text = client.get(path, follow_redirects=True).text
        waiting += [link.replace("&amp;", "&") for link in re.findall(r'href="([^"#]+)', text)]
