"""The instance's state as Prometheus reads it: looked up in the database when it is asked for.

Every web process gives the same figures, so they can be scraped at any one of them; what a process
counts for itself is `core.measures`.
"""

import shutil
from collections.abc import Iterator, Mapping

import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from app.connections import queries as connections
from app.connections.models import Connection
from app.core import clock, events, heartbeat, leases, storage
from app.datasets import queries as datasets
from app.datasets.models import DatasetVersion, VersionStatus
from app.jobs import queries as jobs
from app.jobs.models import Job, JobStatus
from app.notices.models import Delivery

# What waits for a worker, by what the work is done on.
WORK = {"version": DatasetVersion, "job": Job, "connection": Connection, "delivery": Delivery}


def text(session: Session) -> bytes:
    """All of it, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Instance(session))
    return generate_latest(registry)


class _Instance(Collector):
    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[GaugeMetricFamily]:
        session = self._session
        yield _by("luthier_jobs", "Jobs.", "status", _all(JobStatus, jobs.count_by_status(session)))
        yield _by(
            "luthier_dataset_versions",
            "Uploaded versions.",
            "status",
            _all(VersionStatus, datasets.count_by_status(session)),
        )
        yield _by(
            "luthier_connections",
            "Accounts at providers: ok, refused (the key), held (told to wait).",
            "state",
            connections.count_by_state(session, clock.now(session)),
        )
        yield from _backlogs(session)
        yield from _processes(session)
        yield from _room(session)
        yield GaugeMetricFamily("luthier_broker_up", "Whether the broker answers.", _broker_up())


def _backlogs(session: Session) -> Iterator[GaugeMetricFamily]:
    found = {name: leases.backlog(session, model) for name, model in WORK.items()}
    for metric, words, field in (
        ("luthier_due", "Rows whose work is due and not taken.", "due"),
        ("luthier_due_oldest_seconds", "How long the longest of them waits.", "oldest_seconds"),
        ("luthier_leases_expired", "Rows whose worker went silent.", "expired"),
        ("luthier_poisoned", "Rows given up after three tries; a person is asked.", "poisoned"),
    ):
        values = {name: getattr(backlog, field) for name, backlog in found.items()}
        yield _by(metric, words, "work", values)


def _processes(session: Session) -> Iterator[GaugeMetricFamily]:
    ages = heartbeat.ages(session)
    fresh = {kind: sum(age <= heartbeat.FRESH_SECONDS for age in of) for kind, of in ages.items()}
    yield _by(
        "luthier_processes",
        f"Processes that gave a sign of life in the last {heartbeat.FRESH_SECONDS:.0f} s.",
        "kind",
        {**dict.fromkeys(heartbeat.KINDS, 0), **fresh},
    )
    yield _by(
        "luthier_heartbeat_age_seconds",
        "The youngest sign of life of each kind of process.",
        "kind",
        {kind: min(of) for kind, of in ages.items()},
    )


def _room(session: Session) -> Iterator[GaugeMetricFamily]:
    stored = datasets.stored_bytes(session)
    yield GaugeMetricFamily("luthier_stored_bytes", "Uploads kept, each blob once.", stored)
    disk = shutil.disk_usage(storage.folder("blobs"))
    yield GaugeMetricFamily("luthier_disk_free_bytes", "Free where uploads are kept.", disk.free)
    yield GaugeMetricFamily("luthier_disk_bytes", "Size of the disk of uploads.", disk.total)


def _broker_up() -> int:
    try:
        events.ping()
    except redis.RedisError:
        return 0
    return 1


def _all(kinds: type[JobStatus] | type[VersionStatus], found: Mapping[str, int]) -> dict[str, int]:
    """Every status, those that no row has as nought."""
    return {kind.value: found.get(kind.value, 0) for kind in kinds}


def _by(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
