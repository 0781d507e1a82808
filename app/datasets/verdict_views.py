"""What each provider would say of a version, side by side, as its page shows it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.datasets.enough import Advice, advice_on
from app.datasets.found import Found
from app.datasets.titles import title_of
from app.datasets.verdicts import Objection, Said, say
from app.formats.base import Severity
from app.providers.profiles import Profile
from app.providers.row_rules import MethodRules


@dataclass(frozen=True, slots=True)
class Column:
    """A provider. `who` are the connections that lead to it, empty for one that was chosen from the
    list; `refusals` and `warnings` count the rules.
    """

    provider: str
    method: str
    who: str
    refusals: int
    warnings: int
    source: str
    read_on: date


@dataclass(frozen=True, slots=True)
class Line:
    """A rule, and what breaking it means to each of the providers: None nothing."""

    rule: str
    reason: str
    cure: str
    count: int | None
    rows: tuple[int, ...]
    has_findings: bool
    cells: tuple[Severity | None, ...]


@dataclass(frozen=True, slots=True)
class AdviceLine:
    """How much somebody says is enough, and where this version stands."""

    who: str
    says: str
    compared: str
    source: str
    url: str
    read_on: date


@dataclass(frozen=True, slots=True)
class VerdictsView:
    """`lead` says it in one sentence. `others` are the providers to choose from, by name and label;
    `chosen` is the one that was.
    """

    version_id: int
    lead: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    others: tuple[tuple[str, str], ...]
    chosen: str
    method: str | None
    rows: int
    advice: tuple[AdviceLine, ...]


def method_for(profile: Profile, format_: str | None) -> MethodRules:
    """The method of a provider that takes such rows; its first where none does, to say so."""
    taking = profile.rows.methods_for(format_ or "")
    return taking[0] if taking else profile.rows.methods[0]


def side_by_side(
    version_id: int,
    found: Found,
    asked: Mapping[str, Sequence[str]],
    profiles: Mapping[str, Profile],
    *,
    chosen: str = "",
) -> VerdictsView:
    """What the providers of these profiles say; `asked` are the names of the connections that lead
    to each, `chosen` is a profile that somebody wants beside them.
    """
    taking = [how for one in profiles.values() for how in one.rows.methods_for(found.format or "")]
    if not taking:
        return _nobody(version_id, found)
    names = [*asked, *([chosen] if chosen in profiles and chosen not in asked else [])]
    said = [say(profiles[name], method_for(profiles[name], found.format), found) for name in names]
    return VerdictsView(
        version_id=version_id,
        lead=_lead(said),
        columns=tuple(_column(one, asked.get(one.profile, ())) for one in said),
        lines=_lines(said, {group.rule for group in found.groups}),
        others=tuple((one.name, one.label) for one in profiles.values() if one.name not in asked),
        chosen=chosen if chosen in profiles else "",
        method=taking[0].label,
        rows=found.rows,
        advice=tuple(_advice(one, found.rows) for one in advice_on(taking[0].name)),
    )


def _nobody(version_id: int, found: Found) -> VerdictsView:
    lead = f"No method that Luthier knows trains on {found.format} rows, at any provider."
    return VerdictsView(version_id, lead, (), (), (), "", None, found.rows, ())


def _column(said: Said, connections: Sequence[str]) -> Column:
    return Column(
        said.provider,
        said.method_label,
        ", ".join(connections),
        len(said.refusals),
        len(said.warnings),
        said.source,
        said.read_on,
    )


def _lead(said: Sequence[Said]) -> str:
    refusing = [one.provider for one in said if one.refusals]
    taking = [one.provider for one in said if not one.refusals]
    parts = [
        f"{_listed(names)} would {verb} {'it' if verb == 'take' else 'a job with it'}."
        for names, verb in ((taking, "take"), (refusing, "refuse"))
        if names
    ]
    return " ".join(parts) or "Choose a provider to see what it would say."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _lines(said: Sequence[Said], recorded: Iterable[str]) -> tuple[Line, ...]:
    """One line for each thing anybody objects to; what somebody refuses comes first."""
    lines: dict[tuple[str, str], Objection] = {}
    for one in said:
        for objection in one.objections:
            lines.setdefault((objection.rule, objection.reason), objection)
    known = set(recorded)
    made = [
        Line(
            rule=objection.rule,
            reason=title_of(objection.rule, objection.reason, objection.count or 1),
            cure=objection.cure,
            count=objection.count,
            rows=objection.rows,
            has_findings=objection.rule in known,
            cells=tuple(_cell(one, key) for one in said),
        )
        for key, objection in lines.items()
    ]
    return tuple(sorted(made, key=lambda line: "error" not in line.cells))


def _cell(said: Said, key: tuple[str, str]) -> Severity | None:
    return next((one.severity for one in said.objections if (one.rule, one.reason) == key), None)


def _advice(one: Advice, rows: int) -> AdviceLine:
    return AdviceLine(one.who, one.says, one.compared(rows), one.source, one.url, one.read_on)
