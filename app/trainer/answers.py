"""JSON responses, written by msgspec."""

from typing import Any

import msgspec
from starlette.responses import Response

from app.trainer.errors import Refusal


class JsonResponse(Response):
    """A JSON body."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode."""
        return msgspec.json.encode(content)


def refused(refusal: Refusal) -> Response:
    """A refusal as an answer."""
    return JsonResponse(refusal.body, refusal.status, refusal.headers)
