"""What the model pages show: the list, one tuned model with its lineage, and the page to talk to it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ModelRow:
    id: int
    name: str
    full_name: str
    base_model: str
    connection: str
    dataset: str
    dataset_number: int
    best_valid_loss: float | None
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class IndexView:
    project_id: int
    models: tuple[ModelRow, ...]


@dataclass(frozen=True, slots=True)
class LineageStep:
    """One station from rows to model: `kind` is data, job, model or plug (an icon), facts are short lines."""

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
    job_id: int
    job_name: str
    by: str
    created_at: datetime
    lineage: tuple[LineageStep, ...]
    snippets: tuple[Snippet, ...]
    key_note: str
    can_chat: bool


@dataclass(frozen=True, slots=True)
class TryView:
    """Talk to the tuned model and its base side by side. `system_prompt` is the training data's own;
    `examples` are a few user messages from the validation rows, to press instead of typing."""

    id: int
    project_id: int
    name: str
    full_name: str
    base_model: str
    connection: str
    is_practice: bool
    job_id: int
    job_name: str
    system_prompt: str
    system_prompt_source: str
    temperature: float
    max_tokens: int
    examples: tuple[str, ...]
    can_chat: bool
    cost_note: str
