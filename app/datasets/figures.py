"""The charts of a version: each from what its check wrote down, each with its rows as a table."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from app.core.tokens import O200K
from app.datasets.browsing import HOLDS
from app.datasets.charts import histogram_of, ticks
from app.datasets.checks.labels import FEWEST_EXAMPLES
from app.datasets.index import Index
from app.datasets.views_figures import Bar, Figure, Histogram, Query, Ranked, Share, Shares
from app.providers.profiles import profiles

ROUND_LIMITS = (1_024, 4_096, 8_192, 32_768)
MOST_SYSTEMS = 64
MOST_NAMED = 12
ROLES = ("system", "developer", "user", "assistant", "tool")
SHOWN_LENGTH = 400


def figures(index: Index) -> tuple[Figure, ...]:
    """Every chart there is something to draw in."""
    return tuple(_figures(index.facts))


def main_figures(index: Index) -> tuple[Figure, ...]:
    """The two a report opens with: how long rows are, and what the answers are."""
    found = {figure.key: figure for figure in _figures(index.facts)}
    wanted = ("tokens", "labels" if "labels" in found else "tokens-assistant")
    return tuple(found[key] for key in wanted if key in found)


def is_whole(index: Index) -> bool:
    """False for an index from before every length was kept."""
    return "lengths" in index.facts


def _figures(facts: Mapping[str, Any]) -> Iterator[Figure]:
    verdict, lengths = facts["verdict"], facts.get("lengths", {})
    rows = verdict["rows"]
    estimate = f"{verdict.get('encoding', O200K)}, estimate"
    if row_lengths := lengths.get("row"):
        yield _tokens("tokens", "Tokens per row", histogram_of(row_lengths), estimate, True)
    elif verdict["histogram"]:
        yield _tokens("tokens", "Tokens per row", _as_it_was_kept(verdict), estimate, True)
    yield from _labels(facts, rows)
    yield from _tags(facts, rows)
    by_role = sorted(lengths.get("roles", {}).items(), key=_role_rank)
    for at, (role, counts) in enumerate(by_role):
        is_ours = role in ROLES
        key = f"tokens-{role if is_ours else at}"
        title = f"{role.capitalize() if is_ours else role or 'unnamed'} tokens per row"
        yield _tokens(key, title, histogram_of(counts), estimate)
    turns = sorted((int(messages), count) for messages, count in verdict["turns"].items())
    if turns and turns[-1][0]:  # rows of an evaluation have no messages
        drawn = histogram_of(turns)
        aside = f"{drawn.total:,} in all, median {drawn.median:,}"
        yield Figure("messages", "Messages per row", "messages", drawn, aside)
    yield from _holds(facts, rows)
    if row_lengths:
        yield _limits(row_lengths, rows, estimate)
    yield from _systems(facts, rows)


def _tokens(
    key: str, title: str, drawn: Histogram, estimate: str, is_row_length: bool = False
) -> Figure:
    aside = f"{drawn.total:,} in all, median {drawn.median:,}"
    return Figure(key, title, "tokens", drawn, aside, estimate, is_row_length)


def _role_rank(item: tuple[str, Any]) -> tuple[int, str]:
    role = item[0]
    return (ROLES.index(role) if role in ROLES else len(ROLES), role)


def _as_it_was_kept(verdict: Mapping[str, Any]) -> Histogram:
    """The bars of an index from before every length was kept."""
    bars = tuple(Bar(one["first"], one["last"] + 1, one["count"]) for one in verdict["histogram"])
    highest = ticks(max(bar.count for bar in bars))
    return Histogram(bars, highest, verdict["median_tokens"], verdict["tokens"])


def _labels(facts: Mapping[str, Any], rows: int) -> Iterator[Figure]:
    codes = {label: code for label, code, _ in facts.get("labels", ())}
    labels = facts["verdict"]["labels"] or ()
    if not labels:
        return
    lines = tuple(
        Share(
            label,
            count,
            count / rows,
            query={"label": codes[label]} if label in codes else {},
            is_small=count < FEWEST_EXAMPLES,
        )
        for label, count in labels
    )
    small = [line.words for line in lines if line.is_small]
    aside = f"{len(lines)} labels, smallest has {lines[-1].rows:,}"
    note = f"Under {FEWEST_EXAMPLES}: {_some(small)}" if small else ""
    drawn = Ranked(lines, ticks(lines[0].rows))
    yield Figure("labels", "Rows per label", "label", drawn, aside, note)


def _tags(facts: Mapping[str, Any], rows: int) -> Iterator[Figure]:
    for at, (name, ranks) in enumerate(facts.get("tags", ())):
        lines = tuple(Share(value, count, count / rows) for value, count in ranks)
        aside = f"{len(lines)} values, smallest has {lines[-1].rows:,}"
        is_short = len(lines) <= MOST_NAMED
        drawn = Shares(lines) if is_short else Ranked(lines, ticks(lines[0].rows))
        yield Figure(f"field-{at}", f"Rows per {name}", name, drawn, aside)


def _some(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _holds(facts: Mapping[str, Any], rows: int) -> Iterator[Figure]:
    if "flags" not in facts:
        return
    lines = []
    for key, (flag, words) in HOLDS.items():
        count = sum(count for flags, count in facts["flags"] if flags & flag)
        query: Query = {"holds": key} if count else {}
        lines.append(Share(words.capitalize(), count, count / rows if rows else 0.0, query=query))
    yield Figure("holds", "What rows hold", "holds", Shares(tuple(lines)))


def _limits(counts: Sequence[tuple[int, int]], rows: int, estimate: str) -> Figure:
    """Rows over each limit that a provider is known to have, and over some round ones."""
    trained, read = _known_limits()
    lines = []
    for limit in sorted({*ROUND_LIMITS, *trained, *read}):
        over = sum(count for tokens, count in counts if tokens > limit)
        words = []
        if limit in trained:
            words.append(f"trained on at {' and '.join(trained[limit])}")
        if limit in read:
            words.append(f"read by a model tuned at {' and '.join(read[limit])}")
        query: Query = {"at_least": limit + 1} if over else {}
        note = f"No more of a row is {', or '.join(words)}" if words else ""
        is_cut = over > 0 and limit in trained
        lines.append(Share(f"Over {limit:,}", over, over / rows, note, query, is_cut))
    return Figure("limits", "Rows over each limit", "tokens", Shares(tuple(lines)), note=estimate)


@cache
def _known_limits() -> tuple[Mapping[int, Sequence[str]], Mapping[int, Sequence[str]]]:
    """By the profiles: who trains on how many tokens of a row, whose tuned models read how many."""
    trained: dict[int, list[str]] = {}
    read: dict[int, list[str]] = {}
    for profile in profiles().values():
        for rule in profile.base_models:
            for limit, who in ((rule.row_token_cap, trained), (rule.context_tokens, read)):
                if limit and profile.label not in who.setdefault(limit, []):
                    who[limit].append(profile.label)
    return trained, read


def _systems(facts: Mapping[str, Any], rows: int) -> Iterator[Figure]:
    systems = facts.get("systems")
    if not systems:
        return
    lines = tuple(
        Share(_cut(text), count, count / rows, f"{len(text):,} characters")
        for text, count in systems
    )
    is_full = len(systems) >= MOST_SYSTEMS
    note = f"The commonest {MOST_SYSTEMS}; rarer ones are not counted" if is_full else ""
    different = f"{MOST_SYSTEMS} or more" if is_full else f"{len(systems):,}"
    prompts = f"{different} different" if len(systems) > 1 else "all the same"
    yield Figure("systems", "System prompts", "system prompt", Shares(lines), prompts, note)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"


def table(figure: Figure) -> Iterator[tuple[object, ...]]:
    """The chart as lines of a table, heads first."""
    if isinstance(figure.drawn, Histogram):
        yield ("from", "to", "rows")
        yield from ((bar.low, bar.high - 1, bar.count) for bar in figure.drawn.bars)
    else:
        yield (figure.noun, "rows", "share", "note")
        yield from (
            (line.words, line.rows, f"{line.share:.6f}", line.note) for line in figure.drawn.lines
        )
