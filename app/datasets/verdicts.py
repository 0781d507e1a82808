"""What a provider would say of rows: what it refuses a job for, and what it is warned of.

Computed when it is asked for, from what the check found and from what the provider's profile says:
a check records whatever anybody minds, and the profile says who does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.datasets.found import Found
from app.formats.base import Severity
from app.providers.profiles import Profile
from app.providers.row_rules import MethodRules

Part = Literal["training", "validation"]

# Findings of the whole file that are said here by the provider's own numbers.
COUNTED = frozenset(
    {"read.bom", "rows.too_few", "rows.few", "file.size", "tokens.over_limit", "label.few"}
)
_RANKS = ("error", "warning", "hint")


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing a provider has against rows. "error": it refuses a job with them. `count` is how
    often the rule is broken, None for the file as a whole; `rows` the first such lines.
    """

    part: Part
    rule: str
    severity: Severity
    reason: str
    cure: str
    count: int | None = None
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What a provider says of rows by one method. `source` says who says so."""

    profile: str
    provider: str
    method: str
    method_label: str
    objections: tuple[Objection, ...]
    source: str
    read_on: date

    @property
    def refusals(self) -> tuple[Objection, ...]:
        """What it would refuse a job for; none: it would take the rows."""
        return tuple(one for one in self.objections if one.severity == "error")

    @property
    def warnings(self) -> tuple[Objection, ...]:
        """What to know before a job."""
        return tuple(one for one in self.objections if one.severity == "warning")


def say(
    profile: Profile,
    method: MethodRules,
    training: Found,
    validation: Found | None = None,
    *,
    base_model: str | None = None,
    split: float = 0,
    is_order: bool = False,
) -> Said:
    """What this provider would say of these rows, errors first. `split` is the share of the
    training rows that is held out to validate with. Rows to validate with that are missing are
    refused where this is about an order for a job, and warned of while rows are only looked at.
    """
    found = [
        *_of_rows(profile, method, training, "training", base_model),
        *_of_amount(profile, training, split),
    ]
    if validation is not None:
        found += _of_rows(profile, method, validation, "validation", base_model)
    elif method.needs_validation and not split:
        found.append(_no_validation(profile, method, "error" if is_order else "warning"))
    found.sort(key=lambda one: (_RANKS.index(one.severity), -(one.count or 0)))
    return Said(
        profile=profile.name,
        provider=profile.label,
        method=method.name,
        method_label=method.label,
        objections=tuple(found),
        source=profile.rows.source,
        read_on=profile.rows.read_on,
    )


def _of_rows(
    profile: Profile, method: MethodRules, rows: Found, part: Part, base_model: str | None
) -> Iterator[Objection]:
    if rows.format not in method.formats:
        yield _other_format(profile, method, rows, part)
        return
    weighed = [
        *(
            (group, profile.rows.weight(method, group.rule, group.severity))
            for group in rows.groups
        ),
        *((group, profile.rows.weight(method, group.rule, "none")) for group in rows.deeper),
    ]
    for group, weight in weighed:
        if group.rule in COUNTED or weight == "none" or weight == "hint":  # noqa: PLR1714 - narrows
            continue
        yield Objection(
            part, group.rule, weight, group.reason, group.cure, group.count, group.first_rows
        )
    yield from _of_file(profile, rows, part)
    cap = profile.row_token_cap(base_model)
    if cap is not None:
        yield from _of_length(profile, rows, part, cap)
    if part == "training":
        yield from _of_service(profile, rows)


def _other_format(profile: Profile, method: MethodRules, rows: Found, part: Part) -> Objection:
    takes = " or ".join(method.formats)
    others = profile.rows.methods_for(rows.format or "")
    by = f" {profile.label} takes {rows.format} rows by {others[0].name}." if others else ""
    return Objection(
        part,
        "format.other",
        "error",
        f"These are {rows.format} rows; {method.name} takes {takes} rows.",
        f"Choose rows of that format.{by}",
    )


def _of_file(profile: Profile, rows: Found, part: Part) -> Iterator[Objection]:
    label, limit = profile.label, profile.capabilities.file_limit
    if limit is not None and rows.size > limit:
        yield Objection(
            part,
            "file.size",
            "error",
            f"The file has {rows.size / 2**20:,.0f} MB; {label} takes {limit / 2**20:,.0f}.",
            "Train on fewer rows, or with a provider that takes larger files.",
        )
    wish = profile.rows.byte_order_mark
    if wish == "wanted" and not rows.has_byte_order_mark:
        yield Objection(
            part,
            "file.byte_order_mark",
            "warning",
            f"The file does not begin with a byte order mark, which {label}'s documents ask for.",
            f"Export the rows for {label} and upload what comes.",
        )
    elif wish == "unwanted" and rows.has_byte_order_mark:
        yield Objection(
            part,
            "file.byte_order_mark",
            "warning",
            f"The file begins with a byte order mark, which {label} advises against.",
            f"Export the rows for {label} and upload what comes.",
        )
    most = profile.rows.image_rows
    if most is not None and rows.image_rows > most:
        yield Objection(
            part,
            "image.rows",
            "error",
            f"{rows.image_rows:,} rows show images; {label} takes {most:,} of them in a file.",
            "Leave some of the rows out.",
        )


def _of_service(profile: Profile, rows: Found) -> Iterator[Objection]:
    """What only the service can tell, and how much a job of it may go through."""
    for note in profile.rows.notes:
        if note.about == "rows" or rows.image_rows:
            count = rows.image_rows if note.about == "images" else None
            yield Objection("training", note.rule, "hint", note.reason, note.cure, count)
    most = profile.rows.job_tokens
    if most is not None and rows.tokens > most:
        yield Objection(
            "training",
            "quota.tokens",
            "warning",
            f"The rows have {rows.tokens:,} tokens; by {profile.label}'s page of quotas a job goes "
            f"through {most:,} at most, all epochs together.",
            "Train on fewer rows.",
        )


def _of_length(profile: Profile, rows: Found, part: Part, cap: int) -> Iterator[Objection]:
    cut = rows.cut(cap)
    if not cut.rows:
        return
    share = cut.tokens / rows.tokens
    whole = "1 whole answer" if cut.answers == 1 else f"{cut.answers:,} whole answers"
    lost = f", with {whole} among them" if cut.answers else ""
    has = "1 row has" if cut.rows == 1 else f"{cut.rows:,} rows have"
    yield Objection(
        part,
        "tokens.over_limit",
        "warning",
        f"{has} more than {cap:,} tokens; {profile.label} cuts off what is beyond: about "
        f"{cut.tokens:,} tokens, {share:.1%} of all{lost}.",
        "Shorten these rows, or split them into several.",
        cut.rows,
    )


def _of_amount(profile: Profile, rows: Found, split: float) -> Iterator[Objection]:
    fewest = profile.capabilities.minimum_rows
    left = rows.rows - round(rows.rows * split)
    if left < fewest:
        are = "1 row is" if left == 1 else f"{left:,} rows are"
        what = "left to train on after the split" if split else "all there is"
        reason = f"{are} {what}; {profile.label} takes {fewest} at least."
        yield Objection("training", "rows.too_few", "error", reason, "Add rows.")


def _no_validation(profile: Profile, method: MethodRules, severity: Severity) -> Objection:
    return Objection(
        "validation",
        "validation.missing",
        severity,
        f"{method.label} at {profile.label} needs validation rows.",
        "Choose a dataset to validate with, or split a share off.",
    )
