"""The method a job asks for: its hyperparameters as OpenAI names them, and its grader."""

from dataclasses import dataclass
from typing import Any

from app.trainer.errors import Refusal
from app.trainer.grading import runnable_grader
from app.trainer.requests import Body, invalid_type, is_number, missing, object_in

Number = int | float | str

SUPERVISED = ("n_epochs", "batch_size", "learning_rate_multiplier")
NAMES = {
    "supervised": SUPERVISED,
    "dpo": (*SUPERVISED, "beta"),
    "reinforcement": (
        *SUPERVISED,
        "reasoning_effort",
        "compute_multiplier",
        "eval_interval",
        "eval_samples",
    ),
}
# From OpenAI's specification: whole numbers by their least and most, others by what they must be
# above and at most.
WHOLE_RANGES = {
    "n_epochs": (1, 50),
    "batch_size": (1, 256),
    "eval_interval": (1, 2**31 - 1),
    "eval_samples": (1, 2**31 - 1),
}
RANGES: dict[str, tuple[float, float | None]] = {
    "learning_rate_multiplier": (0, None),
    "beta": (0, 2),
    "compute_multiplier": (0.00001, 10),
}
EFFORTS = ("default", "low", "medium", "high")


@dataclass(frozen=True)
class AskedMethod:
    """`asked` holds every hyperparameter of the method, "auto" where none was given."""

    type: str
    asked: dict[str, Number]
    grader: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None


def asked_method(body: Body, supported: tuple[str, ...]) -> AskedMethod:
    """From its new place, `method`, or the old one, `hyperparameters`. Raises Refusal."""
    method = object_in(body, "method")
    kind = _type(method, supported) if body.get("method") is not None else "supervised"
    inner = object_in(method, kind, "method.")
    where = f"method.{kind}.hyperparameters"
    if inner.get("hyperparameters") is not None:
        given = object_in(inner, "hyperparameters", f"method.{kind}.")
    else:
        given, where = object_in(body, "hyperparameters"), "hyperparameters"
    for name in given:
        if name not in NAMES[kind]:
            raise Refusal(f"Unknown hyperparameter: '{name}'.", param=f"{where}.{name}")
    asked = {
        name: _hyperparameter(name, given.get(name), f"{where}.{name}") for name in NAMES[kind]
    }
    if kind != "reinforcement":
        return AskedMethod(kind, asked)
    above = "method.reinforcement."
    response_format = object_in(inner, "response_format", above) or None
    return AskedMethod(kind, asked, _grader(inner, above), response_format)


def _type(method: Body, supported: tuple[str, ...]) -> str:
    kind = method.get("type")
    if not isinstance(kind, str) or kind not in NAMES:
        known = ", ".join(f"'{name}'" for name in NAMES)
        raise Refusal(f"Invalid method type: {kind!r}. Supported: {known}.", param="method.type")
    if kind not in supported:
        can = ", ".join(f"'{name}'" for name in supported)
        message = f"This model cannot be tuned by '{kind}', only by: {can}."
        raise Refusal(message, param="method", code="unsupported_method")
    return kind


def _grader(inner: Body, above: str) -> dict[str, Any]:
    """A grader that can be read and can grade here, as the JSON that was given."""
    where = f"{above}grader"
    given = object_in(inner, "grader", above)
    if not given:
        raise missing(where)
    runnable_grader(given, where)
    return given


def _hyperparameter(name: str, value: object, where: str) -> Number:
    if name == "reasoning_effort":
        return _effort(value, where)
    if value is None or value == "auto":
        return "auto"
    if name in WHOLE_RANGES:
        return _whole(value, where, *WHOLE_RANGES[name])
    return _number(value, where, *RANGES[name])


def _effort(value: object, where: str) -> str:
    if value is None:
        return EFFORTS[0]
    if not isinstance(value, str) or value not in EFFORTS:
        known = ", ".join(f"'{name}'" for name in EFFORTS)
        raise Refusal(f"'{where}' must be one of {known}, but is {value!r}.", param=where)
    return value


def _whole(value: object, where: str, least: int, most: int) -> int:
    if not is_number(value) or value % 1:
        raise invalid_type(where, "'auto' or an integer", value)
    if not least <= value <= most:
        message = f"'{where}' must lie between {least} and {most}, but is {value}."
        raise Refusal(message, param=where)
    return int(value)


def _number(value: object, where: str, above: float, most: float | None) -> float:
    if not is_number(value):
        raise invalid_type(where, "'auto' or a number", value)
    if value <= above or (most is not None and value > most):
        limit = "" if most is None else f" and at most {most}"
        message = f"'{where}' must be greater than {above:g}{limit}, but is {value}."
        raise Refusal(message, param=where)
    return float(value)
