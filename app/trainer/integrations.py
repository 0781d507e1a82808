"""Reads the integrations of a job: Weights & Biases' settings, which are kept and answered back."""

from typing import Any

from app.trainer.errors import Refusal
from app.trainer.requests import Body, invalid_type, object_in, text

MOST_INTEGRATIONS = 5


def noted_integrations(body: Body) -> list[dict[str, Any]]:
    """Each as OpenAI answers it. Raises Refusal naming the parameter."""
    given = body.get("integrations")
    if given is None:
        return []
    if not isinstance(given, list):
        raise invalid_type("integrations", "an array of objects", given)
    if len(given) > MOST_INTEGRATIONS:
        message = f"A job may have at most {MOST_INTEGRATIONS} integrations."
        raise Refusal(message, param="integrations")
    return [_integration(item, f"integrations[{place}]") for place, item in enumerate(given)]


def _integration(item: object, where: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise invalid_type(where, "an object", item)
    kind = text(item, "type", f"{where}.", required=True)
    if kind != "wandb":
        message = f"Unknown integration: '{kind}'. Supported: 'wandb'."
        raise Refusal(message, param=f"{where}.type")
    settings, inner = object_in(item, "wandb", f"{where}."), f"{where}.wandb."
    return {
        "type": "wandb",
        "wandb": {
            "project": text(settings, "project", inner, required=True),
            "name": text(settings, "name", inner),
            "entity": text(settings, "entity", inner),
            "tags": _tags(settings.get("tags"), f"{inner}tags"),
        },
    }


def _tags(value: object, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise invalid_type(where, "an array of strings", value)
    return value
