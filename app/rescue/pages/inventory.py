"""The table of a rescue's page: what is there of each kind, what is at risk, what is missing."""

from datetime import date

from app.rescue.models import Kind
from app.rescue.pages import standing
from app.rescue.pages.risks import Loss
from app.rescue.pages.seen import MISSING, Seen
from app.rescue.pages.uses import many
from app.rescue.pages.words import KINDS
from app.rescue.tallies import KindTally
from app.rescue.views import KindRow, Risk

NEAR_DAYS = 30
NOTES = {
    Kind.JOB: "Of any state.",
    Kind.FILE: "Also those no job names.",
    Kind.COMPLETION: "May hold personal data.",
    Kind.USAGE: "Who still calls which tune.",
}


def kind_row(seen: Seen, one: KindTally) -> KindRow:
    """Some kinds as a line of the table."""
    first = one.kinds[0]
    words, keyless = " ".join(one.words), _without_admin_key(seen)
    needs_key = first == Kind.USAGE and not one.found and keyless is not None
    if needs_key:
        words = "Needs an admin key of the organisation."
    return KindRow(
        label=one.label,
        note=" ".join([_note(seen, first), *_refusals(seen, one)]).strip(),
        risk=_risk(seen.risks.get(first), seen.today),
        found=one.found,
        bytes=one.size + one.announced,
        waiting=one.waiting,
        home=one.home,
        missing=standing.missing_of(one),
        missing_url=seen.link(
            "rescues.manifest",
            rescue_id=seen.rescue.id,
            query={"kind": ",".join(one.kinds), "outcome": ",".join(MISSING)},
        ),
        words="" if one.found else words,
        needs_admin_key=keyless if needs_key else None,
    )


def _refusals(seen: Seen, one: KindTally) -> list[str]:
    """What of a line could not be listed while the rest was, each with the provider's words."""
    if not one.found:
        return []
    told = [
        f"{KINDS[kind].capitalize()}: {words}"
        for part in seen.rescue.parts
        for kind in one.kinds
        if (words := part.kinds.get(kind, {}).get("words"))
    ]
    return list(dict.fromkeys(told))


def _without_admin_key(seen: Seen) -> int | None:
    """A connection that could have an admin key and has none, as no other has one either."""
    if any(one.admin_key_hint is not None for one in seen.connections):
        return None
    return seen.connection_ids[0]


def _note(seen: Seen, first: Kind) -> str:
    counts = seen.counts
    if first == Kind.EVAL and counts[first]:
        return f"{many(counts[first], 'eval')}, {many(counts[Kind.EVAL_RUN], 'run')}."
    if first == Kind.JOB and counts[first]:
        return f"{many(counts[first], 'job')} of any state."
    return NOTES.get(first, "")


def _risk(loss: Loss | None, today: date) -> Risk | None:
    if loss is None:
        return None
    days = (loss.day - today).days
    left = {0: "today", 1: "1 day"}.get(days, f"{days:,} days")
    return Risk(loss.day, left, "bad" if days < NEAR_DAYS else "warn", loss.source)
