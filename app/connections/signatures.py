"""Whether a delivery is what it claims to be: Standard Webhooks, held to the letter.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

The SDK's own verifier takes an empty secret, a signature without its version and digits of other
scripts, answers with a wrong class to an event it does not know, and raises four kinds of error:
what is accepted here it accepts too, and much that it accepts is refused here.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from app.core.pages import duration

PREFIX = "whsec_"
LEAST_SECRET_BYTES = 24
TOLERANCE = timedelta(seconds=300)
MOST_SIGNATURES = 16
NAMES = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")

_VERSION = b"v1,"
_ID = re.compile(rb"[!-~]{1,255}")
_TIMESTAMP = re.compile(rb"[0-9]{1,11}")
_TYPE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*", re.ASCII)
LONGEST_TYPE, LONGEST_RUN_ID = 100, 255
# A run's id goes into paths and pages: letters, digits, and what joins them.
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*", re.ASCII)

NOT_SIGNED = "It had no signature of a webhook."
WRONG_SIGNATURE = "Its signature does not fit the secret kept here."
NO_EVENT = "It was signed, and held no event."


class NotGenuine(Exception):
    """Not to be believed. The words are for the owner of the connection, never for the sender."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a provider says: `run_id` is None where it names none that could be one. Nothing of it
    is taken for true but that there may be news.
    """

    webhook_id: str
    sent_at: datetime
    type: str
    run_id: str | None


def decoded(secret: str) -> bytes:
    """The bytes of a `whsec_…` secret. Raises ValueError where it is none, or too short to be safe:
    with an empty one anybody could sign.
    """
    if not secret.startswith(PREFIX):
        raise ValueError(f"A signing secret begins with {PREFIX}; copy it again.")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("This is not a whole signing secret; copy it again.") from None
    if len(key) < LEAST_SECRET_BYTES:
        raise ValueError(f"A signing secret has {LEAST_SECRET_BYTES} bytes or more; copy it again.")
    return key


def genuine(
    headers: Iterable[tuple[bytes, bytes]], body: bytes, secrets: Sequence[str], moment: datetime
) -> Event:
    """The event of a delivery that one of these secrets signed within five minutes of now. The
    signature is looked at first. Raises NotGenuine.
    """
    webhook_id, timestamp, signature = _signed_with(headers)
    signed = b".".join((webhook_id, timestamp, body))
    keys = [decoded(secret) for secret in secrets]
    expected = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys]
    # Every pair, so that the time taken tells nothing.
    fits = [hmac.compare_digest(one, other) for one in expected for other in _signatures(signature)]
    if not any(fits):
        raise NotGenuine(WRONG_SIGNATURE)
    sent_at = datetime.fromtimestamp(int(timestamp), UTC)
    if abs(moment - sent_at) > TOLERANCE:
        raise NotGenuine(_out_of_time(sent_at, moment))
    kind, run_id = _read(body)
    return Event(webhook_id.decode("ascii"), sent_at, kind, run_id)


def _signed_with(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes, bytes]:
    """Id, timestamp and signatures, each sent once and well formed."""
    sent = [(name.lower(), value) for name, value in headers]
    found = {wanted: [value for name, value in sent if name == wanted] for wanted in NAMES}
    if any(len(values) != 1 for values in found.values()):
        raise NotGenuine(NOT_SIGNED)
    webhook_id, timestamp, signature = (found[name][0] for name in NAMES)
    if not (_ID.fullmatch(webhook_id) and _TIMESTAMP.fullmatch(timestamp)):
        raise NotGenuine(NOT_SIGNED)
    return webhook_id, timestamp, signature


def _signatures(header: bytes) -> list[bytes]:
    """The signatures of the one version we know; others may stand beside them."""
    given = header.split(b" ")
    if len(given) > MOST_SIGNATURES:
        raise NotGenuine(NOT_SIGNED)
    return [one.removeprefix(_VERSION) for one in given if one.startswith(_VERSION)]


def _out_of_time(sent_at: datetime, moment: datetime) -> str:
    seconds = (moment - sent_at).total_seconds()
    side = "ago" if seconds > 0 else "ahead"
    return (
        f"It was signed {duration(abs(seconds))} {side} by this instance's clock; 5 min are the "
        "most. An old one was sent again, or one of the two clocks is wrong."
    )


def _read(body: bytes) -> tuple[str, str | None]:
    """Type and run id. Raises NotGenuine for what is no event."""
    try:
        event = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotGenuine(NO_EVENT) from None
    kind = event.get("type") if isinstance(event, dict) else None
    if not isinstance(kind, str) or len(kind) > LONGEST_TYPE or not _TYPE.fullmatch(kind):
        raise NotGenuine(NO_EVENT)
    return kind, _run_id(event.get("data"))


def _run_id(data: Any) -> str | None:
    run_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(run_id, str) or len(run_id) > LONGEST_RUN_ID or ".." in run_id:
        return None
    return run_id if _RUN_ID.fullmatch(run_id) else None


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and infinity are not JSON")
