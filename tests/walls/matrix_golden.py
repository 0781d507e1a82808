"""The routes of golden recordings, evaluations after jobs and models asked again: whom each lets
in, what it says.
"""

from tests.walls.expected import Expected, spend, view

GOLDEN: dict[str, Expected] = {
    "golden.of_model": view(),
    "golden.new": spend(),
    "golden.record": spend(422),
    "golden.new_base": spend(),
    "golden.record_base": spend(422),
    "golden.show": view(),
    "golden.check": spend(422),
    "api.golden.record": spend(422),
    "api.golden.record_base": spend(422),
    "api.golden.show": view(),
    "api.golden.check": spend(422),
    "job_evaluations.of_job": view(),
    "job_evaluations.ask": spend(422),
    "job_evaluations.remove": spend(303),
    "schedules.of_evaluation": view(),
    "schedules.new": spend(),
    "schedules.ask": spend(422),
    "schedules.pause": spend(303),
    "schedules.resume": spend(303),
    "schedules.remove": spend(303),
    "api.schedules.index": view(),
    "api.schedules.ask": spend(422),
    "api.schedules.show": view(),
    "api.schedules.pause": spend(),
    "api.schedules.resume": spend(),
    "api.schedules.remove": spend(204),
    "api.job_evaluations.index": view(),
    "api.job_evaluations.ask": spend(422),
    "api.job_evaluations.remove": spend(204),
}
