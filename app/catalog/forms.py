"""What people and scripts send to talk to a model."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from app.core.forms import Form

MOST_MESSAGES = 500


class ChatForm(Form):
    """A conversation so far, in OpenAI's shape, and how to answer it."""

    messages: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_MESSAGES)]
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    seed: int | None = None
    stream: bool = False

    @field_validator("messages")
    @classmethod
    def _roles(cls, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not all(isinstance(message.get("role"), str) for message in messages):
            raise ValueError("Every message needs a role: system, user or assistant.")
        return messages
