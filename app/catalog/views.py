"""What the model pages show: the list, one tuned model with its lineage, and the page to talk to
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.catalog.belief import Said
from app.catalog.models import BaseModel, TunedModel
from app.catalog.prices import TrainingPrice
from app.connections.service import capabilities_of
from app.connections.views import Stop, stop_of
from app.core.choosing import Act
from app.core.list_views import ListView
from app.projects.views import initials
from app.settings import settings


@dataclass(frozen=True, slots=True)
class ModelRow:
    id: int
    name: str
    full_name: str
    base_model: str
    connection: str
    dataset: str | None
    dataset_number: int | None
    best_valid_loss: float | None
    by: str
    by_initials: str
    created_at: datetime
    job_id: int | None
    job_name: str | None


@dataclass(frozen=True, slots=True)
class IndexView:
    """The list of a project's tuned models; its fragment "rows" refreshes itself on `topic`. `told`
    is what came of the last thing done to many; `acts` what can be done to those chosen.
    """

    project_id: int
    models: tuple[ModelRow, ...]
    list: ListView
    has_models: bool
    told: str
    acts: tuple[Act, ...]
    topic: str


@dataclass(frozen=True, slots=True)
class LineageStep:
    """One station from rows to model: `kind` is data, job, model or plug (an icon), facts are short
    lines.
    """

    kind: str
    label: str
    title: str
    url: str | None
    facts: tuple[str, ...]
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code ready to paste; `language` is Python or curl."""

    language: str
    code: str


@dataclass(frozen=True, slots=True)
class ShowView:
    """A tuned model. `full_name` is the provider's own name; `lead` one sentence on what it is."""

    id: int
    project_id: int
    name: str
    full_name: str
    base_model: str
    connection: str
    lead: str
    is_practice: bool
    job_id: int | None
    job_name: str | None
    by: str
    created_at: datetime
    lineage: tuple[LineageStep, ...]
    snippets: tuple[Snippet, ...]
    key_note: str
    can_chat: bool


@dataclass(frozen=True, slots=True)
class TryView:
    """Talk to the tuned model and its base side by side. `system_prompt` is the training data's
    own; `examples` are a few user messages from the validation rows, to press instead of typing.
    Fragment "stop" refreshes itself on `topic`.
    """

    id: int
    project_id: int
    name: str
    full_name: str
    base_model: str
    connection: str
    is_practice: bool
    job_id: int | None
    job_name: str | None
    system_prompt: str
    system_prompt_source: str
    temperature: float
    max_tokens: int
    examples: tuple[str, ...]
    can_chat: bool
    cost_note: str
    stop: Stop | None
    topic: str


def index(
    project_id: int, models: Sequence[TunedModel], listed: ListView, **rest: Any
) -> IndexView:
    """The list of a project's tuned models."""
    return IndexView(
        project_id=project_id,
        models=tuple(_row(model) for model in models),
        list=listed,
        topic=f"project:{project_id}",
        **rest,
    )


def _row(model: TunedModel) -> ModelRow:
    return ModelRow(
        id=model.id,
        name=model.name,
        full_name=model.ref.name,
        base_model=model.base_model,
        connection=model.ref.connection.name,
        dataset=model.dataset_version.dataset.name if model.dataset_version else None,
        dataset_number=model.dataset_version.number if model.dataset_version else None,
        best_valid_loss=model.best_valid_loss,
        by=maker_of(model),
        by_initials=initials(model.lineage.get("rescued_from") or maker_of(model)),
        created_at=model.created_at,
        job_id=model.job_id,
        job_name=model.lineage["job_name"],
    )


def show(
    model: TunedModel, *, job_url: str | None, version_url: str | None, can_chat: bool
) -> ShowView:
    """One model: where it comes from and how to call it."""
    connection = model.ref.connection
    return ShowView(
        id=model.id,
        project_id=model.project_id,
        name=model.name,
        full_name=model.ref.name,
        base_model=model.base_model,
        connection=connection.name,
        lead=_lead(model),
        is_practice=connection.is_practice,
        job_id=model.job_id,
        job_name=model.lineage["job_name"],
        by=maker_of(model),
        created_at=model.created_at,
        lineage=_lineage(model, job_url, version_url),
        snippets=_snippets(model),
        key_note=_key_note(model),
        can_chat=can_chat,
    )


def _lead(model: TunedModel) -> str:
    rows = model.lineage.get("training_rows")
    learned = f"{rows:,} rows of " if rows else ""
    loss = (
        ""
        if model.best_valid_loss is None
        else f" Best validation loss {model.best_valid_loss:.3f}."
    )
    if model.dataset_version is None:
        return f"{model.base_model}, tuned on rows that are no dataset here.{loss}"
    return f"{model.base_model}, tuned on {learned}{model.dataset_version.dataset.name}.{loss}"


def _lineage(
    model: TunedModel, job_url: str | None, version_url: str | None
) -> tuple[LineageStep, ...]:
    version, kept = model.dataset_version, model.lineage
    dials = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in kept["hyperparameters"].items()
    )
    return (
        LineageStep(
            "data",
            "Rows",
            f"{version.dataset.name}, version {version.number}"
            if version is not None
            else kept.get("training_file_id") or "Not known here",
            version_url,
            tuple(
                fact
                for fact in (
                    f"{kept['training_rows']:,} training rows"
                    if kept.get("training_rows")
                    else None,
                    _validation_words(kept),
                )
                if fact
            ),
            kept.get("training_sha256"),
        ),
        LineageStep("plug", "Base model", model.base_model, None, (model.ref.connection.name,)),
        LineageStep(
            "job",
            "Job",
            kept["job_name"] or "Not known here",
            job_url,
            tuple(
                fact
                for fact in (
                    kept["method"],
                    dials,
                    f"run {kept['run_id']}" if kept["run_id"] else None,
                )
                if fact
            ),
        ),
        LineageStep("model", "Tuned model", model.name, None, (model.ref.name,)),
    )


def _validation_words(kept: dict[str, Any]) -> str:
    rows, file_id = kept.get("validation_rows"), kept.get("validation_file_id")
    if rows:
        return f"{rows:,} validation rows"
    return f"validation file {file_id}" if file_id else "no validation rows"


def _snippets(model: TunedModel) -> tuple[Snippet, ...]:
    connection = model.ref.connection
    python = f"""from openai import OpenAI

client = OpenAI(base_url="{connection.base_url}", api_key=KEY)
answer = client.chat.completions.create(
    model="{model.ref.name}",
    messages=messages,  # with the system prompt it was trained with
)
print(answer.choices[0].message.content)"""
    curl = f"""curl {settings().base_url}/api/v1/models/{model.id}/chat \\
  -H "Authorization: Bearer $LUTHIER_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{{"messages": [{{"role": "user", "content": "Hello"}}]}}'"""
    return (Snippet("Python", python), Snippet("curl", curl))


def _key_note(model: TunedModel) -> str:
    if model.ref.connection.is_practice:
        key = "KEY is what `python -m app trainer-key` prints."
        return f"{key} curl goes through Luthier and takes an API token."
    return "KEY is your own key at the provider. curl goes through Luthier and takes an API token."


def try_it(
    model: TunedModel, *, system_prompt: str, source: str, examples: Sequence[str], can_chat: bool
) -> TryView:
    """The page to talk to the model, its base beside it."""
    is_free = capabilities_of(model.ref.connection).is_free
    return TryView(
        id=model.id,
        project_id=model.project_id,
        name=model.name,
        full_name=model.ref.name,
        base_model=model.base_model,
        connection=model.ref.connection.name,
        is_practice=model.ref.connection.is_practice,
        job_id=model.job_id,
        job_name=model.lineage["job_name"],
        system_prompt=system_prompt,
        system_prompt_source=source,
        temperature=0.0,
        max_tokens=256,
        examples=tuple(examples),
        can_chat=can_chat,
        cost_note="Costs nothing."
        if is_free
        else f"{model.ref.connection.name} bills both answers.",
        stop=stop_of(model.ref.connection),
        topic=f"connection:{model.ref.connection_id}",
    )


def maker_of(model: TunedModel) -> str:
    """Who asked for the job that made the model."""
    if origin := model.lineage.get("rescued_from"):
        return f"someone at {origin}"
    return model.creator.name if model.creator else "someone who left"


@dataclass(frozen=True, slots=True)
class ModelResource:
    """A tuned model as the API gives it; `name` is the provider's own. Of a model that came home
    from a provider the job or its rows may be unknown.
    """

    id: int
    name: str
    job_id: int | None
    base_model: str
    connection_id: int
    dataset_version_id: int | None
    best_valid_loss: float | None
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class BaseModelResource:
    """A model that can be tuned: a job takes its `name`. Null is unknown; `read_at` is when the
    provider listed it, `shutdown_source` who names the date.
    """

    name: str
    shutdown_date: date | None
    shutdown_source: str | None
    methods: list[str]
    context_tokens: int | None
    row_token_cap: int | None
    training_price_per_million: float | None
    read_at: datetime


def resource(model: TunedModel) -> ModelResource:
    """The tuned model as the API gives it."""
    return ModelResource(
        id=model.id,
        name=model.ref.name,
        job_id=model.job_id,
        base_model=model.base_model,
        connection_id=model.ref.connection_id,
        dataset_version_id=model.dataset_version_id,
        best_valid_loss=model.best_valid_loss,
        created_at=model.created_at,
        archived_at=model.archived_at,
    )


def base_resource(
    model: BaseModel, price: TrainingPrice | None, said: Said | None
) -> BaseModelResource:
    """The base model as the API gives it, with its price and the day that is believed."""
    return BaseModelResource(
        name=model.name,
        shutdown_date=said.day if said else None,
        shutdown_source=said.words if said else None,
        methods=list(model.methods),
        context_tokens=model.context_tokens,
        row_token_cap=model.row_token_cap,
        training_price_per_million=price.per_million if price else None,
        read_at=model.read_at,
    )
