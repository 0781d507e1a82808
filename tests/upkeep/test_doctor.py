"""The doctor and the invariants: each says what is wrong, where, and how to mend it."""

import json
from datetime import timedelta

import pytest

from app import __main__ as commands
from app.core import clock, heartbeat, jail, secrets
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.projects.models import Project
from app.settings import settings
from app.upkeep import doctor, looks_outside, service
from tests import make
from tests.journeys.api import OWNER, command
from tests.processes import start_luthier
from tests.stage import one_database


def found():
    return {one.name: one for one in doctor.examine()}


def test_an_instance_that_is_well_is_well(team, home):
    home.chmod(0o700)
    with unit_of_work() as session:
        for kind in ("web", "worker", "beat"):
            moment = clock.now(session)
            session.add(heartbeat.Heartbeat(process=kind, kind=kind, at=moment))
    states = {name: one.state for name, one in found().items()}
    assert states.pop("broker") == "wrong"  # a test of this kind has none
    assert states.pop("python graders") == ("warn" if jail.obstacle() else "ok")
    assert set(states.values()) == {"ok"}, found()
    assert "opens 1 of 1 keys" in found()["secret"].words


@one_database
def test_each_trouble_has_its_line_and_its_cure(team, home, monkeypatch):
    home.chmod(0o755)
    with unit_of_work() as session:
        version = make.make_version(session, session.get_one(Project, team.project_id))
        version.attempts = 3
        moment = clock.now(session)
        session.add(heartbeat.Heartbeat(process="web", kind="web", at=moment))
        old = moment - timedelta(minutes=9)
        session.add(heartbeat.Heartbeat(process="worker", kind="worker", at=old))
        service.mark_restored(session, backed_up_at=moment)
        session.get_one(DatasetVersion, version.id).attempts = 3
    monkeypatch.setenv("LUTHIER_SECRET", "b3RoZXItc2VjcmV0LW9mLWFub3RoZXItaW5zdGFuY2UtISE=")
    monkeypatch.setenv("LUTHIER_ALLOW_HOSTS", "no-such-host.invalid:80")
    monkeypatch.setenv("LUTHIER_HOST", "0.0.0.0")
    monkeypatch.setenv("LUTHIER_DISK_LOW", str(2**60))
    monkeypatch.setenv("LUTHIER_DISK_LOW_SHARE", "1")
    monkeypatch.setenv("LUTHIER_TRAINER_URL", "http://127.0.0.1:9/v1")
    settings.cache_clear()
    secrets._ring.cache_clear()
    told = found()
    expected = {
        "home": ("wrong", "read by others"),
        "disk": ("warn", " free"),
        "secret": ("warn", "1 of 1 keys do not open"),
        "processes": ("wrong", "worker (5"),
        "work": ("warn", "1 in dataset_versions"),
        "starts": ("warn", "restored from a backup"),
        "address": ("warn", "no public address"),
        "allowed hosts": ("warn", "no-such-host.invalid:80"),
        "trainer": ("warn", "does not answer"),
    }
    for name, (state, words) in expected.items():
        assert told[name].state == state, told[name]
        assert words in told[name].words, told[name]
        assert told[name].cure
    assert "beat (never)" in told["processes"].words


def test_packages_that_are_not_those_of_the_lock_are_named(monkeypatch):
    assert "as pinned" in looks_outside.packages()
    real = looks_outside.version
    monkeypatch.setattr(
        looks_outside, "version", lambda name: "0" if name == "celery" else real(name)
    )
    with pytest.raises(looks_outside.Wrong, match="celery 0 instead of"):
        looks_outside.packages()


def test_a_home_without_a_database_is_not_given_one(home, capsys):
    home.mkdir(mode=0o700)
    asked = commands.parser().parse_args(["doctor"])
    assert asked.do(asked) == 1
    told = capsys.readouterr().out
    assert "wrong database" in told
    assert "warn  work: not looked at" in told
    assert list(home.glob("*.sqlite")) == []


@pytest.mark.processes
def test_the_doctor_of_a_running_instance_finds_nothing_wrong(tmp_path):
    with start_luthier(tmp_path / "there", **OWNER) as luthier:
        told = json.loads(command(luthier.home, "doctor", "--json"))
        sound = command(luthier.home, "check-invariants", "--hashes")
    states = {one["name"]: one["state"] for one in told}
    assert states.pop("python graders") == ("warn" if jail.obstacle() else "ok")
    assert set(states.values()) == {"ok"}, told
    assert "wrong" not in sound
