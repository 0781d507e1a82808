"""How messages to a receiver are signed, in the Standard Webhooks form."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

# How long a receiver may still know the old secret after a rotation.
GRACE_SECONDS = 86_400
# A number of bytes whose base64 needs no padding; Standard Webhooks asks for 24 to 64.
_SECRET_BYTES = 33


def new_secret() -> str:
    """`whsec_<base64>`."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def signed_headers(
    message_id: str, body: bytes, known_secrets: Sequence[str], now: float, *, sender: str
) -> dict[str, str]:
    """The headers of one attempt: HMAC-SHA256 of `id.timestamp.body`, once by every secret that the
    receiver may know. `now` is in Unix seconds.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    stamp = str(int(now))
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    return {
        "content-type": "application/json",
        "user-agent": sender,
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in known_secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
