"""The command line: one program, every process of an instance, and what an administrator needs."""

import argparse
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from app.core import owned
from app.core.errors import ProductError
from app.settings import settings

QUEUES = "ingest,provider,evaluate"
# An open page holds its stream for as long as it is open; it comes back by itself.
WEB_GRACE_SECONDS = 2
# The provider's SDK is slow to import; it is there before anybody talks to a model.
SETTLE_SECONDS = 6
# What is imported is never garbage: looking for some took a fifth of every start.
COLLECT_EVERY = 10_000


def run(_: argparse.Namespace) -> int:
    """Everything, until Ctrl-C: web, worker, beat, broker and trainer."""
    from app.core import supervisor

    return supervisor.run()


def web(asked: argparse.Namespace) -> int:
    """The web process."""
    import uvicorn

    from app.core import logs, secrets
    from app.core.heads import BoundedHead

    logs.configure("web")
    secrets.require()
    config = uvicorn.Config(
        "app.main:create_app",
        factory=True,
        http=BoundedHead,
        host=asked.host,
        port=asked.port,
        access_log=False,
        log_config=None,
        server_header=False,
        # Whoever may name the sender's address may escape the limits on wrong passwords.
        proxy_headers=bool(settings().trusted_proxies),
        forwarded_allow_ips=list(settings().trusted_proxies),
        timeout_graceful_shutdown=WEB_GRACE_SECONDS,
    )
    later = threading.Timer(SETTLE_SECONDS, importlib.import_module, ["app.providers.openai"])
    later.daemon = True
    later.start()
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=asked.fd)] if asked.fd is not None else None)
    return 0 if server.started else 1


def worker(asked: argparse.Namespace) -> int:
    """A Celery worker."""
    from celery.bin.celery import celery
    from celery.signals import worker_before_create_process, worker_process_init

    from app.core import logs, secrets

    logs.configure("worker")
    secrets.require()
    # What the parent has loaded stays shared: a collection would write to every page of it.
    worker_before_create_process.connect(_freeze)
    worker_process_init.connect(owned.end_with_parent)
    words = ["worker", "--queues", asked.queues, "--concurrency", str(asked.concurrency)]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    celery.main(args=["--quiet", "--app", "app.worker", *words, *quiet])
    return 0


def _freeze(**_: object) -> None:
    gc.collect()
    gc.freeze()


def beat(_: argparse.Namespace) -> int:
    """The clock that wakes what is due. It remembers nothing: rows say when they are due."""
    from celery.bin.celery import celery
    from celery.signals import beat_init

    from app.core import logs

    logs.configure("beat")
    beat_init.connect(_end_at_once)
    words = ["beat", "--scheduler", "celery.beat:Scheduler", "--pidfile=", "--loglevel", "WARNING"]
    celery.main(args=["--quiet", "--app", "app.worker", *words])
    return 0


def _end_at_once(**_: object) -> None:
    # Celery's own handler raises inside whatever runs, and now and then that swallows it.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


def trainer(asked: argparse.Namespace) -> int:
    """The trainer: OpenAI's fine-tuning wire on this machine."""
    from app.core import logs
    from app.trainer import server

    logs.configure("trainer")
    keys = [key for key in os.environ.get("LUTHIER_TRAINER_KEYS", "").split(",") if key]
    server.main(asked.host, asked.port, asked.home, keys)
    return 0


def migrate(asked: argparse.Namespace) -> int:
    """Bring the database to this version; make the first owner, or a link for one."""
    from app.core import logs
    from app.core import migrate as migrations

    logs.configure("migrate")
    if copy := migrations.upgrade():
        print(f"The database as it was: {copy}")
    link = _first_owner()
    if asked.report_fd is not None:
        with os.fdopen(asked.report_fd, "w") as report:
            json.dump({"owner_link": link}, report)
    elif link:
        print(f"Make the first account with this link, it works once: {link}")
    return 0


def _first_owner() -> str | None:
    from app.auth import passwords, service
    from app.core.database import unit_of_work

    _know_all_tables()
    email, password = settings().owner_email, settings().owner_password
    hashed = passwords.hashed(password.get_secret_value()) if email and password else None
    with unit_of_work() as session:
        if email and hashed:
            service.ensure_owner(session, email=email, password_hash=hashed)
        return service.owner_link(session)


def _know_all_tables() -> None:
    import app.tables

    assert app.tables  # noqa: S101 - imported for the foreign keys it resolves


def _expect_database() -> None:
    """A command beside an instance must not make an empty database in the wrong folder."""
    url = settings().database_url
    if url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists():
        raise SystemExit(
            f"There is no database in {settings().home} yet. "
            "Start Luthier once, or name its folder with LUTHIER_HOME."
        )


def create_user(asked: argparse.Namespace) -> int:
    """An account, with a link to set its password unless one comes on standard input."""
    from app.auth import passwords, service
    from app.core.database import unit_of_work
    from app.projects import queries
    from app.projects import service as projects
    from app.projects.models import Role

    _join_the_running_instance()
    _expect_database()
    _know_all_tables()
    password = sys.stdin.readline().rstrip("\n") if asked.password_stdin else None
    hashed = passwords.hashed(password) if password is not None else None
    with unit_of_work() as session:
        user = service.create_user(session, email=asked.email, password_hash=hashed)
        if asked.project is not None:
            project = queries.project_by_slug(session, asked.project)
            if project is None:
                raise SystemExit(f"There is no project {asked.project}.")
            role = Role(asked.role)
            projects.add_member(session, project=project, user=user, role=role, actor_id=None)
        link = service.password_link(session, user) if hashed is None else None
    print(link or f"{user.email} can sign in at {settings().base_url}")
    return 0


def create_token(asked: argparse.Namespace) -> int:
    """An API token for an account, printed alone and shown this once."""
    from app.auth import queries, service
    from app.core.database import unit_of_work

    _expect_database()
    _know_all_tables()
    with unit_of_work() as session:
        user = queries.user_by_email(session, asked.email.strip().lower())
        if user is None:
            raise SystemExit(f"Nobody here has the address {asked.email}.")
        token = service.create_token(session, user, name=asked.name)
    print(token)
    return 0


def trainer_key(asked: argparse.Namespace) -> int:
    """Keys of a trainer: create, list, revoke; without a word the key of this instance's own."""
    from app.core import secrets
    from app.trainer import key_commands

    if asked.action is None:
        print(secrets.derive("trainer").hex())
    else:
        print(key_commands.told(asked.action, asked.home, asked.name))
    return 0


def rotate_secret(_: argparse.Namespace) -> int:
    """Seal all keys and webhook secrets with a fresh secret; broken off, it is just run again."""
    from app.connections.keyring import reseal_keys
    from app.core import secrets
    from app.core.database import unit_of_work
    from app.notices.sending.service import reseal

    _expect_database()
    _know_all_tables()
    try:
        secrets.begin_rotation()
    except secrets.SecretUnusable as error:
        raise SystemExit(str(error)) from error
    with unit_of_work() as session:
        sealed, lost = reseal_keys(session)
        webhooks, lost_webhooks = reseal(session)
    secrets.end_rotation()
    print(f"{sealed} keys and {webhooks} webhook secrets are sealed with the fresh secret.")
    if lost:
        print(f"{lost} could not be opened; their connections ask for them again.")
    if lost_webhooks:
        print(f"{lost_webhooks} webhook secrets could not be opened; their logs say what helps.")
    if settings().secret is not None:
        print("Take LUTHIER_OLD_SECRET away now, and restart every process.")
    return 0


def backup(asked: argparse.Namespace) -> int:
    """Everything of this instance into one file, while it runs; the secret stays out of it."""
    from app.upkeep import commands

    _expect_database()
    _know_all_tables()
    return commands.backup(asked.file)


def restore(asked: argparse.Namespace) -> int:
    """The instance in a backup, into an empty home; it starts no job until its owner says so."""
    from app.upkeep import commands

    _know_all_tables()
    return commands.restore(asked.file, replace=asked.replace)


def doctor(asked: argparse.Namespace) -> int:
    """Look at everything an instance needs, and say what is wrong and how to mend it."""
    from app.upkeep import commands

    _join_the_running_instance()
    _know_all_tables()
    return commands.doctor(as_json=asked.json)


def check_invariants(asked: argparse.Namespace) -> int:
    """What must always be true of rows and files; with --hashes every stored byte is read."""
    from app.upkeep import commands

    _expect_database()
    _know_all_tables()
    return commands.check_invariants(with_hashes=asked.hashes)


def _join_the_running_instance() -> None:
    """A link made beside a running instance leads to it, and its open pages hear of changes."""
    from app.core import broker, home

    with suppress(OSError):
        place = home.socket_path(settings().home, "valkey.sock")
        if "REDIS_URL" not in os.environ and broker.answers(place):
            os.environ["REDIS_URL"] = broker.url(place)
            settings.cache_clear()
    if "PORT" not in os.environ and "LUTHIER_PORT" not in os.environ:
        with suppress(OSError):
            os.environ["PORT"] = (settings().home / "run" / "port").read_text().strip()
            settings.cache_clear()


def parser() -> argparse.ArgumentParser:
    """The commands and their words."""
    top = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, do: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=do.__doc__, description=do.__doc__)
        made.set_defaults(do=do)
        return made

    add("run", run)
    words = add("web", web)
    words.add_argument("--host", default=settings().host)
    words.add_argument("--port", type=int, default=settings().port)
    words.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    words = add("worker", worker)
    words.add_argument("--queues", default=QUEUES, help="of %(default)s, separated by commas")
    words.add_argument("--concurrency", type=int, default=3, help="processes (%(default)s)")
    add("beat", beat)
    words = add("trainer", trainer)
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=8001)
    words.add_argument("--home", type=Path, default=settings().home / "trainer")
    words = add("migrate", migrate)
    words.add_argument("--report-fd", type=int, help=argparse.SUPPRESS)
    words = add("create-user", create_user)
    words.add_argument("email")
    words.add_argument("--project", metavar="SLUG")
    words.add_argument("--role", choices=("owner", "editor", "viewer"), default="viewer")
    words.add_argument("--password-stdin", action="store_true")
    words = add("create-token", create_token)
    words.add_argument("email")
    words.add_argument("--name", default="command line")
    words = add("trainer-key", trainer_key)
    words.add_argument("action", nargs="?", choices=("create", "list", "revoke"))
    words.add_argument("name", nargs="?", help="of the key to create or revoke")
    words.add_argument("--home", type=Path, default=settings().home / "trainer")
    add("rotate-secret", rotate_secret)
    words = add("doctor", doctor)
    words.add_argument("--json", action="store_true", help="for a script")
    words = add("check-invariants", check_invariants)
    words.add_argument("--hashes", action="store_true", help="read every stored byte")
    words = add("backup", backup)
    words.add_argument("file", type=Path, metavar="FILE")
    words = add("restore", restore)
    words.add_argument("file", type=Path, metavar="FILE")
    words.add_argument(
        "--replace", action="store_true", help="although people have accounts here already"
    )
    return top


def main() -> int:
    """Do what the words say; the exit status."""
    owned.end_with_parent()
    os.umask(0o077)
    gc.set_threshold(COLLECT_EVERY)
    asked = parser().parse_args()
    do: Callable[[argparse.Namespace], int] = asked.do
    try:
        return do(asked)
    except ProductError as error:
        words = dict.fromkeys([error.message, *(wrong.message for wrong in error.errors)])
        from app.core.logs import visible  # a backup that somebody sent may have its words in it

        raise SystemExit(visible(" ".join(words))) from error


if __name__ == "__main__":
    raise SystemExit(main())
