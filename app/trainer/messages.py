"""The messages of a conversation, checked as far as an engine relies on them."""

from app.trainer.errors import Refusal
from app.trainer.parameters import one_of
from app.trainer.requests import Body, invalid_type

ROLES = ("system", "assistant", "user", "function", "tool", "developer")


def messages(body: Body) -> list[Body]:
    """What was said. Raises Refusal naming the message."""
    found = body.get("messages")
    if found is None:
        message = "Missing required parameter: 'messages'."
        raise Refusal(message, param="messages", code="missing_required_parameter")
    if not isinstance(found, list):
        raise invalid_type("messages", "an array of objects", found)
    if not found:
        message = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1,"
            " but got an empty array instead."
        )
        raise Refusal(message, param="messages", code="empty_array")
    for place, message in enumerate(found):
        _check(message, f"messages[{place}]")
    return found


def _check(message: object, where: str) -> None:
    if not isinstance(message, dict):
        raise invalid_type(where, "an object", message)
    role = one_of(message.get("role"), ROLES, f"{where}.role")
    content = message.get("content")
    # An assistant's message may be a call alone.
    if content is None and role != "assistant":
        wanted = "one of a string or array of objects"
        raise invalid_type(f"{where}.content", wanted, content)
    _check_content(content, f"{where}.content")
    calls = message.get("tool_calls")
    if calls is not None and not isinstance(calls, list):
        raise invalid_type(f"{where}.tool_calls", "an array of objects", calls)
    for place, call in enumerate(calls or []):
        if not isinstance(call, dict) or not isinstance(call.get("function", {}), dict):
            raise invalid_type(f"{where}.tool_calls[{place}]", "an object", call)


def _check_content(content: object, where: str) -> None:
    if content is None or isinstance(content, str):
        return
    if not isinstance(content, list):
        raise invalid_type(where, "one of a string or array of objects", content)
    for place, part in enumerate(content):
        at = f"{where}[{place}]"
        if not isinstance(part, dict):
            raise invalid_type(at, "an object", part)
        if not isinstance(part.get("type"), str):
            raise invalid_type(f"{at}.type", "a string", part.get("type"))
        if part["type"] == "text" and not isinstance(part.get("text"), str):
            raise invalid_type(f"{at}.text", "a string", part.get("text"))
