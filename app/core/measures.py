"""What one process counts for itself, for Prometheus: requests by route, open streams, its memory,
handles and database connections.

Labels come from the program alone, never from a request: a route is its template.
"""

from collections.abc import Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from app.core.database import connections_open

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0)

PROCESS = CollectorRegistry()
ProcessCollector(registry=PROCESS)
REQUESTS = Counter(
    "luthier_http_requests",
    "Answers of this process, by the kind of status: 2xx, 4xx, …",
    ["method", "route", "status"],
    registry=PROCESS,
)
SECONDS = Histogram(
    "luthier_http_request_seconds",
    "From a request's arrival to the first byte of its answer; an upload's bytes included.",
    ["method", "route"],
    buckets=BUCKETS,
    registry=PROCESS,
)
STREAMS = Gauge("luthier_live_streams", "Open live streams of this process.", registry=PROCESS)
Gauge(
    "luthier_database_connections",
    "Connections to the database that this process holds open.",
    registry=PROCESS,
).set_function(connections_open)


def answered(scope: Mapping[str, Any], status: int, seconds: float) -> None:
    """Count one answer."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = route_of(scope)
    REQUESTS.labels(method, route, f"{status // 100}xx").inc()
    SECONDS.labels(method, route).observe(seconds)


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the route that answered; `none` where none did."""
    if (route := scope.get("route")) is not None:
        return str(route.path)
    return "/static" if str(scope["path"]).startswith("/static/") else "none"


def text() -> bytes:
    """All of it, in Prometheus's text format."""
    return generate_latest(PROCESS)
