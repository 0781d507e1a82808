"""What of a project stops, and when: its platforms' days, base models, tuned models, deployments,
each with what hangs on it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from sqlalchemy.orm import Session

from app.catalog import queries
from app.catalog.belief import Account, Dates, Origin, Said, all_dates
from app.catalog.deadlines import Deadline, Kind
from app.catalog.models import TunedModel
from app.connections import queries as connections
from app.connections.models import Connection
from app.providers.profiles import profiles

CHECKPOINT = ":ckpt-step-"


@dataclass(frozen=True, slots=True)
class Dependant:
    """Something that hangs on what stops: a tuned model, a job that has not ended (by its id), or
    `count` checkpoints of a job.
    """

    kind: Literal["tuned_model", "job", "checkpoints"]
    id: int
    name: str
    count: int = 1


class AtWork(NamedTuple):
    """A dependant of a higher domain, and the model it hangs on."""

    connection_id: int
    base_model: str
    dependant: Dependant


# What names the jobs of a project that hang on models, and its checkpoints; filled by
# app/reactions.py.
AT_WORK: list[Callable[[Session, int], Sequence[AtWork]]] = []
SAVED: list[Callable[[Session, int], Sequence[AtWork]]] = []
# Who is to know that days may have moved, a project's or, with None, everybody's; filled there too.
MOVED: list[Callable[[Session, int | None], None]] = []


@dataclass(frozen=True, slots=True)
class StopDate:
    """One thing of a project that stops on a day. `key` names it for good, whatever its day.

    `models` is what it is called there, a base of no connection by patterns, and `asked_at` where
    it can be asked: both empty for what gives no answers.
    `origin` says whose word counts: the provider's for the model itself, its word for the base, the
    instance's owner's, the catalogue's; `others` is what else is said. A platform's own days, and
    those that concern nothing of the project yet, have no connection.
    """

    day: date
    kind: Kind
    key: str
    name: str
    connection_id: int | None
    profile: str
    source: str
    source_url: str
    read_on: date
    origin: Origin
    depends: tuple[Dependant, ...] = ()
    title: str = ""
    text: str = ""
    connection: str = ""
    base_model: str | None = None
    models: tuple[str, ...] = ()
    asked_at: tuple[int, ...] = ()
    model_id: int | None = None
    is_earliest: bool = False
    others: tuple[Said, ...] = ()


class Undated(NamedTuple):
    """A model of which nobody says when it stops. `is_ours`: it answers on the team's own
    hardware.
    """

    name: str
    connection: str
    model_id: int | None
    is_ours: bool


class Calendar(NamedTuple):
    """All that stops, the next first, and what has no day; `dates` is what was believed."""

    stops: tuple[StopDate, ...]
    undated: tuple[Undated, ...]
    dates: Dates


def stop_dates(session: Session, project_id: int, *, since: date) -> list[StopDate]:
    """What of a project stops on that day or later, the next first."""
    return [one for one in calendar(session, project_id).stops if one.day >= since]


def calendar(session: Session, project_id: int, *, is_brief: bool = False) -> Calendar:
    """Everything of a project that stops or has stopped, in six queries however much there is; a
    brief one leaves the checkpoints uncounted.
    """
    accounts = {one.id: one for one in connections.connections_of(session, project_id)}
    dates = all_dates(session, accounts.keys())
    asked = AT_WORK if is_brief else (*AT_WORK, *SAVED)
    return _Reading(
        accounts,
        dates,
        queries.models_to_lose(session, project_id),
        [found for ask in asked for found in ask(session, project_id)],
    ).calendar()


class _Model(NamedTuple):
    """A tuned model, of ours or only listed by its provider."""

    account: Connection
    full_name: str
    base: str
    name: str
    id: int | None
    job_id: int | None


class _Reading:
    """The rows of a project, held against what is said of days."""

    def __init__(
        self,
        accounts: Mapping[int, Connection],
        dates: Dates,
        models: Sequence[TunedModel],
        at_work: Sequence[AtWork],
    ) -> None:
        self.accounts, self.dates = accounts, dates
        self.models = [self._ours(model) for model in models]
        self.models += self._only_listed({(one.account.id, one.full_name) for one in self.models})
        self.on_base: defaultdict[tuple[int, str], list[Dependant]] = defaultdict(list)
        self.of_job: defaultdict[int, list[Dependant]] = defaultdict(list)
        for one in at_work:
            self.on_base[one.connection_id, one.base_model].append(one.dependant)
            if one.dependant.kind == "checkpoints":
                self.of_job[one.dependant.id].append(one.dependant)
        self.undated: list[Undated] = []
        self.used: set[str] = set()

    def calendar(self) -> Calendar:
        """Tuned models, then their bases, then what concerns the connections as such."""
        stops = [*self._tuned(), *self._bases()]
        stops += self._days()
        return Calendar(tuple(sorted(stops, key=_order)), tuple(self.undated), self.dates)

    def _ours(self, model: TunedModel) -> _Model:
        account = self.accounts[model.ref.connection_id]
        base = base_of(model.base_model)
        return _Model(account, model.ref.name, base, model.name, model.id, model.job_id)

    def _only_listed(self, known: set[tuple[int, str]]) -> list[_Model]:
        """Tuned models that a provider lists and no job here made; their checkpoints are theirs."""
        return [
            _Model(self.accounts[connection_id], name, base_of(name), name, None, None)
            for connection_id, name in self.dates.listed
            if name.startswith("ft:")
            and CHECKPOINT not in name
            and (connection_id, name) not in known
        ]

    def _tuned(self) -> Iterable[StopDate]:
        for model in self.models:
            said = self.dates.of_tuned(model.account, model.full_name, model.base)
            if not said:
                self._no_day(model.account, model.name, model.id)
                continue
            is_apart = self.dates.is_served_apart(model.account.profile, model.base)
            yield self._stop(
                said,
                kind="deployment" if is_apart else "tuned_model",
                key=f"tuned:{model.account.id}:{model.full_name}",
                name=model.name,
                account=model.account,
                base_model=model.base,
                model=model.full_name,
                model_id=model.id,
                depends=(
                    *self.on_base.get((model.account.id, model.full_name), ()),
                    *self.of_job.get(model.job_id or 0, ()),
                ),
            )

    def _bases(self) -> Iterable[StopDate]:
        """Base models in use: something was tuned on them, or is being."""
        tuned: defaultdict[tuple[int, str], list[Dependant]] = defaultdict(list)
        for model in self.models:
            if model.id is not None:
                made = Dependant("tuned_model", model.id, model.name)
                tuned[model.account.id, model.base].append(made)
            else:
                tuned[model.account.id, model.base] += ()
        running = {
            place
            for place, found in self.on_base.items()
            if any(one.kind == "job" for one in found) and not place[1].startswith("ft:")
        }
        for connection_id, base in sorted(tuned.keys() | running):
            account = self.accounts[connection_id]
            said = self.dates.of_base(account, base)
            if not said:
                continue  # what was tuned on it says that no day is known
            yield self._stop(
                said,
                kind="base_model",
                key=f"base:{connection_id}:{base}",
                name=base,
                account=account,
                base_model=base,
                model=base,
                depends=(
                    *tuned[connection_id, base],
                    *_together(self.on_base.get((connection_id, base), ())),
                ),
            )

    def _days(self) -> Iterable[StopDate]:
        """Days of the platforms a project has a connection to, and days of models that nothing here
        is tuned on yet.
        """
        here: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
        for account in self.accounts.values():
            here[account.profile] += (account.id,)
        for one in self.dates.deadlines:
            if one.profile in here and one.key not in self.used:
                yield _day(one, here[one.profile])

    def _stop(
        self,
        said: tuple[Said, ...],
        *,
        kind: Kind,
        key: str,
        name: str,
        account: Connection,
        base_model: str,
        model: str,
        depends: tuple[Dependant, ...],
        model_id: int | None = None,
    ) -> StopDate:
        first = said[0]
        self.used |= {one.deadline.key for one in said if one.deadline is not None}
        where = profiles()[account.profile].label
        return StopDate(
            day=first.day,
            kind=kind,
            key=key,
            name=name,
            connection_id=account.id,
            profile=account.profile,
            source=first.source,
            source_url=first.source_url,
            read_on=first.read_on,
            origin=first.origin,
            depends=depends,
            title=f"{name} stops at {where}",
            text=first.deadline.text if first.deadline else "",
            connection=account.name,
            base_model=base_model,
            models=(model,),
            asked_at=(account.id,),
            model_id=model_id,
            is_earliest=first.is_earliest,
            others=said[1:],
        )

    def _no_day(self, account: Connection, name: str, model_id: int | None) -> None:
        is_ours = profiles()[account.profile].capabilities.is_ours
        self.undated.append(Undated(name, account.name, model_id, is_ours))


def stop_of(session: Session, account: Account, name: str) -> Said | None:
    """Whose word counts about the day on which a model stops, tuned here or not."""
    ref = queries.model_ref(session, account.id, name)
    tuned = queries.tuned_with_ref(session, ref.id) if ref else None
    dates = all_dates(session, [account.id])
    return stop_among(dates, account, name, tuned.base_model if tuned else name)


def stop_among(dates: Dates, account: Account, name: str, base: str) -> Said | None:
    """The same, where the days are read and the base is known: of a base model its own name."""
    base = base_of(base)
    said = dates.of_tuned(account, name, base) if name != base else dates.of_base(account, name)
    return next(iter(said), None)


def base_of(model: str) -> str:
    """The base model itself, or the base in a tuned model's name at OpenAI:
    ft:gpt-4o-mini-2024-07-18:acme:intents:abc123.
    """
    return model.split(":")[1] if model.startswith("ft:") else model


def _day(one: Deadline, accounts: tuple[int, ...]) -> StopDate:
    is_asked = one.kind == "base_model"
    return StopDate(
        day=one.day,
        kind=one.kind,
        key=f"day:{one.key}",
        name=one.title,
        connection_id=None,
        profile=one.profile,
        source=one.source,
        source_url=one.source_url,
        read_on=one.read_on,
        origin=one.origin,
        title=one.title,
        text=one.text,
        models=one.models if is_asked else (),
        asked_at=accounts if is_asked else (),
        is_earliest=one.is_earliest,
    )


def _together(found: Iterable[Dependant]) -> Iterable[Dependant]:
    """Jobs one by one, all checkpoints as one."""
    count = 0
    for one in found:
        if one.kind == "checkpoints":
            count += one.count
        else:
            yield one
    if count:
        yield Dependant("checkpoints", 0, "checkpoints", count)


def _order(one: StopDate) -> tuple[date, str, str]:
    return one.day, one.profile, one.key
