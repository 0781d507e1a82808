"""Each rule of images, on the bytes of images of each kind."""

import base64

import pytest

from app.formats import chat, image_rules
from tests.formats.rows import ANSWER, make_row

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16) + b"\x08%c" + bytes(20)
# A header of JFIF stands before the frame's, whose last byte here is the number of components.
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
    + bytes(9)
    + b"\xff\xc0\x00\x11\x08\x00\x01\x00\x01%c"
    + bytes(9)
)
WEBP = b"RIFF" + bytes(4) + b"WEBP" + bytes(20)


def shown(data: bytes, kind: str = "png") -> dict:
    return by(f"data:image/{kind};base64,{base64.b64encode(data).decode()}")


def by(url: str, **more: str) -> dict:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def found(*parts: dict) -> list[tuple[str, str | None]]:
    row = make_row({"role": "user", "content": list(parts)}, ANSWER)
    return [(one.rule, one.field) for one in chat.findings(chat.from_value(row))]


@pytest.mark.parametrize(
    "part",
    [
        by("https://example.com/a.png", detail="high"),
        shown(PNG % 2),
        shown(PNG % 6),
        shown(JPEG % 3, "jpeg"),
        shown(WEBP, "webp"),
    ],
)
def test_an_image_of_a_kind_that_is_trained_on_has_no_finding(part):
    assert found(part) == []


URL = "messages[0].content[0].image_url.url"


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        (shown(PNG % 0), "image.colours"),
        (shown(PNG % 3), "image.colours"),
        (shown(JPEG % 1, "jpeg"), "image.colours"),
        (shown(JPEG % 4, "jpeg"), "image.colours"),
        (shown(b"GIF89a" + bytes(30), "gif"), "image.kind"),
        (shown(PNG[:20]), "image.kind"),
        (shown(JPEG[:25], "jpeg"), "image.kind"),
        (by("data:image/png;base64,%%%"), "image.base64"),
        (by("data:image/svg+xml,<svg/>"), "image.url"),
        (by("ftp://example.com/a.png"), "image.url"),
    ],
)
def test_any_other_is_named_by_what_is_wrong_with_it(part, rule):
    assert found(part) == [(rule, URL)]


def test_an_image_larger_than_ten_megabytes_is_named():
    assert found(shown(PNG % 2 + bytes(image_rules.LARGEST))) == [("image.size", URL)]


@pytest.mark.parametrize(
    ("images", "rules"),
    [(10, []), (11, ["image.many"]), (64, ["image.many"]), (65, ["image.too_many"])],
)
def test_the_images_of_a_row_are_counted(images, rules):
    assert [rule for rule, _ in found(*[by("https://example.com/a.png")] * images)] == rules
