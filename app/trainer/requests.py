"""Reads what people ask for, refusing in OpenAI's words, with the parameter named."""

import math
import random
import time
from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec

from app.trainer.engines.registry import BASE_MODELS, ENGINES
from app.trainer.errors import Refusal
from app.trainer.files import Files, random_name
from app.trainer.folder import Spec
from app.trainer.runs import Runs
from app.trainer.wire import ORGANISATION

Body = dict[str, Any]
SUFFIX_LIMIT = 64
SEED_LIMIT = 2**31 - 1
PAIRS_LIMIT, KEY_LIMIT, VALUE_LIMIT = 16, 64, 512
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
WHOLE_RANGES = {"n_epochs": (1, 50), "batch_size": (1, 256)}
SUPERVISED = ("n_epochs", "batch_size", "learning_rate_multiplier")


def json_object(raw: bytes) -> Body:
    """The body as a JSON object."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(f"We could not parse the JSON body of your request: {error}") from error
    if not isinstance(value, dict):
        raise Refusal("The body of the request must be a JSON object.")
    return value


def new_job(body: Body, *, runs: Runs, files: Files) -> Spec:
    """The run that is asked for. Raises Refusal naming the parameter."""
    for name in body:
        if name not in JOB_FIELDS:
            raise Refusal(f"Unrecognized request argument supplied: {name}", param=name)
    model = _text(body, "model", required=True)
    engine, base = _engine_of(model, runs)
    training = _known_file(body, "training_file", files, required=True)
    validation = _known_file(body, "validation_file", files)
    if body.get("integrations"):
        raise Refusal("This trainer has no integrations; send none.", param="integrations")
    suffix = _text(body, "suffix")
    if suffix is not None and not 1 <= len(suffix) <= SUFFIX_LIMIT:
        raise Refusal(f"'suffix' must have 1 to {SUFFIX_LIMIT} characters.", param="suffix")
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
        method="supervised",
        asked=_hyperparameters(body, ENGINES[engine].methods),
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
        message = f"The model '{model}' is not available for fine-tuning. Available: {known}."
        raise Refusal(message, param="model", code="model_not_available")
    return tuned.run.spec.engine, tuned.run.spec.tuned_model.split(":")[1]


def _known_file(body: Body, name: str, files: Files, *, required: bool = False) -> str:
    file_id: str | None = _text(body, name, required=required)
    if file_id is None:
        return ""
    found = files.get(file_id)
    if found is None:
        raise Refusal(f"File '{file_id}' does not exist.", param=name, code="file_not_found")
    if found[0].purpose != "fine-tune":
        message = f"File '{file_id}' has purpose '{found[0].purpose}', but it must be 'fine-tune'."
        raise Refusal(message, param=name, code="invalid_file_purpose")
    return file_id


def _text(body: Body, name: str, *, required: bool = False) -> Any:
    value = body.get(name)
    if value is None and not required:
        return None
    if value is None:
        raise Refusal(
            f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
        )
    if not isinstance(value, str):
        raise invalid_type(name, "a string", value)
    return value


def _seed(body: Body) -> int:
    seed = body.get("seed")
    if seed is None:
        return random.randrange(SEED_LIMIT)  # noqa: S311 - it is told to everyone
    if not _is_whole(seed):
        raise invalid_type("seed", "an integer", seed)
    if not 0 <= seed <= SEED_LIMIT:
        raise Refusal(f"'seed' must lie between 0 and {SEED_LIMIT}.", param="seed")
    return int(seed)


def metadata(value: object) -> dict[str, str] | None:
    """Up to 16 pairs of texts, keys up to 64 and values up to 512 characters."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid_type("metadata", "an object", value)
    if len(value) > PAIRS_LIMIT:
        raise Refusal(f"'metadata' may have at most {PAIRS_LIMIT} pairs.", param="metadata")
    for key, text in value.items():
        if not isinstance(text, str):
            raise invalid_type(f"metadata.{key}", "a string", text)
        if len(key) > KEY_LIMIT or len(text) > VALUE_LIMIT:
            limits = f"keys {KEY_LIMIT}, values {VALUE_LIMIT}"
            message = f"'metadata' is too long; characters allowed: {limits}."
            raise Refusal(message, param="metadata")
    return value


def _hyperparameters(body: Body, methods: tuple[str, ...]) -> dict[str, int | float | str]:
    """Every number of the method, "auto" where none is given, from its new place or the old."""
    where = "hyperparameters"
    given = _object(body, where)
    method = _object(body, "method")
    if body.get("method") is not None:
        kind = _method_type(method.get("type"), methods)
        inner = _object(method, kind, "method.")
        if inner.get("hyperparameters") is not None:
            where = f"method.{kind}.hyperparameters"
            given = _object(inner, "hyperparameters", f"method.{kind}.")
    for name in given:
        if name not in SUPERVISED:
            raise Refusal(f"Unknown hyperparameter: '{name}'.", param=f"{where}.{name}")
    return {name: _hyperparameter(name, given.get(name), f"{where}.{name}") for name in SUPERVISED}


def _object(body: Body, name: str, above: str = "") -> Body:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid_type(f"{above}{name}", "an object", value)
    return value


def _method_type(kind: object, methods: tuple[str, ...]) -> str:
    if kind in ("dpo", "reinforcement") and kind not in methods:
        message = f"Fine-tuning by '{kind}' comes later; this trainer does 'supervised' today."
        raise Refusal(message, param="method", code="unsupported_method")
    if not isinstance(kind, str) or kind not in methods:
        message = f"Invalid method type: {kind!r}. Supported: 'supervised'."
        raise Refusal(message, param="method.type")
    return kind


def _hyperparameter(name: str, value: object, where: str) -> int | float | str:
    if value is None or value == "auto":
        return "auto"
    if name in WHOLE_RANGES:
        least, most = WHOLE_RANGES[name]
        if not _is_number(value) or value % 1:
            raise invalid_type(where, "'auto' or an integer", value)
        if not least <= value <= most:
            raise Refusal(
                f"'{where}' must lie between {least} and {most}, but is {value}.", param=where
            )
        return int(value)
    if not _is_number(value):
        raise invalid_type(where, "'auto' or a number", value)
    if value <= 0:
        raise Refusal(f"'{where}' must be greater than 0, but is {value}.", param=where)
    return float(value)


def invalid_type(name: str, wanted: str, value: object) -> Refusal:
    """OpenAI's words for a value of the wrong kind."""
    message = (
        f"Invalid type for '{name}': expected {wanted}, but got {type(value).__name__} instead."
    )
    return Refusal(message, param=name, code="invalid_type")


def whole(query: Mapping[str, str], name: str, *, default: int, least: int = 1, most: int) -> int:
    """A whole number from the query, within its range."""
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text[:12]) <= most:
        raise Refusal(f"'{name}' must be an integer between {least} and {most}.", param=name)
    return int(text)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
