"""A rescued eval as an evaluation that runs here: its criteria are graders, its items cases, and
what its runs answered then takes part for ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.core import storage
from app.core.errors import WrongInput
from app.evaluations.imports import rows
from app.evaluations.imports.base import MOST_ANSWERS, Imported, NotImportable, Telling
from app.evaluations.imports.keeping import keep
from app.evaluations.imports.nunjucks import Names, Untranslatable
from app.evaluations.imports.prompts import Prompt, prompt_of_turns
from app.evaluations.models import Evaluation
from app.graders.reading import InvalidGrader, read_grader
from app.rescue.evals import queries
from app.rescue.evals.bodies import (
    Run,
    figure,
    lines_from,
    mapping,
    objects,
    read_line,
    read_object,
    read_run,
)
from app.rescue.models import RescuedObject

WHAT = "an eval rescued from OpenAI"
NO_ITEMS = "None of its output items are here."
UNREADABLE = "It cannot be read; it is left out."
TOO_MANY = f"At most {MOST_ANSWERS:,} answers: the older ones are left out."


def read(session: Session, one: RescuedObject) -> list[tuple[RescuedObject, RescuedObject | None]]:
    """The eval's runs with their items: what `imported` reads, once no session is open."""
    return list(queries.runs_of(session, one))


def imported(
    one: RescuedObject, runs: Sequence[tuple[RescuedObject, RescuedObject | None]]
) -> Imported:
    """The evaluation in a rescued eval. Raises WrongInput where nothing can be made of it."""
    content = read_object(one.sha256) or {}
    telling = Telling()
    read_runs = [(row, items, read_run(row.sha256) or Run()) for row, items in runs]
    read_runs.sort(key=lambda found: figure(found[2].created_at) or 0, reverse=True)
    found = list(_items(read_runs, telling))
    if not found:
        raise WrongInput(NO_ITEMS)
    graders = list(_graders(content, telling))
    prompt = next((made for _, _, run in read_runs if (made := _prompt(run))), None)
    name = str(content.get("name") or one.name or one.object_id)
    try:
        whole = rows.read(found, graders, prompt, name=name, telling=telling)
    except NotImportable as error:
        raise WrongInput(str(error)) from error
    return replace(whole, what=WHAT)


def keep_imported(
    session: Session, one: RescuedObject, found: Imported, *, actor_id: int
) -> Evaluation:
    """Keep it as an evaluation of the eval's project. Raises WrongInput where nothing grades."""
    return keep(
        session,
        found,
        project_id=one.project_id,
        actor_id=actor_id,
        name=None,
        graders=list(found.graders),
    )


def _graders(content: dict[str, Any], telling: Telling) -> Iterator[dict[str, Any]]:
    """Those of the criteria that can be read; why others cannot is told."""
    for criterion in objects(content.get("testing_criteria")):
        body = {name: value for name, value in criterion.items() if name != "id"}
        name = str(body.get("name") or body.get("type") or "unnamed")[:80]
        try:
            read_grader(body)
        except InvalidGrader as error:
            telling(f"criterion {name}", error.message)
            continue
        yield {"name": name, **body}


def _items(
    runs: Sequence[tuple[RescuedObject, RescuedObject | None, Run]], telling: Telling
) -> Iterator[dict[str, Any]]:
    """The output items of the runs, the newest run's first."""
    count = 0
    for row, items, _ in runs:
        for number, item in _lines(items):
            if count == MOST_ANSWERS:
                telling(f"run {row.object_id}", TOO_MANY)
                return
            if item is None:
                telling(f"item {number} of run {row.object_id}", UNREADABLE)
                continue
            count += 1
            yield {**item, "run_id": row.object_id}


def _lines(items: RescuedObject | None) -> Iterator[tuple[int, dict[str, Any] | None]]:
    if items is None or items.sha256 is None or not storage.is_stored(items.sha256):
        return
    path: Path = storage.blob_path(items.sha256)
    for line in lines_from(path):
        yield line.number, read_line(line)


def _prompt(run: Run) -> Prompt | None:
    """What a run asked with, where that is a template of texts."""
    messages = mapping(run.data_source.input_messages if run.data_source else None)
    try:
        return prompt_of_turns(objects(messages.get("template")), Names(is_wrapped=True))
    except Untranslatable:
        return None
