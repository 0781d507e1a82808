"""What the form for a new job shows, with the receipt beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from app.budgets.lines import BudgetEffect
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.connections.views import Stop, stop_of
from app.core.pages import size
from app.core.views import FormState
from app.datasets.models import DatasetVersion
from app.jobs.estimate_words import Price, cut_words, epochs_words, price_of, tokens_words
from app.jobs.estimates import Estimate, likely_epochs
from app.jobs.retraining import Source
from app.providers.base import Capabilities
from app.providers.base import Parameter as Dial


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """A ready version to train on or to validate with."""

    id: int
    dataset: str
    number: int
    rows: int
    tokens: int


@dataclass(frozen=True, slots=True)
class ConnectionChoice:
    """`text` is one line under the name; a connection that cannot be used says `why_not`."""

    id: int
    name: str
    text: str
    why_not: str | None


@dataclass(frozen=True, slots=True)
class BaseModelChoice:
    """`stops` is the day on which it stops, as far as anybody says so."""

    name: str
    stops: date | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A dial as the provider describes it. `kind` is integer or number; `auto` says in words what
    auto takes ("about 3"), None where the provider has no auto.
    """

    name: str
    kind: str
    minimum: float
    maximum: float
    help: str
    auto: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What will happen if Start is pressed. None means it cannot be said yet. `sent` are lines of
    what goes where ("2 files, 3.8 MB"); `cut` says how many rows are cut off, None for none;
    `problems` stop the start, `warnings` (of dates) and `about_rows` do not: each one sentence.
    `budget` is None where the project has none.
    """

    rows: int | None
    rows_note: str | None
    tokens: int | None
    tokens_note: str
    epochs: int | None
    epochs_note: str | None
    billed_tokens: int | None
    cut: str | None
    price: Price
    destination: str
    sent: str
    validation: str
    seconds: float | None
    seconds_note: str | None
    is_practice: bool
    budget: BudgetEffect | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    about_rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewView:
    """The form. `form.values` holds strings by field: nonce, connection_id, base_model, method,
    training_version_id, validation ("version", "split", "none"), validation_version_id,
    validation_split (a share, "0.1"), suffix, seed, and for each parameter NAME_mode ("auto",
    "number") and NAME. Every key is present (empty when not chosen). Fragments: "form" (after a
    change of connection, after a 422), "receipt" (jobs.receipt, by GET with the form's fields).
    `source` is the job it began with, where it did.
    """

    project_id: int
    form: FormState
    versions: tuple[VersionChoice, ...]
    connections: tuple[ConnectionChoice, ...]
    base_models: tuple[BaseModelChoice, ...]
    base_models_error: str | None
    methods: tuple[tuple[str, str], ...]
    parameters: tuple[Parameter, ...]
    receipt: Receipt
    stop: Stop | None = None
    suffix_length: int = 64
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """For the fragment "receipt" alone: the template reads view.receipt only."""

    receipt: Receipt


FIELDS = (
    "nonce",
    "connection_id",
    "base_model",
    "method",
    "training_version_id",
    "validation",
    "validation_version_id",
    "validation_split",
    "suffix",
    "seed",
)
USUAL_SPLIT = "0.1"


class Draft(NamedTuple):
    """What the form's values choose among, as far as they do."""

    values: dict[str, str]
    connections: Sequence[Connection]
    versions: Sequence[DatasetVersion]
    connection: Connection | None
    capabilities: Capabilities | None
    training: DatasetVersion | None
    validation: DatasetVersion | None


def draft(
    connections: Sequence[Connection],
    versions: Sequence[DatasetVersion],
    values: Mapping[str, str],
    *,
    nonce: str,
) -> Draft:
    """The form's values with every key present and the usual choice where none was made."""
    filled = {**dict.fromkeys(FIELDS, ""), **values}
    filled["nonce"] = filled["nonce"] or nonce
    connection = _chosen(connections, filled["connection_id"]) or (
        connections[0] if connections else None
    )
    training = _chosen(versions, filled["training_version_id"]) or (
        versions[0] if versions else None
    )
    filled["connection_id"] = str(connection.id) if connection else ""
    filled["training_version_id"] = str(training.id) if training else ""
    partner = _partner(training, versions)
    if not filled["validation"]:
        filled["validation"] = "version" if partner or filled["validation_version_id"] else "split"
    if not filled["validation_version_id"] and partner:
        filled["validation_version_id"] = str(partner.id)
    filled["validation_split"] = filled["validation_split"] or USUAL_SPLIT
    capabilities = capabilities_of(connection) if connection else None
    methods = [method.name for method in capabilities.methods] if capabilities else []
    if filled["method"] not in methods:
        filled["method"] = methods[0] if methods else ""
    dials = capabilities.parameters_of(filled["method"]) if capabilities else ()
    _forget_other_dials(filled, dials)
    for dial in dials:
        filled.setdefault(f"{dial.name}_mode", "auto" if dial.auto else "number")
        filled.setdefault(dial.name, "")
    validation = (
        _chosen(versions, filled["validation_version_id"])
        if filled["validation"] == "version"
        else None
    )
    return Draft(filled, connections, versions, connection, capabilities, training, validation)


def _forget_other_dials(filled: dict[str, str], dials: Sequence[Dial]) -> None:
    """What was set for another connection, and has no field here."""
    kept = {f"{dial.name}_mode" for dial in dials}
    for mode in [name for name in filled if name.endswith("_mode") and name not in kept]:
        filled.pop(mode)
        filled.pop(mode.removesuffix("_mode"), None)


def _chosen(among: Sequence[Any], number: str) -> Any:
    return next((one for one in among if str(one.id) == number), None)


def _partner(
    training: DatasetVersion | None, versions: Sequence[DatasetVersion]
) -> DatasetVersion | None:
    """The version that was made to measure this one: uploaded with it as an example's held-out
    rows.
    """
    if training is None or training.dataset.held_out_id is None:
        return None
    return next((one for one in versions if one.dataset_id == training.dataset.held_out_id), None)


def new_job(
    project_id: int,
    chosen: Draft,
    base_models: Sequence[BaseModelChoice],
    *,
    receipt: Receipt,
    errors: Mapping[str, str],
    base_models_error: str | None,
    source: Source | None = None,
) -> NewView:
    """The form as it stands."""
    values = dict(chosen.values)
    names = [model.name for model in base_models]
    if values["base_model"] not in names and names:
        values["base_model"] = names[0]
    dials = chosen.capabilities.parameters_of(values["method"]) if chosen.capabilities else ()
    return NewView(
        project_id=project_id,
        form=FormState(
            values, {name.removeprefix("hyperparameters."): words for name, words in errors.items()}
        ),
        versions=tuple(
            VersionChoice(one.id, one.dataset.name, one.number, one.rows or 0, one.tokens or 0)
            for one in chosen.versions
        ),
        connections=tuple(_connection(one) for one in chosen.connections),
        base_models=tuple(base_models),
        base_models_error=base_models_error,
        methods=tuple((method.name, method.label) for method in chosen.capabilities.methods)
        if chosen.capabilities
        else (),
        parameters=tuple(_parameter(dial, chosen.training) for dial in dials),
        receipt=receipt,
        stop=stop_of(chosen.connection) if chosen.connection else None,
        suffix_length=_suffix_length(chosen.capabilities),
        source=source,
    )


def _connection(connection: Connection) -> ConnectionChoice:
    capabilities = capabilities_of(connection)
    where = (
        "Free, a small model that learns short answers"
        if capabilities.is_free
        else capabilities.label
    )
    refused = connection.words if connection.refused_at else None
    return ConnectionChoice(connection.id, connection.name, where, refused)


def _parameter(dial: Dial, training: DatasetVersion | None) -> Parameter:
    low = dial.suggested_minimum if dial.suggested_minimum is not None else dial.minimum
    high = dial.suggested_maximum if dial.suggested_maximum is not None else dial.maximum
    auto = None
    if dial.auto:
        is_known = dial.name == "n_epochs" and training is not None
        auto = (
            f"about {likely_epochs(training.rows or 0)}"
            if is_known and training
            else "chosen by the provider"
        )
    return Parameter(dial.name, dial.kind, low or 0, high or 0, dial.help, auto)


def _suffix_length(capabilities: Capabilities | None) -> int:
    options = capabilities.options if capabilities else ()
    return next((int(option.maximum or 64) for option in options if option.name == "suffix"), 64)


def receipt(
    chosen: Draft,
    guess: Estimate | None,
    budget: BudgetEffect | None,
    *,
    speed: float | None,
    problems: Sequence[str],
    warnings: Sequence[str],
    about_rows: Sequence[str],
) -> Receipt:
    """What will happen if Start is pressed, as far as it can be said."""
    connection, training = chosen.connection, chosen.training
    sizes = [version.size for version in (training, chosen.validation) if version is not None]
    is_split = chosen.values["validation"] == "split"
    count = len(sizes) + (1 if is_split and training else 0)
    host = urlsplit(connection.base_url).netloc if connection else "nowhere yet"
    seconds = guess.billed_tokens / speed if guess and speed else None
    return Receipt(
        rows=guess.rows if guess else None,
        rows_note="after the split" if is_split and guess else None,
        tokens=guess.tokens if guess else None,
        tokens_note=tokens_words(guess) if guess else "",
        epochs=guess.epochs if guess else None,
        epochs_note=epochs_words(guess) if guess else None,
        billed_tokens=guess.billed_tokens if guess else None,
        cut=cut_words(guess) if guess else None,
        price=price_of(guess),
        destination=host,
        sent=f"{count} file{'s' if count != 1 else ''}, {size(sum(sizes))}",
        validation=_validation_words(chosen),
        seconds=seconds,
        seconds_note="from your last job" if seconds is not None else None,
        is_practice=bool(connection and connection.is_practice),
        budget=budget,
        problems=tuple(problems),
        warnings=tuple(warnings),
        about_rows=tuple(about_rows),
    )


def _validation_words(chosen: Draft) -> str:
    if chosen.values["validation"] == "split":
        return (
            f"{float(chosen.values['validation_split']):.0%} split off"
            if _is_share(chosen)
            else "a split"
        )
    if chosen.validation is not None:
        return f"{chosen.validation.rows or 0:,} rows, {chosen.validation.dataset.name}"
    return "none: overfitting will not show"


def _is_share(chosen: Draft) -> bool:
    try:
        return 0 < float(chosen.values["validation_split"]) < 1
    except ValueError:
        return False
