"""An eval with its runs and output items, as OpenAI's API writes them, brought home."""

import json
from typing import Any

from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.rescue.models import Kind, RescuedObject
from tests import make

EVAL, RUN, OLD_RUN = "eval_68a1", "evalrun_2", "evalrun_1"
MODEL, JUDGE = "ft:gpt-4o-mini-2024-07-18:acme::Qx2", "gpt-5-2025-08-07"
CRITERIA: list[dict[str, Any]] = [
    {
        "type": "string_check",
        "name": "Exact intent",
        "input": "{{ sample.output_text }}",
        "reference": "{{ item.intent }}",
        "operation": "eq",
    },
    {
        "type": "label_model",
        "name": "Friendly",
        "model": JUDGE,
        "input": [
            {"role": "developer", "content": "Is this friendly? {{ sample.output_text }}"},
            {"role": "user", "content": "It answers: {{ item.question }}"},
        ],
        "labels": ["friendly", "rude"],
        "passing_labels": ["friendly"],
    },
]
SCHEMA = {
    "type": "object",
    "properties": {
        "item": {
            "type": "object",
            "properties": {
                "question": {"type": "string"},
                "intent": {"type": "string"},
                "tags": {"type": "array"},
            },
        }
    },
}


def an_eval(**changes: Any) -> dict[str, Any]:
    """An eval object."""
    return {
        "id": EVAL,
        "object": "eval",
        "name": "Ticket intents",
        "created_at": 1_779_000_000,
        "metadata": {"team": "support"},
        "data_source_config": {"type": "custom", "schema": SCHEMA},
        "testing_criteria": CRITERIA,
        **changes,
    }


def a_run(run_id: str = RUN, *, passed: int = 2, total: int = 3, **changes: Any) -> dict[str, Any]:
    """A run object of that eval, which asked a tuned model."""
    template = [
        {"role": "developer", "content": "Say the intent."},
        {"role": "user", "content": {"type": "input_text", "text": "{{ item.question }}"}},
    ]
    return {
        "id": run_id,
        "object": "eval.run",
        "eval_id": EVAL,
        "name": f"Nightly {run_id[-1]}",
        "model": MODEL,
        "status": "completed",
        "created_at": 1_779_000_100 + int(run_id[-1]),
        "error": None,
        "result_counts": {"total": total, "passed": passed, "failed": total - passed, "errored": 0},
        "per_testing_criteria_results": [
            {"testing_criteria": "Exact intent-1c86", "passed": passed, "failed": total - passed}
        ],
        "per_model_usage": [
            {
                "model_name": MODEL,
                "invocation_count": total,
                "prompt_tokens": 900,
                "completion_tokens": 30,
                "cached_tokens": 0,
                "total_tokens": 930,
            }
        ],
        "data_source": {
            "type": "completions",
            "model": MODEL,
            "source": {"type": "file_content", "content": [{"item": {"question": "x"}}]},
            "input_messages": {"type": "template", "template": template},
            "sampling_params": {"temperature": 0.2, "seed": 7},
        },
        **changes,
    }


def an_item(number: int, run_id: str = RUN, **changes: Any) -> dict[str, Any]:
    """An output item; every third one failed."""
    is_right = number % 3 != 2
    answer = "refund" if is_right else "delivery"
    return {
        "id": f"outputitem_{number}",
        "object": "eval.run.output_item",
        "eval_id": EVAL,
        "run_id": run_id,
        "created_at": 1_779_000_200,
        "status": "pass" if is_right else "fail",
        "datasource_item_id": number,
        "datasource_item": {"question": f"Where is my money {number}?", "intent": "refund"},
        "results": [
            {
                "name": "Exact intent-1c86",
                "type": "string-check-grader",
                "score": float(is_right),
                "passed": is_right,
                "sample": None,
            },
            {
                "name": "Friendly-22aa",
                "type": "label-model-grader",
                "score": 1.0,
                "passed": True,
                "sample": {"output": [{"role": "assistant", "content": "It greets."}]},
            },
        ],
        "sample": {
            "input": [{"role": "user", "content": f"Where is my money {number}?"}],
            "output": [{"role": "assistant", "content": answer}],
            "error": {"code": "", "message": ""},
            "finish_reason": "stop",
            "model": MODEL,
            "seed": 7,
            "temperature": 0.2,
            "top_p": 1.0,
            "max_completion_tokens": 2048,
            "usage": {
                "prompt_tokens": 300,
                "completion_tokens": 10,
                "total_tokens": 310,
                "cached_tokens": 0,
            },
        },
        **changes,
    }


def lines(*items: Any) -> bytes:
    """JSONL."""
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def bring_home(
    session: Session,
    connection: Connection,
    *,
    content: dict[str, Any] | None = None,
    runs: tuple[str, ...] = (OLD_RUN, RUN),
    items: int = 3,
) -> tuple[RescuedObject, list[RescuedObject]]:
    """The eval and its runs with so many output items each."""
    content = content or an_eval()
    made = make.make_rescued_object(
        session, connection, Kind.EVAL, EVAL, json.dumps(content).encode(), name=content["name"]
    )
    rows = []
    for run_id in runs:
        row = make.make_rescued_object(
            session,
            connection,
            Kind.EVAL_RUN,
            run_id,
            json.dumps(a_run(run_id)).encode(),
            parent_id=EVAL,
        )
        rows.append(row)
        bring_items(session, connection, run_id, [an_item(n, run_id) for n in range(items)])
    return made, rows


def bring_items(
    session: Session, connection: Connection, run_id: str, items: list[Any]
) -> RescuedObject:
    """The output items of a run."""
    return make.make_rescued_object(
        session,
        connection,
        Kind.EVAL_ITEMS,
        run_id,
        lines(*items),
        parent_id=run_id,
        lines=len(items),
    )
