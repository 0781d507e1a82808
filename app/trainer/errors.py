"""Refusals in OpenAI's shape."""

from typing import Any


class Refusal(Exception):
    """Answered as `{"error": {message, type, param, code}}` with this HTTP status."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "error": {"message": message, "type": kind, "param": param, "code": code}
        }


def missing_model(name: str) -> Refusal:
    """OpenAI's words for a model that is not there."""
    message = f"The model '{name}' does not exist or you do not have access to it."
    return Refusal(message, status=404, param="model", code="model_not_found")
