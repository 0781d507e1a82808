"""Evals with graders of every type, their runs, and what each run said of each row."""

from typing import Any

from rapidfuzz import fuzz

from tests.witness import dice
from tests.witness.content import rows
from tests.witness.organisation import DAY

Json = dict[str, Any]
MODELS = ("gpt-4o-mini-2024-07-18", "gpt-4.1-mini-2025-04-14")
RIGHT = 0.8  # how often a model names the right intent
JUDGE = "gpt-5-mini-2025-08-07"
PYTHON = """def grade(sample, item) -> float:
    return 1.0 if item["label"] in sample["output_text"] else 0.0
"""
GRADERS: tuple[Json, ...] = (
    {
        "type": "string_check",
        "name": "exact",
        "input": "{{sample.output_text}}",
        "reference": "{{item.label}}",
        "operation": "eq",
    },
    {
        "type": "text_similarity",
        "name": "near",
        "input": "{{sample.output_text}}",
        "reference": "{{item.label}}",
        "evaluation_metric": "fuzzy_match",
        "pass_threshold": 0.8,
    },
    {
        "type": "label_model",
        "name": "tone",
        "model": JUDGE,
        "input": [
            {"role": "developer", "content": "Is this an intent of a bank's customer?"},
            {"role": "user", "content": "{{sample.output_text}}"},
        ],
        "labels": ["intent", "other"],
        "passing_labels": ["intent"],
    },
    {
        "type": "score_model",
        "name": "judged",
        "model": JUDGE,
        "input": [
            {"role": "system", "content": "Score how well the intent fits, from 0 to 1."},
            {"role": "user", "content": "{{item.question}} -> {{sample.output_text}}"},
        ],
        "range": [0.0, 1.0],
        "pass_threshold": 0.5,
        "sampling_params": {"temperature": 0.0, "seed": 7},
    },
    {"type": "python", "name": "contains", "source": PYTHON, "pass_threshold": 1.0},
)
SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "label": {"type": "string"}},
    "required": ["question", "label"],
}
PROMPT = "Name the customer's intent. Answer with the intent alone."


def make_eval(name: str, n: int, *, now: int) -> Json:
    """The n-th oldest eval: the first has all graders, the others two of them each, turn about."""
    eval_id = f"eval_{dice.token(name, 'eval', n, length=32)}"
    graders = GRADERS if n == 0 else [GRADERS[n % 5], GRADERS[(n + 1) % 5]]
    whole = {"type": "object", "properties": {"item": SCHEMA, "sample": {"type": "object"}}}
    config: Json = {"type": "custom", "schema": whole}
    if n % 3:
        kind = ("logs", "stored_completions")[n % 3 - 1]
        config = {"type": kind, "schema": whole, "metadata": {"channel": "chat"}}
    return {
        "object": "eval",
        "id": eval_id,
        "name": f"Intents {n + 1}",
        "created_at": now - (60 - n) * DAY,
        "data_source_config": config,
        "testing_criteria": [
            {**grader, "name": f"{grader['name']}-{dice.token(eval_id, k, length=8)}"}
            for k, grader in enumerate(graders)
        ],
        "metadata": {"team": "care"},
    }


def make_run(held: Json, name: str, n: int, k: int, *, items: int, source: str) -> Json:
    """The k-th run of the n-th eval. After the first run, one failed in the second eval, and one
    is still under way in the third.
    """
    status = {(1, True): "failed", (2, True): "in_progress"}.get((n, k > 0), "completed")
    run_id = f"evalrun_{dice.token(name, 'eval-run', n, k, length=32)}"
    model = MODELS[k % len(MODELS)]
    error = {"code": "invalid_data", "message": "No items matched."} if status == "failed" else None
    usage = {
        "model_name": model,
        "invocation_count": items,
        "prompt_tokens": items * 42,
        "completion_tokens": items * 5,
        "total_tokens": items * 47,
        "cached_tokens": 0,
    }
    return {
        "object": "eval.run",
        "id": run_id,
        "eval_id": held["id"],
        "report_url": f"https://platform.openai.com/evaluations/{held['id']}?run_id={run_id}",
        "status": status,
        "model": model,
        "name": f"{model} #{k + 1}",
        "created_at": held["created_at"] + (k + 1) * 3600,
        "result_counts": None,
        "per_model_usage": [] if status == "failed" else [usage],
        "per_testing_criteria_results": None,
        "data_source": _data_source(n, model, source),
        "error": error,
        "metadata": {},
    }


def _data_source(n: int, model: str, source: str) -> Json:
    """Rows in the run itself, rows of a file, or a model asked with a template."""
    if n % 3 == 0:
        asked, answer = rows("held_out")[0]["messages"][-2:]
        item = {"question": asked["content"], "label": answer["content"]}
        return {"type": "jsonl", "source": {"type": "file_content", "content": [{"item": item}]}}
    if n % 3 == 1:
        return {"type": "jsonl", "source": {"type": "file_id", "id": source}}
    template = [
        {"type": "message", "role": "developer", "content": PROMPT},
        {"type": "message", "role": "user", "content": "{{item.question}}"},
    ]
    return {
        "type": "completions",
        "model": model,
        "source": {"type": "file_id", "id": source},
        "input_messages": {"type": "template", "template": template},
        "sampling_params": {"temperature": 1.0, "top_p": 1.0, "seed": 42},
    }


def items_of(held: Json, run: Json, name: str, count: int) -> list[Json]:
    """What a run said of each row, oldest first."""
    if run["status"] == "failed":
        return []
    if run["status"] == "in_progress":
        count //= 2
    known = rows("held_out")
    first = dice.of(name, held["id"]).randrange(len(known))
    return [_item(held, run, n, known[(first + 37 * n) % len(known)]) for n in range(count)]


def _item(held: Json, run: Json, n: int, row: Json) -> Json:
    roll = dice.of(run["id"], n)
    question, label = (message["content"] for message in row["messages"][-2:])
    others = rows("held_out")[roll.randrange(len(rows("held_out")))]["messages"][-1]["content"]
    said = label if roll.random() < RIGHT else others
    results = [_result(grader, said, label) for grader in held["testing_criteria"]]
    prompt = [
        {"role": "developer", "content": PROMPT},
        {"role": "user", "content": question},
    ]
    return {
        "object": "eval.run.output_item",
        "id": f"outputitem_{dice.token(run['id'], n, length=32)}",
        "created_at": run["created_at"] + n,
        "run_id": run["id"],
        "eval_id": held["id"],
        "status": "pass" if all(result["passed"] for result in results) else "fail",
        "datasource_item_id": n,
        "datasource_item": {"question": question, "label": label},
        "results": results,
        "sample": {
            "input": prompt,
            "output": [{"role": "assistant", "content": said}],
            "finish_reason": "stop",
            "model": run["model"],
            "usage": {
                "total_tokens": 47,
                "completion_tokens": 5,
                "prompt_tokens": 42,
                "cached_tokens": 0,
            },
            "error": None,
            "seed": 42,
            "temperature": 1.0,
            "top_p": 1.0,
            "max_completion_tokens": 2048,
        },
    }


def _result(grader: Json, said: str, label: str) -> Json:
    near = round(fuzz.ratio(said, label) / 100, 6)
    scores = {"string_check": float(said == label), "text_similarity": near, "label_model": 1.0}
    score = scores.get(grader["type"], near if grader["type"] == "score_model" else 0.0)
    if grader["type"] == "python":
        score = float(label in said)
    result: Json = {
        "name": grader["name"],
        "type": grader["type"],
        "passed": score >= grader.get("pass_threshold", 1.0),
        "score": score,
        "sample": None,
    }
    if "model" in grader:
        told = (
            '{"result": "intent"}' if grader["type"] == "label_model" else f'{{"result": {near}}}'
        )
        result["sample"] = {"model": JUDGE, "output": [{"role": "assistant", "content": told}]}
    return result


def criteria_of(held: Json, items: list[Json]) -> list[Json]:
    """A run's sums by grader."""
    made = []
    for k, grader in enumerate(held["testing_criteria"]):
        passed = sum(item["results"][k]["passed"] for item in items)
        name = grader["name"]
        made.append({"testing_criteria": name, "passed": passed, "failed": len(items) - passed})
    return made
