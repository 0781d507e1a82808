"""Single parameters of a request, checked and refused in OpenAI's words."""

from collections.abc import Collection

from app.trainer.errors import Refusal
from app.trainer.requests import Body, invalid_type, is_number, is_whole


def whole_number(body: Body, name: str, *, least: int, most: int) -> int | None:
    """An integer within its range; None where none was given."""
    value = body.get(name)
    if value is None:
        return None
    if not is_whole(value):
        raise invalid_type(name, "an integer", value)
    _refuse_outside(name, value, "integer", least, most)
    return value


def decimal(body: Body, name: str, default: float, *, least: float, most: float) -> float:
    """A number within its range."""
    value = body.get(name)
    if value is None:
        return default
    if not is_number(value):
        raise invalid_type(name, "a decimal", value)
    _refuse_outside(name, value, "decimal", least, most)
    return value


def _refuse_outside(name: str, value: float, kind: str, least: float, most: float) -> None:
    if value < least:
        message = f"{kind} below minimum value. Expected a value >= {least}, but got {value}"
        code = f"{kind}_below_min_value"
    elif value > most:
        message = f"{kind} above maximum value. Expected a value <= {most}, but got {value}"
        code = f"{kind}_above_max_value"
    else:
        return
    raise Refusal(f"Invalid '{name}': {message} instead.", param=name, code=code)


def flag(body: Body, name: str) -> bool:
    """True or false; false where nothing was given."""
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid_type(name, "a boolean", value)


def one_of(value: object, known: Collection[str], param: str) -> str:
    """One of these words."""
    if not isinstance(value, str):
        raise invalid_type(param, "a string", value)
    if value not in known:
        *others, last = (f"'{word}'" for word in known)
        supported = f"{', '.join(others)}, and {last}" if others else last
        message = f"Invalid value: '{value}'. Supported values are: {supported}."
        raise Refusal(message, param=param, code="invalid_value")
    return value


def unsupported(name: str, reason: str) -> Refusal:
    """OpenAI's words for a parameter that a model does not have, and why."""
    message = f"Unsupported parameter: '{name}' is not supported with this model. {reason}"
    return Refusal(message, param=name, code="unsupported_parameter")


def refuse_unknown(body: Body, known: Collection[str]) -> None:
    """Raises Refusal for the first parameter that is none of these."""
    for name in body:
        if name not in known:
            raise Refusal(f"Unrecognized request argument supplied: {name}", param=name)
