"""docker-compose.yml and Dockerfile, without Docker: the same processes with the same settings."""

import json
import re
import tomllib
from threading import Thread

import httpx2
import pytest

from app.settings import ROOT
from tests import broker, compose, image
from tests.compose import Machine, kill
from tests.journeys.api import TRAINING, Curve, Script, runs_at
from tests.processes import START_SECONDS, STOP_SECONDS, free_port

OURS = ("migrate", "web", "worker-ingest", "worker-provider", "worker-evaluate", "beat", "trainer")
TWICE = ("web", "worker-ingest", "worker-provider", "worker-evaluate", "beat")
VARIABLES = {
    "LUTHIER_SECRET": "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
    "LUTHIER_TRAINER_KEY": "q/Zr+8Jp0bX4=not/a+real=key",
    "POSTGRES_PASSWORD": "a/password+with=what:URLs@mean#something?by",
    "LUTHIER_PUBLIC_URL": "https://luthier.example.org",
}
OWNER = {"email": "mara@example.org", "name": "Mara", "password": "a bow of pernambuco"}
ROWS = 400
# A dozen interpreters start at once.
BOOT_SECONDS = 150


def test_the_file_asks_for_what_it_says_at_its_top_and_nothing_else():
    text = (ROOT / "docker-compose.yml").read_text()
    assert compose.required() == VARIABLES.keys() - {"LUTHIER_PUBLIC_URL"}
    comment = text.partition("x-hardened")[0]
    assert all(name in comment for name in VARIABLES)
    with pytest.raises(KeyError):
        compose.services(**{**VARIABLES, "LUTHIER_SECRET": ""})


def test_every_container_of_ours_is_closed_and_comes_back():
    services = compose.services(**VARIABLES)
    assert {name for name, one in services.items() if one["image"] == "luthier"} == set(OURS)
    for name in OURS:
        one = services[name]
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert one["init"] is True
        assert int(one["stop_grace_period"].removesuffix("s")) > 20, "a slice lasts twenty seconds"
        assert one["volumes"] == [
            "trainer:/var/lib/luthier" if name == "trainer" else "home:/var/lib/luthier"
        ]
        assert "privileged" not in one
    for name, one in services.items():
        assert one["restart"] == ("no" if name == "migrate" else "unless-stopped")
        waits = one.get("depends_on", {})
        if name in OURS[1:-1]:
            assert waits["migrate"] == {"condition": "service_completed_successfully"}
            assert waits["valkey"] == {"condition": "service_healthy"}
        for awaited, how in waits.items():
            assert how["condition"] != "service_healthy" or "healthcheck" in services[awaited]
    published = [port for one in services.values() for port in one.get("ports", [])]
    assert published == ["127.0.0.1:8000-8001:8000"], "only the proxy's machine reaches a process"
    assert services["web"]["deploy"]["replicas"] == 2


def test_addresses_lead_to_services_and_ports_that_are_there():
    services = compose.services(**VARIABLES)
    ports = {"valkey": 6379, "trainer": 8001}
    env = services["web"]["environment"]
    assert env["DATABASE_URL"] == "postgresql://luthier@postgres/luthier"
    assert env["PGPASSWORD"] == services["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert services["postgres"]["environment"]["POSTGRES_USER"] == "luthier"
    for host, port in re.findall(r"\b([a-z]+):(\d{4})\b", json.dumps(env)):
        assert ports.get(host, 8000) == int(port)
        assert host in services
    assert env["LUTHIER_TRAINER_KEY"] == services["trainer"]["environment"]["LUTHIER_TRAINER_KEYS"]
    subnet = (ROOT / "docker-compose.yml").read_text()
    assert f"gateway: {env['LUTHIER_TRUSTED_PROXIES']}" in subnet
    assert "http://127.0.0.1:8000/livez" in services["web"]["healthcheck"]["test"][-1]
    assert "http://127.0.0.1:8001/healthz" in services["trainer"]["healthcheck"]["test"][-1]


def test_the_image_installs_the_lock_by_hash_and_runs_as_nobody_special():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assets, last = image.stages()
    assert [stage.base.split(":")[0] for stage in (assets, last)] == ["node", "python"]
    major, minor = last.base.removeprefix("python:").removesuffix("-slim").split(".")
    assert f">={major}.{minor}" == project["requires-python"]
    (install,) = [words for words in last.all("RUN") if "pip install" in words]
    assert install.endswith("--require-hashes -r requirements/run.txt")
    (user,) = last.all("USER")
    assert int(user) > 1000
    assert f"useradd --uid {user}" in " ".join(last.all("RUN"))
    assert "/var/lib/luthier" in last.all("VOLUME")
    assert [name for name, _ in last.lines].index("USER") < len(last.lines) - 1
    assert "python3 static/fill_vendor.py" in assets.all("RUN")


def test_nothing_private_gets_into_the_image(tmp_path):
    copied = {path for words in image.stages()[-1].all("COPY") for path in words.split()[:-1]}
    assert not copied & {".", "./", "var", ".env", "tests"}
    is_left_out = image._left_out(ROOT)
    private = (".env", ".env.production", ".git/config", "var/secret", "app/core/__pycache__/a.pyc")
    assert all(is_left_out(path) for path in private)
    assert not is_left_out("app/core/home.py")
    assert not is_left_out("static/js/main.js")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The image's files."""
    made = tmp_path_factory.mktemp("image") / "luthier"
    image.build(made)
    return made


class Stream:
    """An open page somewhere: the nudges it hears."""

    def __init__(self, address: str, cookie: str, topic: str) -> None:
        self.heard: list[str] = []
        self._client = httpx2.Client(headers={"Cookie": cookie}, timeout=60, trust_env=False)
        self._thread = Thread(target=self._listen, args=(f"{address}/live?topic={topic}",))
        self._thread.daemon = True
        self._thread.start()

    def _listen(self, url: str) -> None:
        try:
            with self._client.stream("GET", url) as answered:
                for line in answered.iter_lines():
                    if line.startswith("data: "):
                        self.heard.append(line)
        except httpx2.HTTPError:
            return


@pytest.mark.full  # 45 s; the other journeys kill workers in CI
@pytest.mark.processes
@pytest.mark.timeout(600)
def test_two_of_everything_take_a_job_from_upload_to_model_and_outlive_kills(
    tmp_path, tree, postgres
):
    before = _files(tree)
    url = postgres.create("compose")
    trainer_port = free_port()
    with broker.running() as redis_url:
        machine = Machine(
            tree,
            tmp_path / "home",
            {
                "postgresql://luthier@postgres/luthier": url,
                "redis://valkey:6379/0": redis_url,
                "trainer:8001": f"127.0.0.1:{trainer_port}",
                "/var/lib/luthier": str(tmp_path / "home"),
                "0.0.0.0": "127.0.0.1",
            },
            VARIABLES,
        )
        programs = {}
        try:
            link = _migrate_twice(machine)
            programs["trainer"] = machine.start("trainer", 1, trainer_port)
            for name in TWICE:
                for number in (1, 2):
                    port = free_port() if name == "web" else None
                    programs[f"{name}-{number}"] = machine.start(name, number, port)
            for number in (1, 2):
                programs[f"web-{number}"].wait_until_healthy(BOOT_SECONDS)
            _work_through_it(programs, machine, link)
            for program in programs.values():
                program.process.terminate()
            for name, program in programs.items():
                assert program.ends(STOP_SECONDS), f"{name} does not end:\n{program.output}"
                _is_json(name, program.output)
        finally:
            for program in programs.values():
                program.clear_away()
    assert _files(tree) == before, "a container cannot write beside its home"
    postgres.drop(url)


def _files(tree):
    """All of them, without what Python compiles for itself where it may."""
    return sorted(path for path in tree.rglob("*") if "__pycache__" not in path.parts)


def _migrate_twice(machine: Machine) -> str:
    """The link for the first account. A second run, as after every `up`, changes nothing."""
    for number in (1, 2):
        migrate = machine.start("migrate", number)
        assert migrate.process.wait(START_SECONDS) == 0, migrate.output
    link = re.search(r"https://luthier\.example\.org/welcome/([\w-]+)", migrate.output)
    assert link, migrate.output
    return link[1]


def _work_through_it(programs, machine: Machine, link: str) -> None:
    """A person comes in through one web and watches through the other; processes die meanwhile."""
    one, other = programs["web-1"], programs["web-2"]
    welcomed = httpx2.post(f"{one.address}/welcome", data={"token": link, **OWNER}, trust_env=False)
    assert welcomed.status_code == 303, welcomed.text
    cookie = welcomed.headers["set-cookie"].partition(";")[0]
    assert cookie.startswith("__Host-luthier=")
    assert httpx2.get(f"{other.address}/projects", headers={"Cookie": cookie}).status_code == 200
    rows = machine.home.with_name("rows.jsonl")
    rows.write_text("".join(TRAINING.read_text().splitlines(keepends=True)[:ROWS]))
    env = machine.environment("web")
    env.pop("LUTHIER_HOME")
    with Script(one, **env) as through_one, Script(other, **env) as through_other:
        project = through_one.post("/projects", json={"name": "Support routing"})["id"]
        version = through_one.upload(project, rows, "Banking77")["version"]["id"]

        def start(suffix: str, n_epochs: int):
            job = through_one.start_job(
                project, suffix=suffix, n_epochs=n_epochs, training_version_id=version
            )
            return job, Curve(through_other, job["id"])

        job, curve = start("seen", 3)
        stream = Stream(other.address, cookie, f"job:{job['id']}")
        ended = curve.follow(within=120)
        assert (ended["status"], ended["error"]) == ("succeeded", None)
        assert len(stream.heard) > 3, "the other web heard nothing of it"

        job, curve = start("survives", 12)
        curve.wait_for_more(within=60)
        for name in ("web-1", "worker-provider-1", "beat-1"):
            kill(programs[name])
        kill(programs["worker-ingest-2"])
        ended = curve.follow(within=150)
        assert (ended["status"], ended["error"]) == ("succeeded", None)
        for name in ("web-1", "worker-provider-1", "beat-1", "worker-ingest-2"):
            programs[name].start_again()
        one.wait_until_healthy(BOOT_SECONDS)
        models = through_one.get(f"/projects/{project}/models")["data"]
        assert len(models) == 2
    runs = runs_at(programs["trainer"].address, VARIABLES["LUTHIER_TRAINER_KEY"])
    assert sorted(run.fine_tuned_model for run in runs.values()) == sorted(
        model["name"] for model in models
    )


def _is_json(name: str, output: str) -> None:
    """Every line that a process writes is an event, but for Celery's farewell."""
    for line in filter(None, output.splitlines()):
        is_event = line.startswith("{") and "event" in json.loads(line)
        assert is_event or line.endswith("shutdown (MainProcess)"), f"{name}: {line}"
