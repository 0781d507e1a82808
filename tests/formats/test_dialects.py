"""Rows in the words of others: nothing is lost on the way, and no spreadsheet calculates."""

import csv
import io
import json
from typing import Any

import pytest

from app.core.cells import FORMULA
from app.formats.dialects.registry import DIALECTS
from app.formats.preference import in_openais_words
from app.formats.reading import BOM
from tests.formats.rows import ANSWER, CALL, TOOL, USER, make_row

SYSTEM = {"role": "system", "content": "Say the intent.\nOne word."}
ASKS_A_TOOL = {"role": "assistant", "content": None, "tool_calls": [CALL]}
OTHER = {"role": "assistant", "content": "lost_card"}
CHAT = [
    make_row(),
    make_row(SYSTEM, USER, ANSWER),
    make_row(SYSTEM, USER, ANSWER, USER, {**ANSWER, "weight": 0}),
    make_row({"role": "system", "content": ""}, USER, ANSWER),
    make_row({**USER, "name": "ada"}, ANSWER),
    make_row(USER, ASKS_A_TOOL, tools=[TOOL], parallel_tool_calls=False),
    make_row(*({**USER, "content": f"{sign}1+1"} for sign in FORMULA), ANSWER),
    *(make_row({**USER, "content": f"{sign}1+1"}, ANSWER) for sign in (*FORMULA, "'=", "''=", "'")),
    make_row({**USER, "content": 'a "quoted", text\r\nof lines 東京 🎸'}, ANSWER),
]
PAIR = {
    "input": {"messages": [USER]},
    "preferred_output": [ANSWER],
    "non_preferred_output": [OTHER],
}
PREFERENCE = [
    PAIR,
    {**PAIR, "input": {"messages": [SYSTEM, USER], "tools": [TOOL], "parallel_tool_calls": True}},
    {"input": PAIR["input"], "preferred_completion": [ANSWER], "non_preferred_completion": [OTHER]},
    {**PAIR, "preferred_output": [ASKS_A_TOOL]},
    {"prompt": "Where is my card?", "chosen": "card_arrival", "rejected": "lost_card"},
]
REINFORCEMENT = [{"messages": [USER], "answer": 42, "why": "=1"}, {"messages": [SYSTEM, USER]}]
COMPLETION = [{"prompt": "Say it", "completion": " so"}, {"prompt": "x", "completion": "y", "n": 1}]
EVALUATION = [{"item": {"question": "1+1", "answer": "2"}}]
ROWS = {
    "chat": CHAT,
    "preference": PREFERENCE,
    "reinforcement": REINFORCEMENT,
    "completion": COMPLETION,
    "evaluation": EVALUATION,
}


def exported(dialect: str, format_name: str, rows: list[dict[str, Any]]) -> bytes:
    chosen = DIALECTS[dialect]
    lines = (json.dumps(row, ensure_ascii=False).encode() + b"\r" for row in rows)
    return chosen.head(format_name) + b"".join(chosen.row(format_name, line) for line in lines)


def objects(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.split(b"\n")[:-1]]


@pytest.mark.parametrize("format_name", ROWS)
def test_openai_and_azure_differ_by_the_mark_alone(format_name):
    rows = ROWS[format_name]
    for_openai = exported("openai", format_name, rows)
    assert not for_openai.startswith(BOM)
    assert exported("azure", format_name, rows) == BOM + for_openai
    same = in_openais_words if format_name == "preference" else lambda row: row
    assert objects(for_openai) == [same(row) for row in rows]


def test_a_row_that_is_in_openais_words_stays_byte_for_byte():
    line = b'{"messages" :[{"role":"user","content":"\\u00fc"}],  "n": 1.50}'
    assert DIALECTS["openai"].row("chat", line) == line + b"\n"
    pair = json.dumps(PAIR, separators=(",", ":")).encode()
    assert DIALECTS["openai"].row("preference", pair) == pair + b"\n"


def back_from_trl(row: dict[str, Any]) -> dict[str, Any]:
    """A preference or a reinforcement row as it was; arguments as text again."""
    row = json.loads(json.dumps(row), object_hook=_arguments_as_text)
    if isinstance(row.get("chosen"), list):
        tools = {key: row[key] for key in ("tools", "parallel_tool_calls") if key in row}
        asked = {"messages": row["prompt"], **tools}
        outputs = {"preferred_output": row["chosen"], "non_preferred_output": row["rejected"]}
        return {"input": asked, **outputs}
    if isinstance(row.get("prompt"), list):
        return {"messages": row["prompt"], **{k: v for k, v in row.items() if k != "prompt"}}
    return row


def _arguments_as_text(value: dict[str, Any]) -> dict[str, Any]:
    if isinstance(value.get("arguments"), dict):
        return {**value, "arguments": json.dumps(value["arguments"])}
    return value


@pytest.mark.parametrize("format_name", ["chat", "preference", "reinforcement", "completion"])
def test_what_trl_gets_can_be_said_back(format_name):
    rows = ROWS[format_name]
    written = objects(exported("trl", format_name, rows))
    same = in_openais_words if format_name == "preference" else lambda row: row
    assert [same(back_from_trl(row)) for row in written] == [same(row) for row in rows]


def test_a_table_keeps_what_stands_beside_a_pair_of_trls():
    row = {"prompt": "Which?", "chosen": "this", "rejected": "that", "margin": 0.5}
    content = exported("csv", "preference", [row]).decode("utf-8-sig")
    _, (*cells, whole) = csv.reader(io.StringIO(content, newline=""))
    assert not any(cells)
    assert json.loads(whole) == row


def test_trl_reads_pairs_prompts_and_arguments_as_it_documents_them():
    pair, *_ = objects(exported("trl", "preference", PREFERENCE))
    assert pair == {"prompt": [USER], "chosen": [ANSWER], "rejected": [OTHER]}
    prompt, _ = objects(exported("trl", "reinforcement", REINFORCEMENT))
    assert prompt == {"prompt": [USER], "answer": 42, "why": "=1"}
    called = objects(exported("trl", "chat", [make_row(USER, ASKS_A_TOOL, tools=[TOOL])]))
    assert called[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == {}
    odd = {**CALL, "function": {"name": "find", "arguments": '{"a": 1, "a": 2}'}}
    kept = make_row(USER, {**ASKS_A_TOOL, "tool_calls": [odd, "?"]})
    assert objects(exported("trl", "chat", [kept])) == [kept], "what is no object stays as it is"


@pytest.mark.parametrize("format_name", ["chat", "preference", "reinforcement", "completion"])
def test_a_table_says_every_row_and_no_cell_is_calculated(format_name):
    content = exported("csv", format_name, ROWS[format_name])
    assert content.startswith(BOM)
    columns, *lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert not any(cell.startswith(FORMULA) for line in lines for cell in line)
    same = in_openais_words if format_name == "preference" else lambda row: row
    assert [same(_row_of(dict(zip(columns, line, strict=True)))) for line in lines] == [
        same(row) for row in ROWS[format_name]
    ]


def _row_of(cells: dict[str, str]) -> dict[str, Any]:
    cells = {key: _read(text) for key, text in cells.items()}
    if cells["row"]:
        return json.loads(cells["row"])
    if "prompt" in cells:
        return {"prompt": cells["prompt"], "completion": cells["completion"]}
    system = [{"role": "system", "content": cells["system"]}] if cells["system"] else []
    asked = [*system, {"role": "user", "content": cells["question"]}]
    if "fields" in cells:
        return {"messages": asked, **json.loads(cells["fields"])}
    if "preferred" in cells:
        return {
            "input": {"messages": asked},
            "preferred_output": [{"role": "assistant", "content": cells["preferred"]}],
            "non_preferred_output": [{"role": "assistant", "content": cells["other"]}],
        }
    return {"messages": [*asked, {"role": "assistant", "content": cells["answer"]}]}


def _read(cell: str) -> str:
    """The text again: of the apostrophes before what a spreadsheet would calculate, one is ours."""
    is_ours = cell.startswith("'") and cell.lstrip("'").startswith(FORMULA)
    return cell[1:] if is_ours else cell
