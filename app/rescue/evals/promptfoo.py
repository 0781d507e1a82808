"""A rescued eval as promptfooconfig.yaml: what carries over, and in comments what does not."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from app.core import storage
from app.rescue.evals import promptfoo_text as texts
from app.rescue.evals.bodies import Run, figure, lines_from, mapping, number, objects, read_line
from app.rescue.evals.promptfoo_asserts import mapped

SCHEMA = "# yaml-language-server: $schema=https://promptfoo.dev/config-schema.json"
ECHO = "echo"
LATEST = 2**33  # seconds; what is later is no date
# OpenAI's sampling setting: promptfoo's.
SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "max_completion_tokens": "max_completion_tokens",
    "reasoning_effort": "reasoning_effort",
}
READS_FILES = "it names a file that promptfoo would read in its place"
READS_SETTINGS = "it holds a template that promptfoo would fill with settings of your machine"
REFERS = "it holds $ref, which promptfoo would follow"


@dataclass(frozen=True, slots=True)
class RescuedRun:
    """A run that came home; `items` is where its output items lie, None where they are not here."""

    run_id: str
    run: Run
    items: Path | None


class Stop(NamedTuple):
    """The day on which a model stops or stopped, and who says so."""

    day: date
    has_stopped: bool
    source: str


@dataclass(frozen=True, slots=True)
class RescuedEval:
    """An eval with its runs, the oldest first. `stop_of` knows of a model's name when it stops,
    where anybody does.
    """

    eval_id: str
    content: Mapping[str, Any]
    runs: Sequence[RescuedRun]
    stop_of: Callable[[str], Stop | None]


@dataclass(slots=True)
class _Parts:
    """A configuration while it is put together."""

    prompts: dict[str, str] = field(default_factory=dict)  # the raw prompt: its label
    providers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asserts: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    judges: dict[str, list[str]] = field(default_factory=dict)


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Texts of several lines as they stand; what looks like a number in some YAML in quotes."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None if text[:1].isalpha() and text.isascii() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def path_of(sha256: str | None) -> Path | None:
    """Where the bytes of this hash lie; None where they do not."""
    return storage.blob_path(sha256) if sha256 and storage.is_stored(sha256) else None


def configuration(rescued: RescuedEval) -> Iterator[bytes]:
    """promptfooconfig.yaml, piece by piece; the items of the runs are read as they are written."""
    parts = _put_together(rescued)
    yield f"{SCHEMA}\n{_remarks(rescued, parts)}\n".encode()
    head = {
        "description": texts.literal(texts.said(_title(rescued), 120)),
        "prompts": [{"label": label, "raw": raw} for raw, label in parts.prompts.items()],
        "providers": list(parts.providers.values()),
        "defaultTest": {"assert": parts.asserts},
    }
    text = yaml.dump(head, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    yield text.encode(errors="replace")
    yield from _tests(rescued.runs)


def _title(rescued: RescuedEval) -> str:
    return f"{rescued.content.get('name') or rescued.eval_id} (rescued from OpenAI Evals)"


def _put_together(rescued: RescuedEval) -> _Parts:
    parts = _Parts()
    structured = _structured(rescued.content)
    for one in rescued.runs:
        _add_run(parts, one, structured)
    if not parts.providers:
        parts.notes.append(
            "No run asked a model: the graders looked at the items alone. The provider echo gives "
            "back each item; the assertions take from it what they compare."
        )
        parts.prompts[f"{{{{ {texts.ITEM} | dump }}}}"] = "The item itself"
        parts.providers[ECHO] = {"id": ECHO}
    for criterion in objects(rescued.content.get("testing_criteria")):
        _add_criterion(parts, criterion, structured)
    return parts


def _structured(content: Mapping[str, Any]) -> frozenset[str]:
    """The fields of an item that the eval's schema says are objects or lists."""
    schema = mapping(mapping(content.get("data_source_config")).get("schema"))
    of_item = mapping(mapping(schema.get("properties")).get("item")) or schema
    fields = mapping(of_item.get("properties"))
    return frozenset(
        name for name, one in fields.items() if mapping(one).get("type") in {"object", "array"}
    )


def _add_criterion(parts: _Parts, criterion: dict[str, Any], structured: frozenset[str]) -> None:
    name = texts.said(criterion.get("name") or criterion.get("type") or "a criterion", 80)
    try:
        found = mapped(criterion, structured)
    except ValueError as error:
        parts.lost.append(f"{name}: {error} As it was: {texts.said(json.dumps(criterion), 2000)}")
        return
    parts.asserts.append(found.assertion)
    parts.notes += [f"{name}: {note}" for note in found.notes]
    if found.judge:
        parts.judges.setdefault(found.judge, []).append(name)


def _add_run(parts: _Parts, one: RescuedRun, structured: frozenset[str]) -> None:
    source = one.run.data_source
    model = (source.model if source else None) or one.run.model
    if one.items is None:
        parts.lost.append(f"Run {texts.said(one.run_id)}: its output items are not here.")
    if source is None or not isinstance(model, str) or not source.input_messages:
        return
    label = texts.said(one.run.name or one.run_id, 80)
    try:
        raw = _prompt(mapping(source.input_messages), structured)
    except ValueError as error:
        parts.lost.append(f"Run {label}: its prompt cannot be a prompt of promptfoo. {error}")
        return
    prompt = parts.prompts.setdefault(raw, texts.literal(label))
    api = "responses" if source.type == "responses" else "chat"
    settings = mapping(source.sampling_params)
    config = {ours: settings[theirs] for theirs, ours in SAMPLING.items() if theirs in settings}
    for left in settings.keys() - SAMPLING.keys():
        parts.lost.append(
            f"Run {label}: the setting {texts.said(left, 40)} "
            f"({texts.said(json.dumps(settings[left]), 400)})."
        )
    key = json.dumps([api, model, config], sort_keys=True)
    provider = parts.providers.setdefault(
        key, {"id": f"openai:{api}:{model}", "config": config, "prompts": []}
    )
    if prompt not in provider["prompts"]:
        provider["prompts"].append(prompt)


def _prompt(messages: dict[str, Any], structured: frozenset[str]) -> str:
    """The run's messages as promptfoo's chat prompt. Raises ValueError in words."""
    if messages.get("type") == "item_reference":
        reference = texts.pieces_of(f"{{{{ {messages.get('item_reference')} }}}}")
        return texts.template(reference, structured=_first_names(reference))
    told = [
        {
            "role": str(message.get("role") or "user"),
            "content": _content(message.get("content"), structured),
        }
        for message in objects(messages.get("template"))
    ]
    if not told:
        raise ValueError("It has no messages.")
    return json.dumps(told, ensure_ascii=False, indent=2)


def _first_names(pieces: texts.Pieces) -> frozenset[str]:
    return frozenset(str(piece[1][0]) for piece in pieces if not isinstance(piece, str))


def _content(content: Any, structured: frozenset[str]) -> Any:
    if isinstance(content, str):
        return texts.template(texts.pieces_of(content), structured=structured)
    if isinstance(content, list):
        return [_part(mapping(part), structured) for part in content]
    return [_part(mapping(content), structured)]


def _part(part: dict[str, Any], structured: frozenset[str]) -> dict[str, Any]:
    if part.get("type") in {"input_text", "output_text", "text"}:
        text = texts.template(texts.pieces_of(part.get("text")), structured=structured)
        return {"type": "text", "text": text}
    if part.get("type") == "input_image":
        address = texts.template(texts.pieces_of(part.get("image_url")), structured=structured)
        return {"type": "image_url", "image_url": {"url": address}}
    raise ValueError(f"It has a part of type {texts.said(part.get('type'), 40)}.")


def _tests(runs: Iterable[RescuedRun]) -> Iterator[bytes]:
    """The items of all runs, each once, a line of JSON each, which is YAML."""
    seen: set[bytes] = set()
    yield b"tests:\n"
    for one in runs:
        for line in lines_from(one.items) if one.items else ():
            if (read := read_line(line)) is None:
                yield _left_out(one, line.number, "it cannot be read")
                continue
            item = mapping(read.get("datasource_item"))
            text = json.dumps(item, sort_keys=True).encode()
            key = hashlib.blake2b(text, digest_size=16).digest()
            if key in seen:
                continue
            seen.add(key)
            if reason := _why_not(item):
                yield _left_out(one, line.number, reason)
                continue
            test = {"vars": {texts.ITEM: item}, "metadata": _origin(read, one)}
            yield f"- {texts.yaml_line(test)}\n".encode()
    if not seen:
        yield b"  []\n"


def _origin(read: dict[str, Any], one: RescuedRun) -> dict[str, Any]:
    place = number(read.get("datasource_item_id"))
    return {"openaiRunId": one.run_id} | ({} if place is None else {"openaiDataSourceIdx": place})


def _left_out(one: RescuedRun, line: int, reason: str) -> bytes:
    return (
        f"# Left out: item {line} of run {texts.said(one.run_id)}: {reason}. "
        "It is among the eval_items.\n"
    ).encode(errors="replace")


def _why_not(value: Any) -> str | None:
    """Why promptfoo would not take an item as data: it opens files, follows references and fills in
    templates wherever they stand in a configuration.
    """
    if isinstance(value, dict):
        if "$ref" in value:
            return REFERS
        return next(filter(None, map(_why_not, (*value.keys(), *value.values()))), None)
    if isinstance(value, list):
        return next(filter(None, map(_why_not, value)), None)
    if isinstance(value, str):
        if value.startswith(texts.NAMES_A_FILE):
            return READS_FILES
        if "{{" in value and "env" in value:
            return READS_SETTINGS
    return None


def _remarks(rescued: RescuedEval, parts: _Parts) -> str:
    made = figure(rescued.content.get("created_at")) or 0
    lines = [
        f"Rescued by Luthier: {texts.said(_title(rescued), 120)}, {texts.said(rescued.eval_id)}"
        + (f", made {datetime.fromtimestamp(made, UTC):%Y-%m-%d}" if 0 < made < LATEST else "")
        + f"; {len(rescued.runs)} runs.",
        "Run it: npx promptfoo@latest eval -c promptfooconfig.yaml",
        "The old answers: npx promptfoo@latest import eval_items_….jsonl",
    ]
    lines += ["", "Look at before you trust it:", *(f"- {note}" for note in parts.notes)] * bool(
        parts.notes
    )
    judged = [*_judges(rescued, parts)]
    lines += ["", "Models that are asked:", *judged] * bool(judged)
    lost = parts.lost
    lines += ["", "Not carried over:", *(f"- {one}" for one in lost)] * bool(lost)
    return "\n".join(f"# {line}".rstrip() for line in lines)


def _judges(rescued: RescuedEval, parts: _Parts) -> Iterator[str]:
    """Which models the configuration asks, and which of them are gone, or soon will be."""
    for provider in parts.providers.values():
        if provider["id"] != ECHO:
            name = provider["id"].split(":", 2)[2]
            yield f"- {texts.said(name)} answers{_fate(rescued.stop_of(name))}"
    for judge, criteria in parts.judges.items():
        told = _fate(rescued.stop_of(judge))
        yield f"- {texts.said(judge)} judges {', '.join(criteria)}{told}"


def _fate(stop: Stop | None) -> str:
    if stop is None:
        return ". No day is known on which it stops; OpenAI's page on deprecations may know one."
    word = "stopped" if stop.has_stopped else "stops"
    source = texts.said(stop.source)
    return f". It {word} on {stop.day.isoformat()} ({source}): put another in its place."
