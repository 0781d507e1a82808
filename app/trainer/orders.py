"""Reads the order for a run: which model learns which files, by which method."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

from app.trainer.engines.registry import BASE_MODELS, ENGINES
from app.trainer.errors import Refusal
from app.trainer.files import Files, random_name
from app.trainer.folder import Spec
from app.trainer.integrations import noted_integrations
from app.trainer.method import asked_method
from app.trainer.requests import Body, invalid_type, is_whole, metadata, missing, text
from app.trainer.runs import Runs
from app.trainer.stand_ins import VARIABLE, own_name
from app.trainer.wire import ORGANISATION

SUFFIX_LIMIT = 64
SEED_LIMIT = 2**31 - 1
JOB_FIELDS = frozenset(
    {
        "model",
        "training_file",
        "validation_file",
        "suffix",
        "seed",
        "metadata",
        "method",
        "hyperparameters",
        "integrations",
    }
)


@dataclass(frozen=True)
class Order:
    """A run that is asked for; `start` holds the weights it goes on from, None for a base model."""

    spec: Spec
    start: Path | None


def new_order(body: Body, *, runs: Runs, files: Files) -> Order:
    """Read the order. Raises Refusal naming the parameter."""
    for name in body:
        if name not in JOB_FIELDS:
            raise Refusal(f"Unrecognized request argument supplied: {name}", param=name)
    model = own_name(text(body, "model", required=True))
    engine, base, start = _origin(model, runs)
    training = _known_file(body, "training_file", files, required=True)
    validation = _known_file(body, "validation_file", files)
    suffix = text(body, "suffix")
    if suffix is not None and not 1 <= len(suffix) <= SUFFIX_LIMIT:
        raise Refusal(f"'suffix' must have 1 to {SUFFIX_LIMIT} characters.", param="suffix")
    method = asked_method(body, ENGINES[engine].methods)
    if method.type == "reinforcement" and not validation:
        raise missing("validation_file")
    name = random_name(24)
    while runs.has_name(tuned_name(base, suffix, name)):
        name = random_name(24)
    spec = Spec(
        id=f"ftjob-{name}",
        created_at=time.time(),
        engine=engine,
        model=model,
        training_file=training,
        validation_file=validation or None,
        suffix=suffix,
        seed=_seed(body),
        method=method.type,
        asked=method.asked,
        grader=method.grader,
        response_format=method.response_format,
        integrations=noted_integrations(body),
        metadata=metadata(body.get("metadata")),
        tuned_model=tuned_name(base, suffix, name),
    )
    return Order(spec, start)


def tuned_name(base: str, suffix: str | None, name: str) -> str:
    """`ft:<base>:<organisation>:<suffix or empty>:<8 characters>`.

    What has no place in a name becomes a hyphen.
    """
    plain = "".join(
        letter if letter.isascii() and letter.isalnum() else "-"
        for letter in (suffix or "").lower()
    )
    return f"ft:{base}:{ORGANISATION}:{plain}:{name[:8]}"


def _origin(model: str, runs: Runs) -> tuple[str, str, Path | None]:
    """Which engine trains it, from which base model, going on from which weights."""
    if model in BASE_MODELS:
        return BASE_MODELS[model], model, None
    tuned = runs.model(model)
    if tuned is None:
        raise unavailable(model)
    return tuned.run.spec.engine, tuned.run.spec.tuned_model.split(":")[1], tuned.path


def unavailable(model: str) -> Refusal:
    """OpenAI's words for a model that cannot be tuned, and those that can."""
    known = ", ".join(BASE_MODELS)
    message = (
        f"Model {model} is not available for fine-tuning or does not exist. Available: {known}."
        f" Who runs this trainer can let one of them stand in for another name: {VARIABLE}."
    )
    return Refusal(message, param="model", code="model_not_available")


def _known_file(body: Body, name: str, files: Files, *, required: bool = False) -> str:
    file_id: str | None = text(body, name, required=required)
    if file_id is None:
        return ""
    found = files.get(file_id)
    if found is None:
        raise Refusal(f"File '{file_id}' does not exist.", param=name, code="file_not_found")
    if found[0].purpose != "fine-tune":
        message = f"File '{file_id}' has purpose '{found[0].purpose}', but it must be 'fine-tune'."
        raise Refusal(message, param=name, code="invalid_file_purpose")
    return file_id


def _seed(body: Body) -> int:
    seed = body.get("seed")
    if seed is None:
        return random.randrange(SEED_LIMIT)  # noqa: S311 - it is told to everyone
    if not is_whole(seed):
        raise invalid_type("seed", "an integer", seed)
    if not 0 <= seed <= SEED_LIMIT:
        raise Refusal(f"'seed' must lie between 0 and {SEED_LIMIT}.", param="seed")
    return int(seed)
