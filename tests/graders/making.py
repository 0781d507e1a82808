"""Graders as people write them."""

from typing import Any

from app.graders.base import Grader
from app.graders.reading import read_grader

Json = dict[str, Any]


def string_check(operation: str = "eq", **more: Any) -> Json:
    """Is the answer the item's."""
    return {
        "type": "string_check",
        "name": "same",
        "input": "{{ sample.output_text }}",
        "reference": "{{ item.answer }}",
        "operation": operation,
        **more,
    }


def similarity(metric: str = "fuzzy_match", **more: Any) -> Json:
    """How near the answer is to the item's."""
    return {
        "type": "text_similarity",
        "name": "near",
        "input": "{{ sample.output_text }}",
        "reference": "{{ item.answer }}",
        "evaluation_metric": metric,
        **more,
    }


def multi(formula: str = "(same + near) / 2", **graders: Json) -> Json:
    """Both."""
    return {
        "type": "multi",
        "name": "both",
        "graders": graders or {"same": string_check(), "near": similarity()},
        "calculate_output": formula,
    }


def text_similarity(metric: str) -> Grader:
    """Read."""
    return read_grader(similarity(metric))
