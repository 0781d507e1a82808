"""Reads the order for a run: which model learns which files, by which method."""

import random
import time

from app.trainer.engines.registry import BASE_MODELS, ENGINES
from app.trainer.errors import Refusal
from app.trainer.files import Files, random_name
from app.trainer.folder import Spec
from app.trainer.method import asked_method
from app.trainer.requests import Body, invalid_type, is_whole, metadata, text
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


def new_job(body: Body, *, runs: Runs, files: Files) -> Spec:
    """The run that is asked for. Raises Refusal naming the parameter."""
    for name in body:
        if name not in JOB_FIELDS:
            raise Refusal(f"Unrecognized request argument supplied: {name}", param=name)
    model = own_name(text(body, "model", required=True))
    engine, base = _engine_of(model, runs)
    training = _known_file(body, "training_file", files, required=True)
    validation = _known_file(body, "validation_file", files)
    if body.get("integrations"):
        raise Refusal("This trainer has no integrations; send none.", param="integrations")
    suffix = text(body, "suffix")
    if suffix is not None and not 1 <= len(suffix) <= SUFFIX_LIMIT:
        raise Refusal(f"'suffix' must have 1 to {SUFFIX_LIMIT} characters.", param="suffix")
    method = asked_method(body, ENGINES[engine].methods)
    name = random_name(24)
    while runs.has_name(tuned_name(base, suffix, name)):
        name = random_name(24)
    return Spec(
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
        metadata=metadata(body.get("metadata")),
        tuned_model=tuned_name(base, suffix, name),
    )


def tuned_name(base: str, suffix: str | None, name: str) -> str:
    """`ft:<base>:<organisation>:<suffix or empty>:<8 characters>`.

    What has no place in a name becomes a hyphen.
    """
    plain = "".join(
        letter if letter.isascii() and letter.isalnum() else "-"
        for letter in (suffix or "").lower()
    )
    return f"ft:{base}:{ORGANISATION}:{plain}:{name[:8]}"


def _engine_of(model: str, runs: Runs) -> tuple[str, str]:
    if model in BASE_MODELS:
        return BASE_MODELS[model], model
    tuned = runs.model(model)
    if tuned is None:
        known = ", ".join(BASE_MODELS)
        message = (
            f"The model '{model}' is not available for fine-tuning. Available: {known}. Who runs"
            f" this trainer can let one of them stand in for another name: {VARIABLE}."
        )
        raise Refusal(message, param="model", code="model_not_available")
    return tuned.run.spec.engine, tuned.run.spec.tuned_model.split(":")[1]


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
