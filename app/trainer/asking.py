"""Reads a request for a chat completion, refusing in OpenAI's words."""

from dataclasses import dataclass

from app.trainer.answering import Request
from app.trainer.engines.base import Sampling
from app.trainer.engines.registry import BASE_MODELS
from app.trainer.errors import Refusal, missing_model
from app.trainer.requests import Body, invalid_type
from app.trainer.runs import Runs
from app.trainer.stand_ins import own_name

DEFAULT_MAX_TOKENS = 256
MOST_TOKENS = 4096
MOST_CHOICES = 16
MOST_STOPS = 4
MOST_TOP_LOGPROBS = 20
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# A small label model could only pretend to these.
UNSUPPORTED = {
    "tools": "tools",
    "functions": "functions",
    "audio": "audio",
    "response_format": "response formats",
}


@dataclass(frozen=True)
class ChatRequest:
    """What was asked, checked."""

    model: str
    request: Request
    is_streamed: bool
    has_usage: bool
    has_logprobs: bool


def chat_request(body: Body, runs: Runs) -> ChatRequest:
    """Read the body. Raises Refusal naming the parameter."""
    model = body.get("model")
    if not isinstance(model, str):
        raise Refusal("you must provide a model parameter", param="model")
    model = own_name(model)
    tuned = None if model in BASE_MODELS else runs.model(model)
    if model not in BASE_MODELS and tuned is None:
        raise missing_model(model)
    for name, words in UNSUPPORTED.items():
        value = body.get(name)
        if value and not (name == "response_format" and value == {"type": "text"}):
            raise Refusal(f"'{model}' is a practice model and has no {words}.", param=name)
    has_logprobs = _flag(body, "logprobs")
    top = _number(body, "top_logprobs", 0, least=0, most=MOST_TOP_LOGPROBS, is_whole=True)
    if top and not has_logprobs:
        raise Refusal("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")
    limit_name = (
        "max_tokens" if body.get("max_completion_tokens") is None else "max_completion_tokens"
    )
    limit = _number(body, limit_name, DEFAULT_MAX_TOKENS, least=1, most=2**31, is_whole=True)
    seed = _number(body, "seed", -1, least=-(2**63), most=2**63, is_whole=True)
    sampling = Sampling(
        max_tokens=min(int(limit), MOST_TOKENS),
        temperature=_number(body, "temperature", 1.0, least=0, most=2),
        top_p=_number(body, "top_p", 1.0, least=0, most=1),
        seed=None if body.get("seed") is None else int(seed) % 2**63,
        stop=_stops(body.get("stop")),
        top_logprobs=int(top),
    )
    options = body.get("stream_options") or {}
    return ChatRequest(
        model=model,
        request=Request(
            id=0,
            engine=tuned.run.spec.engine if tuned else BASE_MODELS[model],
            path=str(tuned.path) if tuned else None,
            messages=_messages(body),
            choices=int(_number(body, "n", 1, least=1, most=MOST_CHOICES, is_whole=True)),
            sampling=sampling,
        ),
        is_streamed=_flag(body, "stream"),
        has_usage=isinstance(options, dict) and options.get("include_usage") is True,
        has_logprobs=has_logprobs,
    )


def _messages(body: Body) -> list[Body]:
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise invalid_type("messages", "an array of objects", messages)
    if not messages:
        raise Refusal("'messages' must have at least one message.", param="messages")
    for place, message in enumerate(messages):
        if not isinstance(message, dict):
            raise invalid_type(f"messages[{place}]", "an object", message)
        if message.get("role") not in ROLES:
            raise Refusal(
                f"Invalid role: {message.get('role')!r}.", param=f"messages[{place}].role"
            )
        if not isinstance(message.get("content"), (str, list, type(None))):
            raise invalid_type(
                f"messages[{place}].content", "a string or an array", message["content"]
            )
    return messages


def _stops(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if value is not None and not isinstance(value, (str, list)):
        raise invalid_type("stop", "a string or an array of strings", value)
    if len(stops) > MOST_STOPS or not all(isinstance(text, str) for text in stops):
        raise Refusal(f"'stop' takes up to {MOST_STOPS} strings.", param="stop")
    return tuple(stops)


def _number(
    body: Body, name: str, default: float, *, least: float, most: float, is_whole: bool = False
) -> float:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int if is_whole else (int, float)):
        raise invalid_type(name, "an integer" if is_whole else "a number", value)
    if not least <= value <= most:
        raise Refusal(f"'{name}' must lie between {least} and {most}, but is {value}.", param=name)
    return value


def _flag(body: Body, name: str) -> bool:
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid_type(name, "a boolean", value)
