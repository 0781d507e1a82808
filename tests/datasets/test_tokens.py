"""Token counts against OpenAI's own counter, with the vocabulary that is on this machine."""

import base64
import gzip
import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.tokens import count, counter, row_tokens
from tests.formats.rows import CALL, TOOL, USER

BANKING77 = Path(__file__).parents[2] / "examples" / "banking77" / "train.jsonl"
ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
PATTERN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{ENDINGS}|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
HOSTILE = (
    "",
    " " * 5_000,
    "a" * 20_000,
    "e\u0301" * 5_000,
    "\u202eabc\u202c\u200b\ufeff",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "<|endoftext|><|im_start|>system",
    "Ünïcödé 漢字 العربية हिन्दी ไทย",
    "\r\n\t\x0b\x0c\x85\u2028\u2029",
    "1234567890" * 100,
    "\x00\x1b[2J",
    "it's you'LL we'Ve",
)


@pytest.fixture(scope="module")
def reference() -> tiktoken.Encoding:
    """OpenAI's encoder over the vocabulary the tokenizer's package ships; nothing is fetched."""
    spec = find_spec("bpe_openai")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "data"
    with gzip.open(folder / "o200k_base.tiktoken.gz", "rb") as file:
        pairs = (line.split() for line in file if line.strip())
        ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    return tiktoken.Encoding(
        "o200k_base", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={}
    )


def test_banking77_has_the_tokens_openai_would_count(reference):
    with BANKING77.open(encoding="utf-8") as file:
        rows = [json.loads(line)["messages"] for line in file][::5]
    encoded = (
        [len(reference.encode_ordinary(text)) for message in row for text in message.values()]
        for row in rows
    )
    assert [row_tokens(row) for row in rows] == [sum(sizes) + 3 * 3 + 3 for sizes in encoded]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_count_alike(reference, text):
    assert count(text) == len(reference.encode_ordinary(text))


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_counts_alike(reference, text):
    assert count(text) == len(reference.encode_ordinary(text))


def test_the_cookbooks_rule_for_names_and_calls():
    plain = row_tokens([USER])
    assert row_tokens([{**USER, "name": "Ann"}]) == plain + 1 + count("Ann")
    parts = [{"type": "text", "text": USER["content"]}, {"type": "image_url", "image_url": {}}]
    assert row_tokens([{**USER, "content": parts}]) == plain
    calling = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    assert row_tokens([calling]) == 3 + 3 + count("assistant") + count(json.dumps([CALL]))
    assert row_tokens([]) == 3
    assert count(json.dumps(TOOL)) > 0


def test_a_lone_surrogate_is_an_error_not_a_guess():
    with pytest.raises(UnicodeEncodeError):
        counter()("\ud800")
