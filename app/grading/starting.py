"""Graders to start from: one for each usual task, with a sentence that says what it does."""

from dataclasses import dataclass

from app.graders.base import JsonObject


@dataclass(frozen=True, slots=True)
class Starting:
    """A task and the grader that usually fits it."""

    key: str
    title: str
    words: str
    grader: JsonObject


STARTING = (
    Starting(
        "classification",
        "Classification",
        "Does the answer carry the row's label, whatever its case: accuracy, macro-F1, and which "
        "labels are mixed up.",
        {"type": "label", "name": "label", "reference": "{{ item.answer }}"},
    ),
    Starting(
        "extraction",
        "Extraction to JSON",
        "How many fields of the answer's JSON are those of the row's, field by field.",
        {
            "type": "field_f1",
            "name": "fields",
            "reference": "{{ item.answer }}",
            "ignore": ["case", "space"],
            "pass_threshold": 0.9,
        },
    ),
    Starting(
        "arithmetic",
        "Arithmetic",
        "Is the last number of the answer the last of the row's, however it is written around.",
        {"type": "number", "name": "sum", "reference": "{{ item.answer }}"},
    ),
    Starting(
        "tone",
        "Tone",
        "A model reads the answer and says whether its tone is kind, neutral or curt.",
        {
            "type": "label_model",
            "name": "tone",
            "model": "gpt-4.1-mini",
            "labels": ["kind", "neutral", "curt"],
            "passing_labels": ["kind", "neutral"],
            "input": [
                {
                    "role": "system",
                    "content": "You label the tone of an answer to a customer. kind: friendly and "
                    "respectful. neutral: polite and plain. curt: short-tempered, cold or blaming.",
                },
                {
                    "role": "user",
                    "content": "The customer wrote:\n{{ item.question }}\n\nThe answer:\n"
                    "{{ sample.output_text }}",
                },
            ],
        },
    ),
    Starting(
        "faithfulness",
        "Faithfulness to a text",
        "A model reads a text and the answer, and says how much of the answer the text bears out.",
        {
            "type": "score_model",
            "name": "faithful",
            "model": "gpt-4.1-mini",
            "range": [0, 1],
            "pass_threshold": 0.9,
            "input": [
                {
                    "role": "system",
                    "content": "You check an answer against a text. Take each claim of the answer "
                    "for itself. Score the share of its claims that the text states or that "
                    "follow from it: 1 where all do, 0 where none does. What is true but not in "
                    "the text does not count.",
                },
                {
                    "role": "user",
                    "content": "The text:\n{{ item.text }}\n\nThe answer:\n"
                    "{{ sample.output_text }}",
                },
            ],
        },
    ),
    Starting(
        "tools",
        "Tool use",
        "Does the answer call the tools that the row's answer calls, with at least its arguments.",
        {
            "type": "tool_call",
            "name": "calls",
            "reference": "{{ item.tool_calls }}",
            "arguments": "include",
        },
    ),
)
BY_KEY = {one.key: one for one in STARTING}
