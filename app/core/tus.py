"""The words of tus 1.0 (https://tus.io/protocols/resumable-upload), by which clients of many
languages upload and go on after a break: headers in, headers out.
"""

import base64
import binascii
import hashlib
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated

from fastapi import Header

from app.core.errors import ProductError, WrongInput
from app.settings import settings

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
ALGORITHMS = ("sha1", "sha256", "md5")
CONTENT = "application/offset+octet-stream"
MOST_BYTES = 2**53


class OtherVersion(ProductError):
    """A version of the protocol that is not spoken here."""

    status = 412


class OtherContent(ProductError):
    """A body that says it is something else."""

    status = 415


class ChecksumMismatch(ProductError):
    """The bytes of a request are not those that were sent; none of them was kept."""

    status = 460


class Checksum:
    """What `Upload-Checksum` says of the body of one request. Raises ProductError for an algorithm
    that is not known here.
    """

    def __init__(self, header: str) -> None:
        algorithm, _, text = header.strip().partition(" ")
        if algorithm not in ALGORITHMS:
            raise ProductError(f"Upload-Checksum takes one of {', '.join(ALGORITHMS)}.")
        try:
            self._wanted = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ProductError("Upload-Checksum is an algorithm and a hash in base64.") from error
        self._found = hashlib.new(algorithm, usedforsecurity=False)
        self.update = self._found.update

    @property
    def is_right(self) -> bool:
        """Whether what was given to `update` has the declared hash."""
        return self._found.digest() == self._wanted

    @property
    def mismatch(self) -> ChecksumMismatch:
        """What to raise when it is not."""
        return ChecksumMismatch(
            "These bytes are not those that were sent (the checksum differs); none of them was "
            "kept. Send them again."
        )


def spoken(tus_resumable: Annotated[str, Header()] = VERSION) -> None:
    """Refuse another version of the protocol; who names none means this one."""
    if tus_resumable != VERSION:
        raise OtherVersion(
            f"tus {VERSION} is spoken here, not {tus_resumable!r}.",
            headers={"Tus-Version": VERSION},
        )


def abilities() -> dict[str, str]:
    """The headers of the answer to OPTIONS."""
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        "Tus-Max-Size": str(settings().upload_limit),
    }


def standing(offset: int, size: int, expires_at: datetime) -> dict[str, str]:
    """The headers that say how far an upload is, and until when it may go on."""
    return {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(offset),
        "Upload-Length": str(size),
        "Upload-Expires": format_datetime(expires_at, usegmt=True),
    }


def metadata(header: str) -> dict[str, str]:
    """What `Upload-Metadata` says: names, each with a value in base64. Raises WrongInput."""
    found = {}
    for pair in filter(str.strip, header.split(",")):
        name, _, text = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(text.strip(), validate=True).decode()
        except ValueError as error:  # neither base64 nor UTF-8
            raise WrongInput.field(
                "upload-metadata", f"The value of {name!r} is not text in base64."
            ) from error
    return found
