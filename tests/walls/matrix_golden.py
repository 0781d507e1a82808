"""The routes of golden recordings: whom each lets in, what it answers."""

from tests.walls.expected import Expected, spend, view

GOLDEN: dict[str, Expected] = {
    "golden.of_model": view(),
    "golden.new": spend(),
    "golden.record": spend(422),
    "golden.show": view(),
    "golden.check": spend(422),
    "api.golden.record": spend(422),
    "api.golden.show": view(),
    "api.golden.check": spend(422),
}
