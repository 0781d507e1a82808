"""Count tokens offline: OpenAI's encodings, and the cookbook's estimate for one training row."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

Count = Callable[[str], int]

O200K = "o200k_base"  # gpt-4o, gpt-4.1 and the o-series
PER_MESSAGE = 3
PER_NAME = 1
PER_ROW = 3


@cache
def counter(encoding: str = O200K) -> Count:
    """The function that counts one text's tokens; special tokens written in the text count as text.

    70 MB/s a core, linear in the text. It holds the GIL, so count in workers, never beside a
    request. It raises UnicodeEncodeError on a lone surrogate.
    """
    encode = _tokenizer(encoding).encode_ordinary

    def count_text(text: str) -> int:
        return len(encode(text))

    return count_text


@cache
def _tokenizer(encoding: str) -> Any:
    """Imported when the first text is counted: most processes never count one."""
    from splintr import Tokenizer  # noqa: PLC0415 - for memory

    return Tokenizer.from_pretrained(encoding)


def count(text: str, encoding: str = O200K) -> int:
    """The tokens of one text."""
    return counter(encoding)(text)


def pieces(text: str, encoding: str = O200K) -> Iterator[tuple[str, int]]:
    """A text cut where its tokens end: each piece with how many tokens it is, which is one but for
    a character that is written with several.
    """
    tokenizer = _tokenizer(encoding)
    waiting: list[int] = []
    for token in tokenizer.encode_ordinary(text):
        waiting.append(token)
        try:
            piece = tokenizer.decode_bytes(waiting).decode()
        except ValueError:  # in the middle of a character
            continue
        yield piece, len(waiting)
        waiting = []


def row_tokens(messages: Iterable[Mapping[str, Any]], count_text: Count | None = None) -> int:
    """The tokens of a chat row by the OpenAI cookbook's rule: an estimate, never a bill.

    Three for each message, the tokens of each of its texts (role, content, name …), one more for a
    name, three for the row. A list of parts counts its texts; any other list or object, such as
    `tool_calls`, counts as JSON. `tools` stand outside the rule: see `definition_tokens`.
    """
    measure = count_text or counter()
    return PER_ROW + sum(message_tokens(message, measure) for message in messages)


def counted_texts(key: str, value: object) -> list[str]:
    """The texts that the rule counts of a message's value."""
    if isinstance(value, str):
        return [value]
    if key == "content" and isinstance(value, list):
        texts = (part.get("text") for part in value if isinstance(part, dict))
        return [text for text in texts if isinstance(text, str)]
    return [json.dumps(value)] if isinstance(value, list | dict) else []


def message_tokens(message: Mapping[str, Any], count_text: Count) -> int:
    """One message's share of `row_tokens`."""
    tokens = PER_MESSAGE
    for key, value in message.items():
        tokens += _value_tokens(key, value, count_text)
        if key == "name" and value is not None:
            tokens += PER_NAME
    return tokens


def definition_tokens(tools: object, count_text: Count) -> int:
    """The tokens of tools written as JSON; how a provider renders them is not published."""
    return count_text(json.dumps(tools, ensure_ascii=False))


def _value_tokens(key: str, value: object, count_text: Count) -> int:
    return sum(map(count_text, counted_texts(key, value)))
