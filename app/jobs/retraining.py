"""Asking once more for a job that is there: its settings on a form, and what of them cannot come
along to where it is to be trained now; pure.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.datasets.models import DatasetVersion, VersionStatus
from app.jobs.models import Job
from app.jobs.words import origin_of
from app.providers.base import Capabilities, Parameter
from app.providers.profiles import profiles

METHODS = {"supervised": "supervised", "dpo": "preference (dpo)"}
RELATIVE = "learning_rate_multiplier"


@dataclass(frozen=True, slots=True)
class Source:
    """The job a form began with. `losses` are sentences on what cannot come along."""

    job_id: int
    name: str
    origin: str | None
    losses: tuple[str, ...]


class Place(NamedTuple):
    """Where it is to be trained now, by which method, on which base; `offered` are the bases there,
    empty where nobody knows them.
    """

    connection: Connection
    method: str
    base_model: str
    offered: Collection[str]

    @property
    def capabilities(self) -> Capabilities:
        return capabilities_of(self.connection)


def like(job: Job) -> dict[str, str]:
    """The form's fields as they would ask for the same job once more."""
    fields: dict[str, Any] = {
        "connection_id": job.connection_id,
        "base_model": job.base_model,
        "method": job.method,
        "training_version_id": job.training_version_id,
        "validation": "none",
        "suffix": job.suffix,
        "seed": job.seed,
    }
    if job.validation_version_id is not None:
        fields |= {"validation": "version", "validation_version_id": job.validation_version_id}
    elif job.validation_split:
        fields |= {"validation": "split", "validation_split": job.validation_split}
    for name, value in job.hyperparameters.items():
        is_auto = value == "auto"
        fields |= {f"{name}_mode": "auto" if is_auto else "number", name: "" if is_auto else value}
    return {name: str(value) for name, value in fields.items() if value is not None}


def begun_with(job: Job, connections: Sequence[Connection]) -> dict[str, str]:
    """The form's first values: the job's own over a trainer of the team's where there is one, else
    where it was; each setting that this place would refuse is left to it.
    """
    ours = (one for one in connections if capabilities_of(one).is_ours and not one.refused_at)
    connection = next(ours, None) or job.connection
    capabilities = capabilities_of(connection)
    values = like(job) | {"from": str(job.id), "connection_id": str(connection.id)}
    if _measures_itself(job):
        values["validation"] = "none"
        del values["validation_version_id"]
    for option in capabilities.options:
        if _refusal(option, values.get(option.name)):
            values.pop(option.name)
    for dial in capabilities.parameters_of(job.method):
        if _refusal(dial, job.hyperparameters.get(dial.name)):
            values |= {f"{dial.name}_mode": "auto" if dial.auto else "number", dial.name: ""}
    return values


def losses(job: Job, place: Place) -> tuple[str, ...]:
    """What of a job cannot come along, in the order of the form."""
    return (
        *_rows(job),
        *_method(job, place),
        *_base(job, place),
        *_dials(job, place),
        *_options(job, place),
    )


def _rows(job: Job) -> Iterator[str]:
    known = (job.training_version, job.training_file_id, job.training_sha256)
    if words := _missing("training", *known):
        yield f"{words} Choose the rows yourself: the form begins with the newest."
    if _measures_itself(job):
        yield "It was measured on the rows it trained on, which says nothing: choose other rows."
    held = (job.validation_version, job.validation_file_id, job.validation_sha256)
    if job.validation_file_id and (words := _missing("validation", *held)):
        yield f"{words} Nothing is measured on it: choose other rows, or split some off."


def _measures_itself(job: Job) -> bool:
    version_id = job.validation_version_id
    return version_id is not None and version_id == job.training_version_id


def _missing(
    which: str, version: DatasetVersion | None, file_id: str | None, sha256: str | None
) -> str | None:
    if version is not None and version.status == VersionStatus.READY:
        return None
    if version is not None:
        name = f"{version.dataset.name}, version {version.number}"
        is_refused = version.status == VersionStatus.REJECTED
        how = "were refused by the check" if is_refused else "are still being checked"
        return f"Its {which} rows, {name}, {how}."
    if file_id is None:
        return f"Its {which} file is not known."
    if sha256 is None:
        return f"Its {which} file, {file_id}, did not come home."
    return f"Its {which} file, {file_id}, holds rows of a format that is no dataset here yet."


def _method(job: Job, place: Place) -> Iterator[str]:
    if place.capabilities.method(job.method) is not None:
        return
    name = METHODS.get(job.method, job.method)
    is_known = any(one.capabilities.method(job.method) for one in profiles().values())
    why = f"{place.connection.name} does not offer it" if is_known else "this form does not have it"
    yield f"Its method was {name}; {why}. By {place.method} it learns in another way."
    if job.method == "reinforcement":
        yield "Its grader stays in what came home; no field of the form takes it."


def _base(job: Job, place: Place) -> Iterator[str]:
    if place.offered and job.base_model not in place.offered:
        yield (
            f"Its base, {job.base_model}, is not tuned over {place.connection.name}: "
            f"{place.base_model} stands in its place."
        )


def _dials(job: Job, place: Place) -> Iterator[str]:
    described = {dial.name: dial for dial in place.capabilities.parameters_of(place.method)}
    for name, value in job.hyperparameters.items():
        if name not in described:
            if value != "auto":
                yield f"{name}, {_plain(value)}, has no counterpart here."
        elif words := _refusal(described[name], value):
            yield f"{name}, {_plain(value)}, is not taken here: {words}"
        elif name == RELATIVE and value != "auto" and _is_another(job, place):
            yield (
                f"{name}, {_plain(value)}, is relative to a rate that each provider chooses for "
                "its own models: the same number is another rate here."
            )


def _options(job: Job, place: Place) -> Iterator[str]:
    options = {option.name: option for option in place.capabilities.options}
    given: Mapping[str, Any] = {"suffix": job.suffix, "seed": job.seed}
    for name, value in given.items():
        if value is None:
            continue
        if name not in options:
            yield f"Its {name}, {value}, has no field here."
        elif words := _refusal(options[name], value):
            yield f"Its {name}, {value}, is not taken here: {words}"
        elif name == "seed" and _is_another(job, place):
            yield f"Its seed, {value}, comes along; another trainer deals the rows otherwise by it."
    if job.seed is None and job.rescued_at is not None:
        yield "Its seed is not known."


def _is_another(job: Job, place: Place) -> bool:
    """Whether it is another kind of provider, whose numbers mean other things."""
    return job.connection.profile != place.connection.profile


def _refusal(parameter: Parameter, value: object) -> str | None:
    try:
        parameter.accept(value)
    except ValueError as error:
        return str(error)
    return None


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def source_of(job: Job, place: Place | None) -> Source:
    """What the form says of the job it began with."""
    return Source(job.id, job.name, origin_of(job), losses(job, place) if place else ())
