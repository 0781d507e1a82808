"""The routes of the library of graders: whom each lets in, what it answers."""

from tests.walls.expected import Expected, edit, spend, view

GRADING: dict[str, Expected] = {
    # The library of graders
    "graders.index": view(),
    "graders.new": edit(),
    "graders.create": edit(422),
    "graders.paste": edit(422),
    "graders.show": view(),
    "graders.edit": edit(),
    "graders.change": edit(422),
    "graders.delete": edit(303),
    "graders.export": view(),
    "graders.try": view(422),
    "graders.try_draft": edit(422),
    "graders.judge": spend(422),
    "api.graders.index": view(),
    "api.graders.create": edit(422),
    "api.graders.show": view(),
    "api.graders.versions": view(),
    "api.graders.change": edit(422),
    "api.graders.delete": edit(204),
    "api.graders.try": view(422),
    "api.graders.try_draft": edit(422),
    "api.graders.price": view(422),
    "api.graders.judge": spend(422),
}
