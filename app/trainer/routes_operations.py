"""`/healthz` and `/metrics`: how the trainer is, for whoever runs it."""

import shutil
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.trainer import measures
from app.trainer.answers import JsonResponse
from app.trainer.folder import ENDED, PAUSED, QUEUED, RUNNING, VALIDATING, WAITING
from app.trainer.service import Service, service

STATUSES = (WAITING, VALIDATING, QUEUED, RUNNING, PAUSED, *sorted(ENDED))


async def health(_request: Request) -> Response:
    """Alive, the event loop too; needs no key."""
    return JsonResponse({"status": "ok"})


def metrics(request: Request) -> Response:
    """Prometheus's text; needs a key."""
    registry = CollectorRegistry()
    registry.register(_Trainer(service(request)))
    body = generate_latest(measures.PROCESS) + generate_latest(registry)
    return Response(body, media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Trainer(Collector):
    """What is true at the moment of the scrape."""

    def __init__(self, parts: Service) -> None:
        self._parts = parts

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        parts = self._parts
        states = [parts.runs.state(run) for run in parts.runs.newest_first()]
        found = Counter(state.status for state in states)
        runs = GaugeMetricFamily("luthier_trainer_runs", "Runs.", labels=["status"])
        for status in dict.fromkeys((*STATUSES, *found)):
            runs.add_metric([status], found[status])
        yield runs
        yield CounterMetricFamily(
            "luthier_trainer_trained_tokens",
            "Tokens of the runs that have ended.",
            sum(state.trained_tokens for state in states if state.is_ended),
        )
        yield GaugeMetricFamily(
            "luthier_trainer_queue_length",
            "Runs that wait for their turn.",
            parts.launcher.waiting,
        )
        yield GaugeMetricFamily(
            "luthier_trainer_training_processes",
            "Processes that train now.",
            parts.launcher.training,
        )
        yield GaugeMetricFamily(
            "luthier_trainer_answering_processes",
            "Processes that keep models loaded and answer.",
            parts.speaking.processes,
        )
        disk = shutil.disk_usage(parts.files.folder)
        yield GaugeMetricFamily("luthier_trainer_disk_free_bytes", "Free at home.", disk.free)
        yield GaugeMetricFamily("luthier_trainer_disk_bytes", "Size of its disk.", disk.total)


ROUTES = [
    Route("/healthz", health, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
]
