"""What the server counts for Prometheus. Labels come from the program alone, never from a request.

The web's figures are `core.measures`; this process has no database and must not load one.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from starlette.types import Scope

METHODS = frozenset({"GET", "HEAD", "POST", "DELETE"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0)

PROCESS = CollectorRegistry()
ProcessCollector(registry=PROCESS)
REQUESTS = Counter(
    "luthier_trainer_http_requests",
    "Answers, by route and status.",
    ["method", "route", "status"],
    registry=PROCESS,
)
SECONDS = Histogram(
    "luthier_trainer_http_request_seconds",
    "From a request's arrival to the first byte of its answer; an upload's bytes included.",
    ["method", "route"],
    buckets=BUCKETS,
    registry=PROCESS,
)
RECEIVED = Counter(
    "luthier_trainer_upload_bytes", "Bytes of files and parts that arrived.", registry=PROCESS
)


def answered(scope: Scope, status: int, seconds: float) -> None:
    """Count one answer."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = route_of(scope)
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)


def route_of(scope: Scope) -> str:
    """The template of the route that answered; `none` where none did."""
    route = scope.get("route")
    return "none" if route is None else str(route.path)
