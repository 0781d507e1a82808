"""The routes of golden recordings and evaluations after jobs: whom each lets in, what it says."""

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
    "job_evaluations.of_job": view(),
    "job_evaluations.ask": spend(422),
    "job_evaluations.remove": spend(303),
    "api.job_evaluations.index": view(),
    "api.job_evaluations.ask": spend(422),
    "api.job_evaluations.remove": spend(204),
}
