"""Reads a request for a chat completion, refusing in OpenAI's words."""

from dataclasses import dataclass

from app.trainer import requests
from app.trainer.answering import Request
from app.trainer.engines.base import Sampling
from app.trainer.engines.registry import BASE_MODELS
from app.trainer.errors import Refusal, missing_model
from app.trainer.messages import messages
from app.trainer.parameters import (
    decimal,
    flag,
    one_of,
    refuse_unknown,
    unsupported,
    whole_number,
)
from app.trainer.requests import Body, invalid_type, object_in
from app.trainer.runs import Runs
from app.trainer.stand_ins import own_name

DEFAULT_MAX_TOKENS = 256
MOST_TOKENS = 4096
# All choices of a request together: an answer is held in memory until its reader took it.
MOST_TOGETHER = 16_384
MOST_CHOICES = 128
MOST_STOPS = 4
MOST_TOP_LOGPROBS = 20
LONGEST_SEED = 2**63

# What has no effect here and loses nothing by it: hints about users, caches and prices.
HINTS = ("user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
FORMATS = ("json_object", "json_schema", "text")
# What a small label model could only pretend to.
UNSUPPORTED = {
    "tools": "A practice model calls no tools.",
    "tool_choice": "A practice model calls no tools.",
    "parallel_tool_calls": "A practice model calls no tools.",
    "functions": "A practice model calls no functions.",
    "function_call": "A practice model calls no functions.",
    "audio": "A practice model writes text alone.",
    "prediction": "A practice model takes no predicted output.",
    "reasoning_effort": "A practice model does not reason.",
    "verbosity": "A practice model answers as long as it learned to.",
    "web_search_options": "A practice model searches nothing.",
    "moderation": "This trainer moderates nothing.",
    "logit_bias": "It names tokens of OpenAI's vocabulary; every practice model has its own.",
}
KNOWN = frozenset(
    {
        *("model", "messages", "n", "seed", "temperature", "top_p", "stop"),
        *("max_tokens", "max_completion_tokens", "frequency_penalty", "presence_penalty"),
        *("logprobs", "top_logprobs", "stream", "stream_options", "response_format"),
        *("modalities", "service_tier", "store", "metadata", "prompt_cache_options"),
        *HINTS,
        *UNSUPPORTED,
    }
)


@dataclass(frozen=True)
class ChatRequest:
    """What was asked, checked."""

    model: str
    request: Request
    is_streamed: bool
    has_usage: bool
    has_logprobs: bool
    has_tier: bool


def chat_request(body: Body, runs: Runs) -> ChatRequest:
    """Read the body. Raises Refusal naming the parameter."""
    model = body.get("model")
    if not isinstance(model, str):
        raise Refusal("you must provide a model parameter", param="model")
    model = own_name(model)
    tuned = None if model in BASE_MODELS else runs.model(model)
    if model not in BASE_MODELS and tuned is None:
        raise missing_model(model)
    refuse_unknown(body, KNOWN)
    _refuse_unsupported(body)
    _check_hints(body)
    choices = whole_number(body, "n", least=1, most=MOST_CHOICES) or 1
    has_logprobs = flag(body, "logprobs")
    return ChatRequest(
        model=model,
        request=Request(
            id=0,
            engine=tuned.run.spec.engine if tuned else BASE_MODELS[model],
            path=str(tuned.path) if tuned else None,
            messages=messages(body),
            choices=choices,
            sampling=_sampling(body, choices, has_logprobs=has_logprobs),
        ),
        is_streamed=flag(body, "stream"),
        has_usage=_wants_usage(body),
        has_logprobs=has_logprobs,
        has_tier=body.get("service_tier") is not None,
    )


def _refuse_unsupported(body: Body) -> None:
    for name, reason in UNSUPPORTED.items():
        if body.get(name) not in (None, [], {}):
            raise unsupported(name, reason)
    kind = object_in(body, "response_format").get("type", "text")
    if one_of(kind, FORMATS, "response_format.type") != "text":
        message = f"'response_format' of type '{kind}' is not supported with this model"
        raise Refusal(
            f"Invalid parameter: {message}. A practice model says what it learned.",
            param="response_format",
        )
    modalities = body.get("modalities")
    if modalities not in (None, ["text"]):
        raise unsupported("modalities", "A practice model writes text alone: send ['text'].")


def _check_hints(body: Body) -> None:
    for name in HINTS:
        if not isinstance(body.get(name, ""), (str, type(None))):
            raise invalid_type(name, "a string", body[name])
    if body.get("service_tier") is not None:
        one_of(body["service_tier"], TIERS, "service_tier")
    object_in(body, "prompt_cache_options")
    # Nothing is stored, as for OpenAI's customers with zero data retention, whose `store` is
    # taken for false.
    flag(body, "store")
    requests.metadata(body.get("metadata"))


def _sampling(body: Body, choices: int, *, has_logprobs: bool) -> Sampling:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Refusal(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            param="max_tokens",
            code="invalid_parameter_combination",
        )
    limits = [
        whole_number(body, name, least=1, most=2**31)
        for name in ("max_tokens", "max_completion_tokens")
    ]
    top = whole_number(body, "top_logprobs", least=0, most=MOST_TOP_LOGPROBS) or 0
    if top and not has_logprobs:
        raise Refusal(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
            param="top_logprobs",
        )
    seed = whole_number(body, "seed", least=-LONGEST_SEED, most=LONGEST_SEED - 1)
    return Sampling(
        max_tokens=min(
            limits[0] or limits[1] or DEFAULT_MAX_TOKENS, MOST_TOKENS, MOST_TOGETHER // choices
        ),
        temperature=decimal(body, "temperature", 1, least=0, most=2),
        top_p=decimal(body, "top_p", 1, least=0, most=1),
        seed=None if seed is None else seed % LONGEST_SEED,
        stop=_stops(body.get("stop")),
        top_logprobs=top,
        frequency_penalty=decimal(body, "frequency_penalty", 0, least=-2, most=2),
        presence_penalty=decimal(body, "presence_penalty", 0, least=-2, most=2),
    )


def _stops(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise invalid_type("stop", "a string or an array of strings", value)
    if len(value) > MOST_STOPS:
        raise Refusal(
            f"Invalid 'stop': array too long. Expected an array with maximum length {MOST_STOPS},"
            f" but got an array with length {len(value)} instead.",
            param="stop",
            code="array_above_max_length",
        )
    for place, text in enumerate(value):
        if not isinstance(text, str):
            raise invalid_type(f"stop[{place}]", "a string", text)
    return tuple(value)


def _wants_usage(body: Body) -> bool:
    if body.get("stream_options") is None:
        return False
    if not flag(body, "stream"):
        raise Refusal(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    options = object_in(body, "stream_options")
    refuse_unknown(options, {"include_usage", "include_obfuscation"})
    flag(options, "include_obfuscation")
    return flag(options, "include_usage")
