"""Read it differently: what a source begins with, and what a person says it is."""

import json
from dataclasses import dataclass

from app.core.errors import FieldError, WrongInput
from app.core.views import FormState
from app.datasets.forms import COLUMN_LENGTH, ReadingForm
from app.datasets.gone import stored_file
from app.datasets.models import DatasetVersion
from app.datasets.sources import SAMPLE_BYTES, Reading, Sample, read_as, recognise_source, sample
from app.formats.registry import FORMATS, recognise
from app.formats.tables import Columns, guess

SHOWN_ROWS, SHOWN_COLUMNS, CELL_LENGTH, MOST_COLUMNS = 5, 8, 200, 200
KINDS = {"lines": "lines of JSON", "array": "a list in JSON", "csv": "a table (CSV)"}
_ROLES = ("question", "answer", "context", "system")


@dataclass(frozen=True, slots=True)
class ReadingView:
    """What a version's source begins with, and the form that says what it is. `kind` in words;
    `formats` and `columns` are what can be chosen; `records` the first of it, a cell a column.
    """

    project_id: int
    dataset_name: str
    version_id: int
    number: int
    file_name: str
    kind: str
    formats: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    shown: tuple[str, ...]
    records: tuple[tuple[str, ...], ...]
    form: FormState


def begun(version: DatasetVersion) -> Sample:
    """The beginning of the bytes a version came as."""
    return sample(_head(version), version.file_name)


def reading_of(version: DatasetVersion) -> Reading:
    """How the version was read."""
    known = Reading.from_json(version.reading)
    return known or recognise_source(_head(version), version.file_name)


def _head(version: DatasetVersion) -> bytes:
    with stored_file(*version.came_as).open("rb") as file:
        return file.read(SAMPLE_BYTES)


def reading_from(source: Sample, form: ReadingForm) -> Reading:
    """What the form says of this source. Raises WrongInput."""
    if form.format != "table":
        if source.kind == "csv":
            raise WrongInput.field("format", "CSV is a table: say which column is the question.")
        return read_as(source, form.format, None)
    names = {name.strip(): name for name in source.names}
    asked = {role: getattr(form, role) for role in _ROLES}
    wrong = [
        FieldError(role, "Choose a column." if name is None else f"There is no column {name[:80]}.")
        for role, name in asked.items()
        if (name is None and role in _ROLES[:2]) or (name is not None and name not in names)
    ]
    if wrong:
        raise WrongInput(wrong[0].message, errors=wrong)
    chosen = {role: names.get(name or "") for role, name in asked.items()}
    question, answer = chosen["question"] or "", chosen["answer"] or ""
    columns = Columns(question, answer, chosen["context"], chosen["system"], form.prompt)
    return read_as(source, "chat", columns)


def view(version: DatasetVersion, source: Sample, form: FormState | None) -> ReadingView:
    """The page: what the source begins with, and the form as it was sent or as it is likely."""
    shown = source.names[:SHOWN_COLUMNS]
    formats = [] if source.kind == "csv" else [(name, one.title) for name, one in FORMATS.items()]
    return ReadingView(
        project_id=version.project_id,
        dataset_name=version.dataset.name,
        version_id=version.id,
        number=version.number,
        file_name=version.file_name,
        kind=KINDS[source.kind],
        formats=(("table", "Table: a conversation of each record"), *formats),
        columns=tuple(
            (name.strip(), name.strip()[:80])
            for name in source.names[:MOST_COLUMNS]
            if 0 < len(name.strip()) <= COLUMN_LENGTH
        ),
        shown=tuple(name[:80] for name in shown),
        records=tuple(
            tuple(_cell(record.get(name, "")) for name in shown)
            for record in source.records[:SHOWN_ROWS]
        ),
        form=form or FormState(_likely(version, source)),
    )


def _likely(version: DatasetVersion, source: Sample) -> dict[str, str]:
    known = Reading.from_json(version.reading)
    columns = (known and known.columns) or guess(source.names)
    format_ = version.format or recognise(source.records) or "table"
    if (known and known.columns) or source.kind == "csv":
        format_ = "table"
    values = {"format": format_, "prompt": columns.prompt if columns else ""}
    for role in _ROLES:
        values[role] = ((columns and getattr(columns, role)) or "").strip()
    return values


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= CELL_LENGTH else f"{text[:CELL_LENGTH]}…"
