"""Graders on the wire: read or refused in OpenAI's shape, and what a run of one answers."""

from app.graders.base import Fault, Grader, Score
from app.graders.reading import InvalidGrader, read_grader
from app.trainer.errors import Refusal
from app.trainer.wire import Json

# Those that graders can have here are set by their score's faults; the rest is always false.
ERRORS = (
    "formula_parse_error",
    "sample_parse_error",
    "truncated_observation_error",
    "unresponsive_reward_error",
    "invalid_variable_error",
    "other_error",
    "python_grader_server_error",
    "python_grader_runtime_error",
    "model_grader_server_error",
    "model_grader_refusal_error",
    "model_grader_parse_error",
)
DETAILS: dict[str, Fault] = {
    "python_grader_server_error_type": "python_grader_server_error",
    "python_grader_runtime_error_details": "python_grader_runtime_error",
    "model_grader_server_error_details": "model_grader_server_error",
}
"""Which say more of an error, and of which."""


def known_grader(body: object, at: str = "grader") -> Grader:
    """The grader of any of OpenAI's types in this JSON, which stands at `at`. Raises Refusal."""
    try:
        return read_grader(body, at)
    except InvalidGrader as error:
        raise Refusal(error.message, param=error.param, code=error.code) from error


def runnable_grader(body: object, at: str = "grader") -> Grader:
    """The same, where it can also grade here: a reward comes of it. Raises Refusal."""
    grader = known_grader(body, at)
    if reason := grader.alone():
        raise Refusal(reason, param=at, code="unsupported_grader")
    return grader


def graded(grader: Grader, score: Score, seconds: float) -> Json:
    """What a run answers: a reward, 0 where an error is true, and the rewards of its parts."""
    faults = {fault.fault: fault.reason for fault in score.faults()}
    parts = {name: part.value for name, part in score.parts.items()}
    return {
        "reward": score.value,
        "sub_rewards": parts,
        "metadata": {
            "name": grader.name,
            "type": grader.type,
            "errors": {
                **{name: name in faults for name in ERRORS},
                **{name: faults.get(fault) for name, fault in DETAILS.items()},
            },
            "execution_time": seconds,
            "scores": parts,
            "token_usage": None,
            "sampled_model_name": None,
        },
        "model_grader_token_usage_per_model": {},
    }
