"""The worker's part: start what is queued, look at what runs, ask for what should stop."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from sqlalchemy.orm import Session

from app.connections import standing
from app.connections.allowance import Allowance
from app.connections.models import Connection
from app.connections.service import open_connection
from app.core import clock, instance, leases, storage
from app.core.crash import checkpoint
from app.core.database import read_only, unit_of_work, write_through
from app.core.errors import DiskFull
from app.core.http import HttpOptions
from app.core.leases import LeaseLost
from app.core.queue import Work, finds_work, post, task
from app.datasets.gone import Gone, IndexGone, stored_file
from app.datasets.split import split
from app.jobs import orphans, queries, queries_orders, searches, spending, starts, sweeps, telling
from app.jobs.look import Look, look_at_runs
from app.jobs.models import Job
from app.jobs.starts import StartWork
from app.jobs.sweeps import Watch
from app.providers.base import (
    AllowanceSpent,
    FilePart,
    KeyRejected,
    Provider,
    ProviderError,
    ProviderUnavailable,
    RunRequest,
    UploadState,
)
from app.settings import settings

TRY_AGAIN_SECONDS = 30.0
FILE_SECONDS = 5.0
NO_ROOM = "The disk of this instance is full."
NOT_SENT_BLINDLY = "The order goes out again once the list can be read and shows no run of it."
UNREADABLE = ProviderUnavailable(
    f"{NO_ROOM} What the runs say is read when there is room.", retry_after=TRY_AGAIN_SECONDS
)
RENEW_EVERY_SECONDS = 10.0
# A look is many small questions: a server that is slow with one keeps a worker from everybody else.
LOOK_READ_SECONDS, LOOK_TOTAL_SECONDS = 15.0, 30.0
SPLIT_BYTES_A_SECOND = 5_000_000


@finds_work()
def waiting() -> list[Work]:
    """Every start that is due or given up without a word, every connection whose runs want a look,
    and every one where there may be runs that no job has.
    """
    with read_only() as session:
        watching: list[Work] = [("jobs.sweep", one) for one in leases.due_ids(session, Connection)]
        if instance.held(session) is not None:
            return watching
        starting = leases.due_ids(session, Job, queries.startable())
        searching = queries_orders.connections_to_look_through(session, clock.now(session))
        untold = telling.untold(session, queries.given_up(session))
    return [
        *(("jobs.start", job_id) for job_id in starting),
        *watching,
        *(("jobs.orphans", connection_id) for connection_id in searching),
        *(("jobs.tell_given_up", job_id) for job_id in untold),
    ]


@task("jobs.tell_given_up")
def tell_given_up(job_id: int) -> None:
    """Say once that three workers died over a start."""
    with unit_of_work() as session:
        telling.tell_given_up(session, session.get_one(Job, job_id))


@task("jobs.start", time_limit=1800)
def start(job_id: int) -> None:
    """Take a job from the queue to a run: its files, its order, or the search for an order that got
    no answer.
    """
    checkpoint("K3")
    with unit_of_work() as session:
        work = starts.claim_start(session, job_id)
    if work is None:
        return
    checkpoint("K4")
    try:
        with closing(open_connection(work.connection)) as provider:
            if work.may_order:
                _prepare_and_order(work, provider)
            else:
                _search(work, provider)
    except LeaseLost:
        return
    except DiskFull:
        with unit_of_work() as session:
            starts.record_trouble(session, work, NO_ROOM, seconds=TRY_AGAIN_SECONDS)
    except Gone as error:
        with unit_of_work() as session:
            starts.record_trouble(session, work, error.message, seconds=TRY_AGAIN_SECONDS)
        if isinstance(error, IndexGone):
            post("datasets.mend", error.version_id)
    except ProviderError as error:
        with unit_of_work() as session:
            _record_trouble(session, work, error)


def _record_trouble(session: Session, work: StartWork, error: ProviderError) -> None:
    """What a step that failed means: an order in doubt stays in doubt, whatever else is wrong."""
    if isinstance(error, KeyRejected):
        standing.record_failure(session, work.connection, error)
        starts.record_stopped(session, work)
    elif isinstance(error, ProviderUnavailable):
        wait = error.retry_after or TRY_AGAIN_SECONDS
        standing.hold(session, work.connection, error, seconds=wait)
        if not (work.may_order or isinstance(error, AllowanceSpent)):
            searches.record_search_failed(session, work, error.message, seconds=wait)
            return
        if isinstance(error, AllowanceSpent):  # our own pace is no news for the job's log
            starts.record_waiting(session, work, seconds=wait, words=error.message)
        else:
            starts.record_trouble(session, work, error.message, seconds=wait)
    elif not work.may_order:
        words = error.message
        searches.record_search_failed(session, work, words, seconds=TRY_AGAIN_SECONDS)
    else:
        starts.record_refused(session, work, error.message)


def _prepare_and_order(work: StartWork, provider: Provider) -> None:
    if work.job.training_sha256 is None:
        _split(work)
    for is_training in (True, False):
        _send_file(work, provider, is_training=is_training)
    if work.doubt is not None and _is_found_after_all(work, provider):
        return
    job = _fresh(work)
    written_at = time.monotonic()
    with unit_of_work() as session:
        order = starts.write_order(session, work)
        checkpoint("K7")
    if order is None:
        return
    write_through()
    request = RunRequest(
        base_model=job.base_model,
        training_file_id=job.training_file_id or "",
        validation_file_id=job.validation_file_id,
        method=job.method,
        hyperparameters=job.hyperparameters,
        suffix=job.suffix,
        seed=job.seed,
        op_key=job.op_key,
        instance=order.instance,
    )
    checkpoint("K8")
    if time.monotonic() - written_at > settings().lease(starts.SEND_WITHIN_SECONDS):
        with unit_of_work() as session:
            starts.record_not_sent(
                session, work, order, "This machine was too slow to send the order in time."
            )
        return
    outcome = provider.start_run(request)
    checkpoint("K11")
    with unit_of_work() as session:
        starts.record_outcome(session, work, order, outcome)
    checkpoint("K12")
    post("jobs.sweep", work.connection.id)


def _split(work: StartWork) -> None:
    """Make the two files of a job that splits its rows; the same ones every time."""
    job, rows = work.job, work.job.training_version
    assert rows is not None  # noqa: S101 - what is started here has its rows here
    source = stored_file(rows.sha256, rows.size)
    _keep(work, seconds=starts.LEASE_SECONDS + source.stat().st_size / SPLIT_BYTES_A_SECOND)
    with (
        storage.telling_a_full_disk(),
        storage.draft() as training,
        storage.draft() as validation,
    ):
        counts = split(
            source,
            storage.index_path(rows.id),
            share=job.validation_split or 0.0,
            seed=job.seed or 0,
            training=training,
            validation=validation,
        )
        training_blob, validation_blob = storage.save_file(training), storage.save_file(validation)
    with unit_of_work() as session:
        starts.record_split(
            session,
            work,
            training=training_blob,
            training_rows=counts.training_rows,
            validation=validation_blob,
            validation_rows=counts.validation_rows,
        )


def _send_file(work: StartWork, provider: Provider, *, is_training: bool) -> None:
    """Bring one file of the job to the provider, unless it is there."""
    job = _fresh(work)
    sha256 = job.training_sha256 if is_training else job.validation_sha256
    known = job.training_file_id if is_training else job.validation_file_id
    if sha256 is None or known is not None:
        return
    path = stored_file(sha256)
    name, size = f"{sha256[:16]}-{job.op_key[:8]}.jsonl", path.stat().st_size
    found = provider.find_file(name, size)
    was_there = found is not None
    state: UploadState | None = None
    while found is None:
        progress = _renewing(work, size)
        part = FilePart(path=path, name=name, size=size, state=state, progress=progress)
        state = provider.upload(part)
        found = state.file
    checkpoint("K6")
    if not found.is_ready:
        with unit_of_work() as session:
            starts.record_waiting(session, work, seconds=FILE_SECONDS)
        raise LeaseLost
    with unit_of_work() as session:
        starts.record_file(
            session,
            work,
            is_training=is_training,
            file_id=found.file_id,
            size=size,
            was_there=was_there,
        )


def _renewing(work: StartWork, size: int) -> Callable[[int], None]:
    """A progress callback that keeps the lease while a long upload goes on. Raises LeaseLost."""
    renewed_at = time.monotonic()

    def renew(sent: int) -> None:
        nonlocal renewed_at
        if sent >= size / 2:
            checkpoint("K5")
        if time.monotonic() - renewed_at > settings().lease(RENEW_EVERY_SECONDS):
            renewed_at = time.monotonic()
            _keep(work, seconds=starts.LEASE_SECONDS)

    return renew


def _keep(work: StartWork, *, seconds: float) -> None:
    with unit_of_work() as session:
        if not starts.keep_lease(session, work, seconds=seconds):
            raise LeaseLost


def _search(work: StartWork, provider: Provider) -> bool:
    """Look for the run of an order that got no answer, and keep one of those found: True when there
    is one.
    """
    assert work.since is not None  # noqa: S101 - the caller looked
    found = provider.find_runs(work.job.op_key, since=work.since)
    checkpoint("K13")
    with unit_of_work() as session:
        spare = searches.record_found(session, work, found)
    for run_id in spare:
        cancel_spare(provider, work.job.id, run_id)
    return bool(found.runs)


def cancel_spare(provider: Provider, job_id: int, run_id: str) -> None:
    """Stop a run that carries the tag of a job which has another."""
    refusal, report = None, None
    try:
        report = provider.cancel(run_id)
    except ProviderError as error:
        refusal = error.message
    with unit_of_work() as session:
        orphans.record_spare(session, job_id, run_id, refusal)
        if report is not None:
            spending.count_spare(session, job_id, report)


def _is_found_after_all(work: StartWork, provider: Provider) -> bool:
    """A person lets a second order go out: not before one more look, which must be answered."""
    try:
        return _search(work, provider)
    except (KeyRejected, ProviderUnavailable):
        raise
    except ProviderError as error:
        raise ProviderUnavailable(f"{error.message} {NOT_SENT_BLINDLY}") from error


@task("jobs.sweep", time_limit=1800)
def sweep(connection_id: int) -> None:
    """Look at a connection's runs once, ask those to stop that somebody cancelled, and keep what
    they say.
    """
    with unit_of_work() as session:
        watch = sweeps.claim_sweep(session, connection_id)
    if watch is None:
        return
    gate = Allowance(watch.connection, is_urgent=watch.is_watched)
    patience = HttpOptions(
        read_seconds=LOOK_READ_SECONDS, total_seconds=LOOK_TOTAL_SECONDS, gate=gate
    )
    try:
        with closing(open_connection(watch.connection, patience)) as provider:
            keep = partial(_keep_sweep, watch)
            look = look_at_runs(watch, provider, gate=gate, keep=keep)
    except LeaseLost:
        return
    except ProviderError as error:
        look = Look(error=error)
    try:
        with unit_of_work() as session:
            answered = look.is_answered
            sweeps.record_sweep(session, watch, look.seen, look.error, is_answered=answered)
    except DiskFull:  # what was seen is still there to be seen
        with unit_of_work() as session:
            sweeps.record_sweep(session, watch, {}, UNREADABLE)


def _keep_sweep(watch: Watch) -> None:
    with unit_of_work() as session:
        if not sweeps.keep_lease(session, watch):
            raise LeaseLost


def _fresh(work: StartWork) -> Job:
    with read_only() as session:
        job = queries.job_by_id(session, work.job.id)
        assert job is not None  # noqa: S101 - jobs are not deleted while they start
        return job
