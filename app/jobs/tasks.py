"""The worker's part: start what is queued, look at what runs, ask for what should stop."""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta

from app.connections.models import Connection
from app.connections.service import open_connection
from app.core import leases, secrets, storage
from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, post, task
from app.core.secrets import SealBroken
from app.datasets.split import split
from app.jobs import queries, starts, sweeps
from app.jobs.models import WAITING, Job
from app.jobs.starts import StartWork
from app.jobs.sweeps import Sighting, Watch
from app.providers.base import (
    FilePart,
    NotFound,
    Provider,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
    RunReport,
    RunRequest,
    UploadState,
)

TRY_AGAIN_SECONDS = 30.0
FILE_SECONDS = 5.0
MOST_PAGES = 10
MOST_SINGLY = 20
RENEW_EVERY_SECONDS = 10.0
CLOCKS_DIFFER = timedelta(minutes=1)


@finds_work
def waiting() -> list[Work]:
    """Every start that is due, and every connection whose runs want a look."""
    with read_only() as session:
        starting = leases.due_ids(session, Job, Job.status.in_(WAITING))
        watching = leases.due_ids(session, Connection)
    return [("jobs.start", job_id) for job_id in starting] + [
        ("jobs.sweep", connection_id) for connection_id in watching
    ]


@task("jobs.due")
def due() -> None:
    """Ring for every start that is due and every connection whose runs want a look."""
    for name, row_id in waiting():
        post(name, row_id)


@task("jobs.start", time_limit=1800)
def start(job_id: int) -> None:
    """Take a job from the queue to a run: its files, its order, or the search for an order that got
    no answer.
    """
    with unit_of_work() as session:
        work = starts.claim_start(session, job_id)
    if work is None:
        return
    try:
        with closing(open_connection(work.connection)) as provider:
            if work.doubt is not None:
                _search(work, provider)
            else:
                _prepare_and_order(work, provider)
    except SealBroken:
        with unit_of_work() as session:
            starts.record_refused(
                session, work, "The connection's key cannot be opened any more: enter it again."
            )
    except ProviderUnavailable as error:
        wait = error.retry_after or TRY_AGAIN_SECONDS
        with unit_of_work() as session:
            starts.record_trouble(session, work, error.message, seconds=wait)
    except ProviderError as error:
        with unit_of_work() as session:
            starts.record_refused(session, work, error.message)


def _prepare_and_order(work: StartWork, provider: Provider) -> None:
    if work.job.training_sha256 is None:
        _split(work)
    for is_training in (True, False):
        _send_file(work, provider, is_training=is_training)
    job = _fresh(work)
    with unit_of_work() as session:
        order = starts.write_order(session, work)
    if order is None:
        return
    written_at = time.monotonic()
    request = RunRequest(
        base_model=job.base_model,
        training_file_id=job.training_file_id or "",
        validation_file_id=job.validation_file_id,
        method=job.method,
        hyperparameters=job.hyperparameters,
        suffix=job.suffix,
        seed=job.seed,
        op_key=job.op_key,
        instance=secrets.instance_id(),
    )
    if time.monotonic() - written_at > starts.SEND_WITHIN_SECONDS:
        with unit_of_work() as session:
            starts.record_not_sent(
                session, work, order, "This machine was too slow to send the order in time."
            )
        return
    outcome = provider.start_run(request)
    with unit_of_work() as session:
        starts.record_outcome(session, work, order, outcome)
    post("jobs.sweep", work.connection.id)


def _split(work: StartWork) -> None:
    """Make the two files of a job that splits its rows; the same ones every time."""
    job = work.job
    source = storage.blob_path(job.training_version.sha256)
    with storage.draft() as training, storage.draft() as validation:
        counts = split(
            source,
            storage.index_path(job.training_version_id),
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
    path = storage.blob_path(sha256)
    name, size = f"{sha256[:16]}-{job.op_key[:8]}.jsonl", path.stat().st_size
    found = provider.find_file(name, size)
    was_there = found is not None
    state: UploadState | None = None
    while found is None:
        part = FilePart(path=path, name=name, size=size, state=state, progress=_renewing(work))
        state = provider.upload(part)
        found = state.file
    if not found.is_ready:
        raise ProviderUnavailable(
            "The provider is still reading the file.", retry_after=FILE_SECONDS
        )
    with unit_of_work() as session:
        starts.record_file(
            session,
            work,
            is_training=is_training,
            file_id=found.file_id,
            size=size,
            was_there=was_there,
        )


def _renewing(work: StartWork) -> Callable[[int], None]:
    """A progress callback that keeps the lease while a long upload goes on."""
    renewed_at = time.monotonic()

    def renew(_sent: int) -> None:
        nonlocal renewed_at
        if time.monotonic() - renewed_at > RENEW_EVERY_SECONDS:
            renewed_at = time.monotonic()
            with unit_of_work() as session:
                starts.keep_lease(session, work)

    return renew


def _search(work: StartWork, provider: Provider) -> None:
    """Look for the run of an order that got no answer, and keep one of those found."""
    assert work.doubt is not None  # noqa: S101 - the caller looked
    try:
        found = provider.find_runs(work.job.op_key, since=work.doubt.sent_at)
    except ProviderError as error:
        with unit_of_work() as session:
            starts.record_search_failed(session, work, error.message)
        return
    with unit_of_work() as session:
        spare = starts.record_found(session, work, found)
    for run_id in spare:
        try:
            provider.cancel(run_id)
            words, level = f"Run {run_id} carried the same order and was cancelled.", "warn"
        except ProviderError as error:
            words, level = f"Run {run_id} carries the same order: {error.message}", "error"
        with unit_of_work() as session:
            starts.record_spare(session, work.job.id, words, level=level)


@task("jobs.sweep")
def sweep(connection_id: int) -> None:
    """Look at a connection's runs once, ask those to stop that somebody cancelled, and keep what
    they say.
    """
    with unit_of_work() as session:
        watch = sweeps.claim_sweep(session, connection_id)
    if watch is None:
        return
    try:
        with closing(open_connection(watch.connection)) as provider:
            seen = _look_at_runs(watch, provider)
    except ProviderError as error:
        wait = error.retry_after if isinstance(error, ProviderUnavailable) else None
        with unit_of_work() as session:
            sweeps.hold_connection(session, watch, error, retry_after=wait)
        return
    with unit_of_work() as session:
        sweeps.record_sweep(session, watch, seen)


def _look_at_runs(watch: Watch, provider: Provider) -> dict[int, Sighting]:
    """List until every run is seen or the page is older than the oldest; ask for the rest one by
    one.
    """
    wanted = {run.run_id: run for run in watch.runs}
    reports: dict[str, RunReport] = {}
    starts_at = [run.started_at for run in watch.runs if run.started_at is not None]
    oldest = min(starts_at, default=None)
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = provider.list_runs(cursor=cursor)
        reports.update({report.run_id: report for report in page.items if report.run_id in wanted})
        cursor = page.cursor
        last = page.items[-1].created_at if page.items else None
        if (
            cursor is None
            or len(reports) == len(wanted)
            or (last and oldest and oldest - last > CLOCKS_DIFFER)
        ):
            break
    seen: dict[int, Sighting] = {}
    singly = MOST_SINGLY
    for run_id, run in wanted.items():
        report = reports.get(run_id)
        if report is None:
            if singly == 0:
                continue
            singly -= 1
            try:
                report = provider.report(run_id)
            except NotFound:
                seen[run.job_id] = Sighting(None)
                continue
        if run.wants_cancel and not report.status.has_ended:
            with suppress(RequestRejected):  # it has ended meanwhile: the next look keeps the truth
                report = provider.cancel(run_id)
        has_changed = report.provider_status != run.provider_status
        wants = run.wants_events or has_changed or report.status.has_ended
        events = list(provider.events(run_id, known_id=run.known_event_id)) if wants else []
        is_saved = report.status.has_ended or any(
            "full_valid_loss" in event.data for event in events
        )
        saved = (
            provider.checkpoints(run_id)
            if is_saved and "checkpoints" in provider.capabilities().abilities
            else []
        )
        seen[run.job_id] = Sighting(report, events, saved)
    return seen


def _fresh(work: StartWork) -> Job:
    with read_only() as session:
        job = queries.job_by_id(session, work.job.id)
        assert job is not None  # noqa: S101 - jobs are not deleted while they start
        return job
