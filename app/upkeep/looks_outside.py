"""What an instance stands on: Python and its packages, the home, the disk, the network."""

import os
import re
import resource
import socket
import sys
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2
import redis

from app.core import jail, storage
from app.core.pages import size
from app.settings import ROOT, settings
from app.upkeep.looks import Worth, Wrong

OLDEST_PYTHON = (3, 11)
HANDLES = 1024
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ;(.*?))? *\\?$", re.MULTILINE)
ANSWER_WITHIN = 2.0


def python() -> str:
    """New enough to run the program."""
    if sys.version_info < OLDEST_PYTHON:
        raise Wrong(f"{sys.version.split()[0]} is too old", "install Python 3.11 or later")
    return f"{sys.version.split()[0]}, {sys.executable}"


def packages() -> str:
    """What is installed is what the lock pins."""
    lock = ROOT / "requirements" / "run.txt"
    if not lock.exists():
        raise Worth("the lock is not beside the program", "compare the packages by hand")
    pins: dict[str, set[str]] = {}
    optional = set()
    for name, pinned, marker in PINNED.findall(lock.read_text()):
        pins.setdefault(name, set()).add(pinned)
        if marker:
            optional.add(name)
    found = {name: _installed(name) for name in pins}
    differ = [
        f"{name} {found[name] or 'missing'} instead of {' or '.join(sorted(wanted))}"
        for name, wanted in pins.items()
        if found[name] not in wanted and not (found[name] is None and name in optional)
    ]
    if differ:
        raise Wrong("; ".join(differ[:5]), "python3 requirements/install.py run")
    return f"{len(pins)} as pinned"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def assets() -> str:
    """Scripts and styles of others, filled in at set-up."""
    if not any((ROOT / "static" / "vendor").glob("*")):
        raise Wrong("static/vendor is empty", "`make run` fills it")
    return "there"


def home() -> str:
    """There, writable, closed to others."""
    place = settings().home
    if not os.access(place, os.W_OK):
        cure = "`make run` makes it; or name the right one with LUTHIER_HOME"
        raise Wrong(f"{place} is not there or cannot be written", cure)
    if place.stat().st_mode & 0o077:
        raise Wrong(f"{place} can be read by others", f"chmod 700 {place}")
    return str(place)


def disk() -> str:
    """Room for what people upload."""
    room = storage.room()
    words = f"{size(room.free)} of {size(room.total)} free"
    if room.is_full:
        raise Wrong(f"{words}: uploads are refused", "make room; the Storage page says what may go")
    if room.is_low:
        raise Worth(words, "make room soon; the Storage page says what may go")
    return words


def file_handles() -> str:
    """Every open page holds one."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < HANDLES:
        raise Worth(f"{soft} at most", f"ulimit -n {HANDLES * 4}, or LimitNOFILE= of the service")
    return f"{soft:,} at most"


def broker() -> str:
    """It answers, and forgets nothing to save room."""
    cure = "start the instance, or name the broker with REDIS_URL"
    if settings().redis_url_set is None:
        raise Worth("no instance runs here", cure)
    try:
        with redis.Redis.from_url(settings().redis_url, socket_timeout=ANSWER_WITHIN) as client:
            client.ping()
            policy = dict(client.config_get("maxmemory-policy")).get("maxmemory-policy")
    except redis.ResponseError as error:
        raise Worth(f"it does not tell its policy: {error}", "see that it is noeviction") from error
    except redis.RedisError as error:
        raise Wrong(f"no answer: {error}", cure) from error
    if policy != "noeviction":
        raise Worth(f"maxmemory-policy is {policy}", "set it to noeviction")
    return "answers, noeviction"


def address() -> str:
    """People reach it safely."""
    config = settings()
    if config.public_url is None and not _is_loopback(config.host):
        cure = "set LUTHIER_PUBLIC_URL to the https address that people use"
        raise Worth(f"listens on {config.host}, and has no public address", cure)
    if config.is_https and not config.trusted_proxies:
        cure = (
            "name the proxy's address with LUTHIER_TRUSTED_PROXIES: sign-ins are slowed by address"
        )
        raise Worth(f"{config.base_url}, and no proxy is trusted", cure)
    return config.base_url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def allowed_hosts() -> str:
    """Each private address that connections may use has a name that resolves."""
    lost = []
    for entry in settings().allow_hosts:
        host, _, port = entry.rpartition(":")
        try:
            socket.getaddrinfo(host.strip("[]"), int(port))
        except (OSError, ValueError):
            lost.append(entry)
    if lost:
        raise Worth(f"do not resolve: {', '.join(lost)}", "mend LUTHIER_ALLOW_HOSTS or the names")
    return f"{len(settings().allow_hosts)} named"


def trainer() -> str:
    """Practice answers."""
    url = settings().trainer_url or _own_trainer()
    if url is None:
        return "none is configured"
    parts = urlsplit(url)
    try:
        with httpx2.Client(trust_env=False, timeout=ANSWER_WITHIN) as client:
            client.get(f"{parts.scheme}://{parts.netloc}/healthz").raise_for_status()
    except httpx2.HTTPError as error:
        cure = "start it, or mend LUTHIER_TRAINER_URL"
        raise Worth(f"{parts.netloc} does not answer: {error}", cure) from error
    return f"{parts.netloc} answers"


def _own_trainer() -> str | None:
    """The trainer that `make run` starts, while it runs."""
    note = settings().home / "trainer.port"
    is_running = (settings().home / "run" / "port").exists()
    return f"http://127.0.0.1:{note.read_text().strip()}/v1" if is_running else None


def jailing() -> str:
    """Python graders can be locked in; without that they are refused, and all else works."""
    if lacks := jail.obstacle():
        cure = 'see "Python graders" in docs/operations.md, or use other graders'
        raise Worth(f"are refused: {lacks}", cure)
    return "run in a jail"
