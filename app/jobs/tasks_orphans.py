"""The worker's look through a connection for runs of ours that no job has."""

from contextlib import closing

from app.connections import standing
from app.connections.service import open_connection
from app.core.crash import checkpoint
from app.core.database import unit_of_work
from app.core.queue import task
from app.jobs import orphans
from app.jobs.orphans import Spare, Watch
from app.providers.base import AllowanceSpent, Provider, ProviderError


@task("jobs.orphans", time_limit=1800)
def look_for_orphans(connection_id: int) -> None:
    """Hold the runs that carry our tag against the jobs, and cancel there what nobody wants."""
    with unit_of_work() as session:
        watch = orphans.claim_look(session, connection_id)
    if watch is None:
        return
    try:
        with closing(open_connection(watch.connection)) as provider:
            found = provider.find_ours(watch.instance, since=watch.since)
            with unit_of_work() as session:
                standing.record_answer(session, connection_id)
                spare = orphans.record_look(session, watch, found.runs)
            for one in spare:
                checkpoint("K14")
                _cancel(watch, one, provider)
    except ProviderError as error:
        with unit_of_work() as session:
            orphans.record_trouble(session, watch, error)


def _cancel(watch: Watch, spare: Spare, provider: Provider) -> None:
    """Stop one run. The list was read with the same key: what is wrong concerns this run alone."""
    try:
        report = provider.cancel(spare.run_id)
    except AllowanceSpent:
        raise
    except ProviderError as error:
        with unit_of_work() as session:
            orphans.record_not_cancelled(session, watch, spare, error.message)
        return
    with unit_of_work() as session:
        orphans.record_cancelled(session, watch, spare, report)
