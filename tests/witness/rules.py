"""What OpenAI's specification asks of a fine-tuning job, and how it refuses."""

from typing import Any

from tests.witness.script import refusal

METHODS = ("supervised", "dpo", "reinforcement")
RANGES: dict[str, tuple[type, float, float]] = {
    "n_epochs": (int, 1, 50),
    "batch_size": (int, 1, 256),
    "learning_rate_multiplier": (float, 0.0, float("inf")),
    "beta": (float, 0.0, 2.0),
}


class Refusal(Exception):
    """A 4xx in the making."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.body = refusal(message, code, param)
        self.headers = headers or {}


def check_run(body: Any, files: set[str], models: set[str]) -> None:
    """Raise Refusal where the specification would not have it."""
    if not isinstance(body, dict):
        raise Refusal(400, "The body must be a JSON object.")
    if body.get("model") not in models:
        raise Refusal(
            404,
            f"The model `{body.get('model')}` does not exist.",
            code="model_not_found",
            param="model",
        )
    for name in ("training_file", "validation_file"):
        given = body.get(name)
        if given is None and name == "validation_file":
            continue
        if given not in files:
            raise Refusal(
                400, f"{name} {given!r} does not exist.", code="invalid_training_file", param=name
            )
    _check_small_print(body)
    _check_method(body.get("method") or {"type": "supervised"})


def _check_small_print(body: dict[str, Any]) -> None:
    suffix, seed, metadata = body.get("suffix"), body.get("seed"), body.get("metadata")
    if suffix is not None and not (isinstance(suffix, str) and 1 <= len(suffix) <= 64):
        raise Refusal(400, "suffix must have 1 to 64 characters.", param="suffix")
    if seed is not None and not (type(seed) is int and 0 <= seed <= 2147483647):
        raise Refusal(400, "seed must be an integer of 0 to 2147483647.", param="seed")
    if metadata is not None:
        fits = isinstance(metadata, dict) and len(metadata) <= 16
        if not fits or not all(
            isinstance(v, str) and len(k) <= 64 and len(v) <= 512 for k, v in metadata.items()
        ):
            raise Refusal(
                400, "metadata may have 16 pairs of 64 and 512 characters.", param="metadata"
            )


def _check_method(method: Any) -> None:
    kind = method.get("type") if isinstance(method, dict) else None
    if kind not in METHODS:
        raise Refusal(400, "method.type is not known.", param="method.type")
    chosen = (method.get(kind) or {}).get("hyperparameters") or {}
    for name, value in chosen.items():
        if name not in RANGES:
            raise Refusal(400, f"Unknown hyperparameter {name}.", param=name)
        wanted, least, most = RANGES[name]
        if value == "auto":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, wanted)):
            raise Refusal(400, f"{name} must be a number.", param=name)
        if not least <= value <= most or (wanted is float and value == least):
            raise Refusal(400, f"{name} is out of range.", param=name)
