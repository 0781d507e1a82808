"""What tuned models were asked, as OpenAI keeps it: stored completions, usage, permissions."""

from typing import Any

from tests.witness import dice
from tests.witness.content import rows
from tests.witness.organisation import DAY

Json = dict[str, Any]
HOUR = 3600


def completion(name: str, model: str, n: int, *, now: int) -> tuple[Json, list[Json]]:
    """The n-th stored completion of a model, and the messages it answered."""
    roll = dice.of(name, model, "completion", n)
    *asked, answer = roll.choice(rows("held_out"))["messages"]
    completion_id = f"chatcmpl-{dice.token(name, model, n)}"
    prompt_tokens = sum(len(message["content"]) // 4 for message in asked)
    stored = {
        "object": "chat.completion",
        "id": completion_id,
        "model": model,
        "created": now - 30 * DAY + n * HOUR,
        "request_id": f"req_{dice.token(completion_id, length=32)}",
        "tool_choice": None,
        "usage": {
            "total_tokens": prompt_tokens + 5,
            "completion_tokens": 5,
            "prompt_tokens": prompt_tokens,
        },
        "seed": roll.randrange(2**31),
        "top_p": 1.0,
        "temperature": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "system_fingerprint": f"fp_{dice.token(model, length=10).lower()}",
        "input_user": None,
        "service_tier": "default",
        "tools": None,
        "metadata": {"channel": roll.choice(("chat", "mail"))},
        "choices": [
            {
                "index": 0,
                "message": {
                    "content": answer["content"],
                    "role": "assistant",
                    "tool_calls": None,
                    "function_call": None,
                    "refusal": None,
                },
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "response_format": None,
    }
    messages = [
        {
            "id": f"{completion_id}-{place}",
            "role": message["role"],
            "content": message["content"],
            "name": None,
            "content_parts": None,
        }
        for place, message in enumerate(asked)
    ]
    return stored, messages


def usage(
    name: str, day: int, models: list[str], *, project_id: str, api_key_id: str
) -> list[Json]:
    """What each of the models was asked on a day; the last third of them are asked nothing."""
    alive = models[: len(models) - len(models) // 3]
    return [_asked(dice.of(name, day, model), model, project_id, api_key_id) for model in alive]


def _asked(roll: Any, model: str, project_id: str, api_key_id: str) -> Json:
    requests = roll.randrange(1, 2_000)
    return {
        "input_tokens": requests * 61,
        "output_tokens": requests * 4,
        "num_model_requests": requests,
        "input_cached_tokens": requests * 16,
        "model": model,
        "project_id": project_id,
        "user_id": None,
        "api_key_id": api_key_id,
        "batch": False,
        "service_tier": "default",
        "api_source": None,
    }


def permissions(name: str, checkpoint: Json, *, now: int) -> list[Json]:
    """The projects a checkpoint was shared with, newest first."""
    return [
        {
            "object": "checkpoint.permission",
            "id": f"cp_{dice.token(name, checkpoint['id'], n)}",
            "created_at": now - n * DAY,
            "project_id": f"proj_{dice.token(name, 'shared', n)}",
        }
        for n in range(2)
    ]
