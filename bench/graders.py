"""How many answers each pure grader grades in a minute on one core.

    python -m bench.graders [--gradings 2000] [--seed 1]

Claimed: 100,000 a minute of each, answer and reference of about 20 words, templates filled; the
formula is read anew for each answer. The limit beside each is the bare call it cannot do without:
the library's, or Python's own. All in processor time, which a busy machine lengthens less.
"""

import argparse
import json
import operator
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import jsonschema_rs
import re2
from nltk.translate import bleu_score, gleu_score, meteor_score
from rapidfuzz import fuzz, utils
from rapidfuzz.distance import LCSseq

from app.core import tokens
from app.graders import formula
from app.graders.base import Answer, Grader, JsonObject
from app.graders.reading import read_grader

CLAIM = 100_000
WORDS = 20
VOCABULARY = 20_000
SCHEMA = {
    "type": "object",
    "required": ["said"],
    "properties": {"said": {"type": "string"}, "words": {"type": "array"}},
}
CALCULATE = "0.5 * same + 0.3 * max(near, same) ^ 2 + 0.2 * (1 - abs(same - near))"

Pair = tuple[str, str]
Bare = Callable[[str, str], Any]


def pairs(count: int, seed: int) -> list[Pair]:
    """Answers and references of 20 words, seven in ten of them the same, and a number."""
    draw = random.Random(seed)
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    words = ["".join(draw.choices(letters[:18], k=draw.randint(2, 9))) for _ in range(VOCABULARY)]

    def pair() -> Pair:
        wanted = draw.choices(words, k=WORDS)
        given = [word if draw.random() < 0.7 else draw.choice(words) for word in wanted]
        number = draw.randint(1, 999)
        return f"{' '.join(given).capitalize()}. #### {number}", f"{' '.join(wanted)}. {number}"

    return [pair() for _ in range(count)]


def as_json(text: str) -> str:
    return json.dumps({"said": text, "words": text.split()})


def calls(text: str) -> list[JsonObject]:
    arguments = json.dumps({"text": text})
    return [{"type": "function", "function": {"name": "say", "arguments": arguments}}]


def single(kind: str, /, **settings: Any) -> Grader:
    return read_grader({"type": kind, "name": kind, **settings})


def compared(kind: str, /, **settings: Any) -> Grader:
    return single(kind, reference="{{ item.answer }}", **settings)


def similar(metric: str) -> JsonObject:
    texts = {"input": "{{ sample.output_text }}", "reference": "{{ item.answer }}"}
    return {"type": "text_similarity", "name": "near", "evaluation_metric": metric, **texts}


def string_check() -> Grader:
    texts = {"input": "{{ sample.output_text }}", "reference": "{{ item.answer }}"}
    body = {"type": "string_check", "name": "same", "operation": "ilike", **texts}
    return read_grader(body)


def multi() -> Grader:
    parts = {"same": string_check().written(), "near": similar("fuzzy_match")}
    body = {"type": "multi", "name": "both", "graders": parts, "calculate_output": CALCULATE}
    return read_grader(body)


def split(call: Callable[[list[str], list[str]], Any]) -> Bare:
    return lambda given, wanted: call(given.split(), wanted.split())


class NoSynonyms:
    def synsets(self, _word: str) -> list[object]:
        return []


def counted(n: int) -> Bare:
    """The n-grams of both, in two sets: what any ROUGE has to make."""

    def call(given: str, wanted: str) -> int:
        first, second = (
            set(zip(*(words[start:] for start in range(n)), strict=False))
            for words in (given.split(), wanted.split())
        )
        return len(first & second)

    return call


LABELS = [f"intent {n}" for n in range(77)]
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
PATTERN = re2.compile(r"(?i)#### [0-9]+$")
SMOOTHING = bleu_score.SmoothingFunction().method3
EVAL = compile(CALCULATE.replace("^", "**"), "formula", "eval")

ROUGES = {f"rouge_{n}": counted(n) for n in range(1, 6)}
METRICS: dict[str, Bare] = {
    "fuzzy_match": lambda a, b: fuzz.WRatio(a, b, processor=utils.default_process),
    "bleu": split(lambda a, b: bleu_score.sentence_bleu([b], a, smoothing_function=SMOOTHING)),
    "gleu": split(lambda a, b: gleu_score.sentence_gleu([b], a)),
    "meteor": split(lambda a, b: meteor_score.single_meteor_score(b, a, wordnet=NoSynonyms())),
    **ROUGES,
    "rouge_l": split(LCSseq.similarity),
}
TEXTS: dict[str, tuple[Grader, Bare]] = {
    "string_check": (string_check(), lambda a, b: b.casefold() in a.casefold()),
    **{
        f"text_similarity {metric}": (read_grader(similar(metric)), bare)
        for metric, bare in METRICS.items()
    },
    "multi, formula read anew": (multi(), lambda *_: eval(EVAL, {"same": 1.0, "near": 0.5})),  # noqa: S307
    "match": (compared("match", ignore=["case", "punctuation", "articles", "space"]), operator.eq),
    "regex": (single("regex", pattern=PATTERN.pattern), lambda a, _: PATTERN.search(a)),
    "number": (compared("number", tolerance=0.5), lambda *_: float("72") == float("72.0")),
    "label": (compared("label"), lambda a, b: a.casefold() == b.casefold()),
    "label within": (
        single("label", reference="{{ item.label }}", labels=LABELS, find="within"),
        lambda a, b: a.casefold() == b.casefold(),
    ),
    "length in tokens": (single("length", unit="tokens", most=99), lambda a, _: tokens.count(a)),
    "refusal": (single("refusal"), lambda a, _: PATTERN.search(a)),
    "latency": (single("latency", most_seconds=1), operator.le),
    "price": (single("price", most_dollars=1), operator.le),
}
JSONS: dict[str, tuple[Grader, Bare]] = {
    "json_valid": (single("json_valid", kind="object"), lambda a, _: json.loads(a)),
    "json_schema": (
        single("json_schema", json_schema=SCHEMA),
        lambda a, _: VALIDATOR.is_valid(json.loads(a)),
    ),
    "field_f1": (compared("field_f1"), lambda a, b: json.loads(a) == json.loads(b)),
    "tool_call": (
        single("tool_call", reference="{{ item.calls }}"),
        lambda a, b: json.loads(a) == json.loads(b),
    ),
}


def rounds(graders: dict[str, tuple[Grader, Bare]], texts: Sequence[Pair]) -> dict[str, float]:
    """Print each grader's and its bare call's microseconds; the gradings a minute."""
    found = {}
    for name, (grader, bare) in graders.items():
        cases = [
            (
                {"answer": b, "calls": calls(b), "label": LABELS[7]},
                Answer(a, tool_calls=calls(a), seconds=0.5, cost=500),
            )
            for a, b in texts
        ]
        grader.grade(*cases[0])
        bare(*texts[0])
        begun = time.process_time()
        for case, given in cases:
            formula.formula.cache_clear()
            score = grader.grade(case, given)
            assert score.fault is None, score.fault
        spent = (time.process_time() - begun) / len(texts)
        begun = time.process_time()
        for a, b in texts:
            bare(a, b)
        limit = (time.process_time() - begun) / len(texts)
        found[name] = 60 / spent
        print(f"{name:28} {spent * 1e6:7.1f} µs {limit * 1e6:9.1f} µs {found[name]:12,.0f}")
    return found


def jailed(texts: Sequence[Pair]) -> None:
    """Print the same of a python grader, by the clock: another process does half of the work.

    Its bare call is made without a jail. Nothing is claimed of it.
    """
    source = "def grade(sample, item):\n    return item['answer'] in sample['output_text']\n"
    grader = single("python", source=source)
    if lacks := grader.obstacle():
        print(f"python: {lacks}")
        return
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102 - the line above
    grader.grade({"answer": ""}, Answer(""))
    spent = []
    for call in (
        lambda a, b: grader.grade({"answer": b}, Answer(a)),
        lambda a, b: names["grade"]({"output_text": a}, {"answer": b}),
    ):
        begun = time.perf_counter()
        for a, b in texts:
            call(a, b)
        spent.append((time.perf_counter() - begun) / len(texts))
    grading, bare = spent
    print(f"{'python':28} {grading * 1e6:7.1f} µs {bare * 1e6:9.1f} µs {60 / grading:12,.0f}")


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--gradings", type=int, default=2_000)
    words.add_argument("--seed", type=int, default=1)
    asked = words.parse_args()
    texts = pairs(asked.gradings, asked.seed)
    print(f"{'grader':28} {'a grading':>10} {'bare call':>12} {'a minute':>12}")
    found = rounds(TEXTS, texts) | rounds(JSONS, [(as_json(a), as_json(b)) for a, b in texts])
    jailed(texts)
    slowest = min(found, key=lambda name: found[name])
    print(f"slowest: {slowest}, {found[slowest]:,.0f} a minute (claim >= {CLAIM:,})")
    return 0 if found[slowest] >= CLAIM else 1


if __name__ == "__main__":
    raise SystemExit(main())
