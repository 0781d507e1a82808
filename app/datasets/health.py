"""The health strip: how a version is, in one line, from what its checks found and counted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.datasets.checks.tokens import ROW_LIMIT
from app.datasets.index import FindingGroup
from app.datasets.training import is_trained_on
from app.datasets.views_figures import Sign


def health(
    facts: Mapping[str, Any], groups: Sequence[FindingGroup], *, is_deep: bool
) -> tuple[Sign, ...]:
    """Signs, the gravest matters first. Until the deeper checks are done, `is_deep`, what only they
    can know is said to be unknown.
    """
    return tuple(_signs(facts["verdict"], groups, is_deep=is_deep))


def _signs(
    verdict: Mapping[str, Any], groups: Sequence[FindingGroup], *, is_deep: bool
) -> Iterator[Sign]:
    errors = sum(group.count for group in groups if group.severity == "error")
    if verdict.get("status") == "rejected":
        yield Sign("bad", "Errors", f"{errors:,}", "nothing else is known of a refused file")
        return
    if errors:
        yield Sign("bad", "Errors", f"{errors:,}", "a provider refuses them")
    else:
        yield Sign("good", "Errors", "0", "all rows can be read")
    yield _duplicates(groups, is_deep=is_deep)
    if contradictions := _count(groups, "answer.contradicts"):
        yield Sign("warn", "Contradictions", f"{contradictions:,}", "same question, other answer")
    yield _secrets(groups, is_deep=is_deep)
    longest = verdict["longest_tokens"]
    if is_trained_on(verdict.get("format")):
        tone = "warn" if longest > ROW_LIMIT else "good"
        yield Sign(tone, "Longest row", f"{longest:,}", f"of {ROW_LIMIT:,} tokens")
    else:
        yield Sign("", "Longest row", f"{longest:,}", "tokens")
    if labels := verdict["labels"]:
        tone = "warn" if _count(groups, "label.") else "good"
        spread = f"{labels[-1][1]:,} to {labels[0][1]:,}"
        yield Sign(tone, "Balance", spread, f"rows per label, {len(labels)} labels")


def _duplicates(groups: Sequence[FindingGroup], *, is_deep: bool) -> Sign:
    exact = _count(groups, "duplicate.exact")
    found = _count(groups, "duplicate.")
    if not is_deep:
        return Sign(
            "warn" if exact else "", "Duplicates", f"{exact:,}", "exact; near not known yet"
        )
    kinds = sorted(one.rule.partition(".")[2] for one in groups if _is(one, "duplicate."))
    words = ", ".join(kinds) or "exact, normalised or near"
    return Sign("warn" if found else "good", "Duplicates", f"{found:,}", words)


def _secrets(groups: Sequence[FindingGroup], *, is_deep: bool) -> Sign:
    if not is_deep:
        return Sign("", "Secrets", "unknown", "not looked for yet")
    secrets, personal = _count(groups, "secret."), _count(groups, "personal.")
    tone = "warn" if secrets or personal else "good"
    return Sign(tone, "Secrets", f"{secrets:,}", f"personal data {personal:,}")


def _count(groups: Sequence[FindingGroup], prefix: str) -> int:
    return sum(group.count for group in groups if _is(group, prefix))


def _is(group: FindingGroup, prefix: str) -> bool:
    return group.rule.startswith(prefix)
