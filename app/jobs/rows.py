"""What the provider of a job would say of its rows, as the form for the job tells it."""

from collections.abc import Iterator
from typing import NamedTuple

from app.core.errors import FieldError
from app.datasets.enough import warning_for
from app.datasets.found import found_in
from app.datasets.models import DatasetVersion
from app.datasets.verdicts import Objection, Part, Said, say
from app.jobs.forms import JobForm
from app.providers.profiles import profiles

MOST_SAID = 5
ROWS_SAID = 3


class Rows(NamedTuple):
    """The versions a job would train on and be measured on; `split` is the share that is held out
    of the first.
    """

    training: DatasetVersion
    validation: DatasetVersion | None
    split: float

    @property
    def trained(self) -> int:
        """How many rows are left to train on."""
        rows = self.training.rows or 0
        return rows - round(rows * self.split)


def said_of(rows: Rows, profile_name: str, form: JobForm) -> Said | None:
    """What the provider would say of them; None where nobody knows such a method of it."""
    profile = profiles()[profile_name]
    method = profile.rows.method(form.method)
    if method is None:
        return None
    validation = found_in(rows.validation) if rows.validation is not None else None
    return say(
        profile,
        method,
        found_in(rows.training),
        validation,
        base_model=form.base_model,
        split=rows.split,
        is_order=True,
    )


def refusals_of(rows: Rows, said: Said | None) -> Iterator[FieldError]:
    """Why the provider would refuse the job, each in one sentence; of many rules the first few."""
    if said is None:
        return
    yield from _refusals(said, "training", rows.training)
    yield from _refusals(said, "validation", rows.validation)


def _refusals(said: Said, part: Part, version: DatasetVersion | None) -> Iterator[FieldError]:
    field = f"{part}_version_id"
    found = [one for one in said.refusals if one.part == part]
    name = f"{version.dataset.name}, version {version.number}" if version is not None else "it"
    for one in found[:MOST_SAID]:
        yield FieldError(field, f"{said.provider} would refuse {name}: {_told(one)} {one.cure}")
    if len(found) > MOST_SAID:
        more = len(found) - MOST_SAID
        words = f"The rows break {more} more of its rules; the dataset's report has all of them."
        yield FieldError(field, words)


def warnings_of(rows: Rows, method_name: str, said: Said | None) -> tuple[str, ...]:
    """What to know of the training rows before they are sent."""
    few = warning_for(method_name, rows.trained)
    warned = [one for one in (said.warnings if said else ()) if one.part == "training"]
    return (*([few] if few else []), *(_told(one) for one in warned[:MOST_SAID]))


def _told(one: Objection) -> str:
    """An objection as one sentence: where, and why."""
    if not one.rows:
        return one.reason
    shown = one.rows[:ROWS_SAID]
    rows = ", ".join(f"{line:,}" for line in shown)
    more = " and others" if (one.count or 0) > len(shown) else ""
    return f"row{'s' if len(shown) > 1 else ''} {rows}{more}. {one.reason}"
