"""What the witness answers in a conversation."""

from typing import Any

from tests.witness.rules import Refusal

Json = dict[str, Any]
BORN = 1_700_000_000


def completion(body: Json, models: set[str]) -> Json:
    """An answer that repeats the last message, so that a test knows what to expect."""
    if body.get("model") not in models:
        message = f"The model `{body.get('model')}` does not exist."
        raise Refusal(404, message, code="model_not_found", param="model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "messages must not be empty.", param="messages")
    text = f"You said: {messages[-1].get('content')}"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": BORN,
        "model": body.get("model"),
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def chunks(whole: Json, body: Json) -> list[Json]:
    """The same answer in pieces, and what it took where that was asked for."""
    base = {**whole, "object": "chat.completion.chunk"}
    usage = base.pop("usage")
    told = [{**base, "choices": [], "usage": usage}] if body.get("stream_options") else []
    text = whole["choices"][0]["message"]["content"]
    words = [word + " " for word in text.split(" ")]
    words[-1] = words[-1].rstrip()
    pieces: list[tuple[Json, str | None]] = [({"role": "assistant", "content": ""}, None)]
    pieces += [({"content": word}, None) for word in words]
    pieces.append(({}, "stop"))
    return [
        {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in pieces
    ] + told
