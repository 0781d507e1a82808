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
    # Reading: evaluations, runs, cases
    "evaluations.index": view(),
    "evaluations.show": view(),
    "evaluations.compare": view(),
    "evaluations.of_job": view(),
    "evaluations.of_model": view(),
    "evaluation_runs.show": view(),
    "evaluation_runs.standing": view(),
    "evaluation_runs.case": view(),
    "evaluation_runs.confusion": view(),
    "evaluation_runs.confusion_csv": view(),
    "evaluation_runs.csv": view(),
    "evaluation_runs.jsonl": view(),
    "evaluation_runs.collect": edit(303, {"collection": "Failures", "chosen": "1"}),
    "api.evaluations.index": view(),
    "api.evaluations.runs": view(),
    "api.evaluation_runs.report": view(),
    "api.evaluation_runs.cases": view(),
    "api.evaluation_runs.csv": view(),
    "api.evaluation_runs.jsonl": view(),
}
