"""The routes of people's grades and answers, of contestants head to head and of the calibration of
judges: whom each lets in.
"""

from tests.walls.expected import Expected, edit, spend, view

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
    "rounds.finish": edit(409),  # nothing is graded
    "rounds.export": Expected("view", 409, but={"viewer": 200}),  # viewers grade nothing
    # Answers by hand
    "hand.show": view(),
    "hand.next": edit(303),
    "hand.end": edit(303),
    "hand.case": edit(),
    "hand.give": edit(422),  # an empty answer
    # Contestants head to head
    "duels.index": view(),
    "duels.price": spend(),
    "duels.begin": spend(422),
    "duels.show": view(),
    "duels.pause": spend(303),
    "duels.resume": spend(303),
    "duels.stop": spend(303),
    # Whether judges may be trusted
    "judges.index": view(),
    "judges.measure": edit(303),
    "api.rounds.index": view(),
    "api.rounds.begin": edit(422),
    "api.rounds.show": view(),
    "api.rounds.close": edit(200),
    "api.rounds.grades": Expected("view", 409, but={"viewer": 200}),
    "api.hand.show": view(),
    "api.hand.next": edit(200),
    "api.hand.end": edit(200),
    "api.hand.give": edit(422),
    "api.duels.index": view(),
    "api.duels.begin": spend(422),
    "api.duels.show": view(),
    "api.duels.pause": spend(200),
    "api.duels.resume": spend(200),
    "api.duels.stop": spend(200),
    "api.judges.index": view(),
    "api.judges.measure": edit(200),
}
