"""Refusals in OpenAI's shape."""

import errno
from collections.abc import Mapping
from typing import Any

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Refusal(Exception):
    """Answered as `{"error": {message, type, param, code}}` with this HTTP status and headers."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.body: dict[str, Any] = {
            "error": {"message": message, "type": kind, "param": param, "code": code}
        }


def missing_model(name: str) -> Refusal:
    """OpenAI's words for a model that is not there."""
    message = f"The model '{name}' does not exist or you do not have access to it."
    return Refusal(message, status=404, param="model", code="model_not_found")


def storage_failed(error: OSError) -> Refusal:
    """What the disk says, and what helps. The SDK is told not to send a file three times for it."""
    if error.errno in FULL:
        return Refusal(
            "The trainer's disk is full; nothing of this request was kept."
            " Delete files and models you no longer need, or give it more room.",
            status=507,
            code="insufficient_storage",
            kind="server_error",
            headers={"x-should-retry": "false"},
        )
    message = f"The trainer's storage failed: {error.strerror or error}"
    return Refusal(message, status=503, code="storage_failed", kind="server_error")


def surprise() -> Refusal:
    """A bug of ours."""
    message = "The trainer had an error; its log says more."
    return Refusal(message, status=500, kind="server_error")
