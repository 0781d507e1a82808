"""The routes of evaluations and their runs: whom each lets in, what it answers."""

from tests.walls.expected import Expected, edit, spend, view

EVALUATIONS: dict[str, Expected] = {
    "api.evaluations.create": edit(422),
    "api.evaluations.show": view(),
    "api.evaluation_runs.start": spend(422),
    "api.evaluation_runs.show": view(),
    "api.evaluation_runs.pause": spend(200),
    "api.evaluation_runs.resume": spend(200),
    "api.evaluation_runs.stop": spend(200),
}
