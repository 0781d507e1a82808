"""The routes of people's grades, head to head and the calibration of judges: whom each lets in."""

from tests.walls.expected import Expected, edit, view

PEOPLE: dict[str, Expected] = {
    # Rounds of grading
    "rounds.index": view(),
    "rounds.begin": edit(422),
    "rounds.show": view(),
    "rounds.ask": edit(422),
    "rounds.close": edit(303),
    "rounds.grade": edit(),
    "rounds.give": edit(422),
    "rounds.undo": edit(303),
    "rounds.export": view(409),
}
