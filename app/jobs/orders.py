"""What a form asks for, held against the project's rows and the provider's own description."""

from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.catalog import queries as catalog
from app.catalog.prices import price_book
from app.connections import queries as connections
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.core.errors import Conflict, FieldError, WrongInput
from app.datasets import queries as datasets
from app.datasets.models import DatasetVersion, VersionStatus
from app.jobs.estimates import Estimate
from app.jobs.estimating import estimate_of
from app.jobs.forms import JobForm
from app.jobs.lifetimes import Wish, outlook
from app.jobs.rows import Rows, refusals_of, said_of, warnings_of
from app.providers.base import Capabilities, Parameter


class Checked(NamedTuple):
    """A form that fits its project and provider: what it names, and its settings as the provider
    takes them. `warnings` are about its dates, `about_rows` those about the rows.
    """

    connection: Connection
    capabilities: Capabilities
    training: DatasetVersion
    validation: DatasetVersion | None
    hyperparameters: dict[str, Any]
    suffix: str | None
    seed: int | None
    estimate: Estimate
    warnings: tuple[str, ...]
    about_rows: tuple[str, ...]


class Named(NamedTuple):
    """The rows and the account a form names, all of this project."""

    connection: Connection
    training: DatasetVersion
    validation: DatasetVersion | None


def check_form(session: Session, project_id: int, form: JobForm) -> Checked:
    """Everything the form names, if it all fits together. Raises WrongInput naming each field, and
    Conflict when a version is not ready or the job could not end before its base model stops.
    """
    named = _named(session, project_id, form)
    wrong: list[FieldError] = []
    capabilities = capabilities_of(named.connection)
    dials, suffix, seed = _settings(form, capabilities, wrong)
    _check_model(session, named.connection, form, capabilities, wrong)
    rows = Rows(named.training, named.validation, form.validation_split or 0)
    is_offered = capabilities.method(form.method) is not None
    said = said_of(rows, named.connection.profile, form) if is_offered else None
    wrong.extend(refusals_of(rows, said))
    if wrong:
        raise WrongInput(wrong[0].message, errors=wrong)
    guess = estimate_of(
        named.training,
        named.connection,
        form.base_model,
        method=form.method,
        book=price_book(session),
        n_epochs=dials.get("n_epochs"),
        split=form.validation_split,
    )
    wish = Wish(named.connection, form.base_model, guess.billed_tokens)
    refusal, warnings = outlook(session, wish)
    if refusal is not None:
        raise refusal.error()
    return Checked(
        named.connection,
        capabilities,
        named.training,
        named.validation,
        dials,
        suffix,
        seed,
        guess,
        warnings,
        warnings_of(rows, form.method, said),
    )


def _named(session: Session, project_id: int, form: JobForm) -> Named:
    wrong: list[FieldError] = []
    connection = connections.connection_in(session, project_id, form.connection_id)
    if connection is None:
        wrong.append(FieldError("connection_id", "This project has no such connection."))
    training = datasets.version_in(session, project_id, form.training_version_id)
    if training is None:
        wrong.append(FieldError("training_version_id", "This project has no such dataset version."))
    validation = None
    if form.validation_version_id is not None:
        validation = datasets.version_in(session, project_id, form.validation_version_id)
        words = None
        if validation is None:
            words = "This project has no such dataset version."
        elif validation.id == form.training_version_id:
            words = "Rows a model has trained on cannot measure it. Choose others."
        if words is not None:
            wrong.append(FieldError("validation_version_id", words))
    if connection is None or training is None or wrong:
        raise WrongInput(wrong[0].message, errors=wrong)
    for version in filter(None, (training, validation)):
        if version.status != VersionStatus.READY:
            name = f"{version.dataset.name}, version {version.number},"
            raise Conflict(f"{name} is {version.status}, not ready. {version.reason or ''}".strip())
    return Named(connection, training, validation)


def _settings(
    form: JobForm, capabilities: Capabilities, wrong: list[FieldError]
) -> tuple[dict[str, Any], str | None, int | None]:
    """Hyperparameters, suffix and seed as the provider describes them; what does not fit goes into
    `wrong`.
    """
    if capabilities.method(form.method) is None:
        wrong.append(FieldError("method", f"{capabilities.label} does not offer this method."))
        return {}, None, None
    described = {parameter.name: parameter for parameter in capabilities.parameters_of(form.method)}
    dials: dict[str, Any] = {}
    wrong.extend(
        FieldError(f"hyperparameters.{name}", f"{capabilities.label} has no such hyperparameter.")
        for name in form.hyperparameters.keys() - described.keys()
    )
    for name, parameter in described.items():
        dials[name] = _accepted(
            parameter, form.hyperparameters.get(name), f"hyperparameters.{name}", wrong
        )
    given = {"suffix": form.suffix, "seed": form.seed}
    taken: dict[str, Any] = dict.fromkeys(given)
    for option in capabilities.options:
        if option.name in given:
            taken[option.name] = _accepted(option, given[option.name], option.name, wrong)
    return dials, taken["suffix"], taken["seed"]


def _accepted(parameter: Parameter, value: object, field: str, wrong: list[FieldError]) -> Any:
    try:
        return parameter.accept(value)
    except ValueError as error:
        wrong.append(FieldError(field, str(error)))
        return None


def _check_model(
    session: Session,
    connection: Connection,
    form: JobForm,
    capabilities: Capabilities,
    wrong: list[FieldError],
) -> None:
    offered = {one.name: one for one in catalog.base_models_of(session, connection.id)}
    if offered and form.base_model not in offered:
        names = ", ".join(sorted(offered)[:5])
        wrong.append(
            FieldError(
                "base_model", f"{capabilities.label} does not tune this model. It offers {names}."
            )
        )
