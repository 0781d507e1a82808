"""Files made of what came home of an eval, while they are sent."""

from collections.abc import Callable, Generator, Iterator, Sequence

from sqlalchemy.orm import Session

from app.catalog.belief import all_dates
from app.core import clock
from app.core.database import read_only
from app.rescue.evals import promptfoo, queries
from app.rescue.evals.bodies import Run, figure, read_object, read_run
from app.rescue.evals.rows import eval_items
from app.rescue.models import RescuedObject
from app.rescue.naming import safe_name
from app.rescue.work.lines import base_of, is_tuned


def configuration_of(one: RescuedObject) -> Generator[bytes, None, None]:
    """promptfooconfig.yaml of an eval."""
    with read_only() as session:
        found = queries.runs_of(session, one)
        stop_of = _stops(session, one)
    runs = [
        promptfoo.RescuedRun(
            row.object_id,
            read_run(row.sha256) or Run(),
            promptfoo.path_of(items.sha256) if items else None,
        )
        for row, items in found
    ]
    runs.sort(key=lambda run: figure(run.run.created_at) or 0)
    content = read_object(one.sha256) or {}
    yield from promptfoo.configuration(promptfoo.RescuedEval(one.object_id, content, runs, stop_of))


def _stops(session: Session, one: RescuedObject) -> Callable[[str], promptfoo.Stop | None]:
    """When models of an eval's connection stop, as far as anybody says."""
    account, today = one.connection, clock.now(session).date()
    dates = all_dates(session, [account.id])

    def stop_of(name: str) -> promptfoo.Stop | None:
        said = (
            dates.of_tuned(account, name, base_of(name))
            if is_tuned(name)
            else dates.of_base(account, name)
        )
        return promptfoo.Stop(said[0].day, said[0].day <= today, said[0].source) if said else None

    return stop_of


def items_of_eval(one: RescuedObject) -> Generator[bytes, None, None]:
    """The output items of all runs of an eval, as promptfoo imports them."""
    with read_only() as session:
        found = [items for _, items in queries.runs_of(session, one)]
    yield from _rows(found)


def items_of_run(row: RescuedObject) -> Generator[bytes, None, None]:
    """The output items of one run, as promptfoo imports them."""
    with read_only() as session:
        _, items = queries.kin_of(session, row)
    yield from _rows([items])


def _rows(found: Sequence[RescuedObject | None]) -> Iterator[bytes]:
    paths = (path for items in found if items and (path := promptfoo.path_of(items.sha256)))
    return eval_items(paths)


def items_name(object_id: str) -> str:
    """What a file of output items is called: promptfoo knows it by its beginning."""
    return f"eval_items_{safe_name(object_id)}.jsonl"
