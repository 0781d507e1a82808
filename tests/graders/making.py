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


def score_model(**more: Any) -> Json:
    """A judge that gives a number."""
    ask = "How near is {{ sample.output_text }} to {{ item.answer }}?"
    return {
        "type": "score_model",
        "name": "judge",
        "model": "gpt-4.1-mini",
        "input": [
            {"role": "system", "content": "Give a number from 0 to 1."},
            {"role": "user", "content": [{"type": "input_text", "text": ask}], "type": "message"},
        ],
        "range": [0, 1],
        "sampling_params": {"temperature": 0, "max_completions_tokens": 100},
        **more,
    }


def label_model(**more: Any) -> Json:
    """A judge that gives a label."""
    content = {"type": "output_text", "text": "{{ sample.output_text }}"}
    return {
        "type": "label_model",
        "name": "tone",
        "model": "gpt-4.1-mini",
        "input": [{"role": "user", "content": content}],
        "labels": ["kind", "curt"],
        "passing_labels": ["kind"],
        **more,
    }


def python(source: str = "def grade(sample, item):\n    return 1.0\n", **more: Any) -> Json:
    """The team's own."""
    return {"type": "python", "name": "own", "source": source, **more}


def ours(kind: str, /, **settings: Any) -> Grader:
    """One of our own, read; compared with the item's answer where it compares."""
    return read_grader({"type": kind, "name": kind, **settings})


def compared(kind: str, /, **settings: Any) -> Grader:
    """The same, held against the item's answer."""
    return ours(kind, reference="{{ item.answer }}", **settings)
