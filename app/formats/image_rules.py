"""The rules of images in a row: where they come from, how many, how large, and of which kind."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from app.formats.base import Finding
from app.formats.words import error, quoted, unknown_key

MANY, MOST = 10, 64  # images of a row: OpenAI takes so many, and Azure
LARGEST = 10 * 2**20  # bytes of one image
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_COLOURS = {0: "grey", 2: "RGB", 3: "a palette", 4: "grey", 6: "RGBA"}
_JPEG_COLOURS = {1: "grey", 3: "RGB", 4: "CMYK"}
_TRAINABLE = {"RGB", "RGBA"}


def image(value: object, field: str) -> Iterator[Finding]:
    """What is wrong with the `image_url` of a part."""
    if not isinstance(value, dict) or not isinstance(value.get("url"), str):
        yield error(
            "image.url",
            field,
            "The image has no url.",
            'Write {"image_url": {"url": "https://…"}}.',
        )
        return
    for key in value:
        if key not in {"url", "detail"}:
            yield unknown_key(key, field, "an image")
    yield from _address(value["url"], f"{field}.url")
    if value.get("detail", "auto") not in ("low", "high", "auto"):
        yield error(
            "image.detail",
            f"{field}.detail",
            "detail is not low, high or auto.",
            "Write low, high or auto.",
        )


def count(messages: list[Any], field: str) -> Iterator[Finding]:
    """Whether a row shows more images than a provider takes."""
    images = sum(is_image(part) for message in messages for part in _parts(message))
    if images > MOST:
        yield Finding(
            "image.too_many",
            field,
            "warning",
            f"The row has {images} images; OpenAI takes {MANY} a row, Azure {MOST}.",
            "Split the row, or leave images out.",
        )
    elif images > MANY:
        yield Finding(
            "image.many",
            field,
            "warning",
            f"The row has {images} images; OpenAI takes {MANY} a row.",
            "Split the row, or leave images out.",
        )


def has_images(messages: object) -> bool:
    """Whether any of these messages shows an image."""
    return isinstance(messages, list) and any(
        is_image(part) for message in messages for part in _parts(message)
    )


def is_image(part: object) -> bool:
    """Whether a part of a message is an image."""
    return isinstance(part, dict) and part.get("type") == "image_url"


def _parts(message: object) -> list[Any]:
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, list) else []


def _address(url: str, field: str) -> Iterator[Finding]:
    if url.startswith(("http://", "https://")):
        return
    head, _, text = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        yield error(
            "image.url",
            field,
            f"{quoted(url.partition(':')[0])} is not an address an image can be trained from.",
            "Use an http(s) address, or a data URL with the image in base64.",
        )
        return
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        yield error(
            "image.base64",
            field,
            "The text of the data URL is not base64.",
            "Encode the image's bytes as base64, without line breaks.",
        )
        return
    yield from _data(data, field)


def _data(data: bytes, field: str) -> Iterator[Finding]:
    if len(data) > LARGEST:
        yield Finding(
            "image.size",
            field,
            "warning",
            f"The image has {len(data) / 2**20:.1f} MB; OpenAI and Azure take 10 MB.",
            "Make the image smaller.",
        )
    colours = _colours(data)
    if colours is None:
        yield Finding(
            "image.kind",
            field,
            "warning",
            "The image is not a JPEG, PNG or WEBP; OpenAI trains on no other kind.",
            "Convert the image.",
        )
    elif colours not in _TRAINABLE:
        yield Finding(
            "image.colours",
            field,
            "warning",
            f"The image's colours are {colours}; OpenAI trains on RGB and RGBA.",
            "Convert the image to RGB.",
        )


def _colours(data: bytes) -> str | None:
    """How the image's colours are kept; None where it is none of the three kinds."""
    if data.startswith(_PNG):
        return _PNG_COLOURS.get(data[25]) if len(data) > 25 else None  # noqa: PLR2004 - IHDR's
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_colours(data)
    return "RGB" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _jpeg_colours(data: bytes) -> str | None:
    """By the number of components in the frame's header, which stands behind other segments."""
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - a marker begins so
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004
            return _JPEG_COLOURS.get(data[at + 9])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
