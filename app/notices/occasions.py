"""What is told together: a base model with everything on it, and what is tuned on one base and
stops on one day. A team with three hundred models on a base has one date to think of.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from app.catalog.stopping import Dependant, StopDate, stop_dates
from app.core.pages import number
from app.providers.profiles import profiles

ALONE = {"platform", "training", "base_model"}
NOUNS = {
    "tuned_model": ("tuned model", "tuned models"),
    "job": ("job under way", "jobs under way"),
    "checkpoints": ("checkpoint", "checkpoints"),
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """One date that people are told of. `key` names it for good, whatever its day; `depends` is
    what hangs on it, in words, or empty.
    """

    key: str
    day: date
    title: str
    text: str
    depends: str
    source: str
    source_url: str
    read_on: date


def occasions_of(session: Session, project_id: int, *, since: date) -> list[Occasion]:
    """The dates of a project that people are told of, from a day on, the next first."""
    return occasions(stop_dates(session, project_id, since=since))


def occasions(stops: Iterable[StopDate]) -> list[Occasion]:
    """The dates to be told of, the next first."""
    alone = [one for one in stops if one.kind in ALONE]
    on_base = {(one.connection_id, one.base_model, one.day) for one in alone}
    apart: defaultdict[tuple[int | None, str | None], list[StopDate]] = defaultdict(list)
    for one in stops:
        if one.kind not in ALONE and (one.connection_id, one.base_model, one.day) not in on_base:
            apart[one.connection_id, one.base_model].append(one)
    found = [_occasion(one.key, [one]) for one in alone]
    for (connection_id, base), models in apart.items():
        # Numbered, not named by their day: a day that moves is the same occasion.
        for turn, day in enumerate(sorted({one.day for one in models})):
            key = f"tuned-on:{connection_id}:{base}:{turn}"
            found.append(_occasion(key, [one for one in models if one.day == day]))
    return sorted(found, key=lambda one: (one.day, one.key))


def _occasion(key: str, stops: Sequence[StopDate]) -> Occasion:
    first = stops[0]
    return Occasion(
        key=key,
        day=first.day,
        title=first.title if len(stops) == 1 else _title(stops),
        text=_text(first),
        depends=in_words(_hanging(stops)),
        source=first.source,
        source_url=first.source_url,
        read_on=first.read_on,
    )


def _title(stops: Sequence[StopDate]) -> str:
    where = profiles()[stops[0].profile].label
    return f"{number(len(stops))} models tuned on {stops[0].base_model} stop at {where}"


def _text(stop: StopDate) -> str:
    said = [f"Connection: {stop.connection}."] if stop.connection else []
    said += [stop.text] if stop.text else []
    said += ["It may be later: the source promises no earlier day."] if stop.is_earliest else []
    return " ".join(said)


def _hanging(stops: Sequence[StopDate]) -> Iterable[Dependant]:
    """What hangs on these, each once; of several tuned models, they themselves too."""
    models = [
        Dependant("tuned_model", one.model_id, one.name)
        for one in stops
        if one.model_id is not None and len(stops) > 1
    ]
    return dict.fromkeys([*models, *(one for stop in stops for one in stop.depends)])


def in_words(depends: Iterable[Dependant]) -> str:
    """What hangs on a date: `3 tuned models, 1 job under way`."""
    counts: Counter[str] = Counter()
    for one in depends:
        counts[one.kind] += one.count
    return ", ".join(
        f"{number(counts[kind])} {one if counts[kind] == 1 else more}"
        for kind, (one, more) in NOUNS.items()
        if counts[kind]
    )
