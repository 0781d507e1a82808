"""What people and scripts send to talk to a model, and to change a day or price of the book."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from app.core.forms import Form, Printable
from app.providers.profiles import profiles

MOST_MESSAGES = 500
DAYS = (date(2020, 1, 1), date(2100, 1, 1))


class ChatForm(Form):
    """A conversation so far, in OpenAI's shape, and how to answer it."""

    messages: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_MESSAGES)]
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    seed: int | None = None
    stream: bool = False

    @field_validator("messages")
    @classmethod
    def _roles(cls, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not all(isinstance(message.get("role"), str) for message in messages):
            raise ValueError("Every message needs a role: system, user or assistant.")
        return messages


def _likely(day: date) -> date:
    if not DAYS[0] <= day < DAYS[1]:
        raise ValueError("A day of this century is needed.")
    return day


def _web(url: str) -> str:
    if not url.isprintable() or not url.startswith("https://"):
        raise ValueError("An address that begins with https:// is needed.")
    return url


def _known(profile: str) -> str:
    if profile not in profiles():
        raise ValueError(f"One of {', '.join(profiles())}.")
    return profile


def _listed(models: object) -> object:
    return models.replace(",", " ").split() if isinstance(models, str) else models


Key = Annotated[str, Field(min_length=1, max_length=64)]
Day = Annotated[date, AfterValidator(_likely)]
Why = Annotated[Printable, Field(min_length=1, max_length=300)]
Url = Annotated[str, Field(max_length=1000), AfterValidator(_web)]
Pattern = Annotated[Printable, Field(min_length=1, max_length=255)]
Platform = Annotated[str, AfterValidator(_known)]
Dollars = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


class DayChange(Form):
    """Another day for an entry of the catalogue, and why."""

    key: Key
    day: Day
    why: Why
    source_url: Url | None = None


class DayEdit(Form):
    """The page's form: another day for an entry, or that it does not hold."""

    key: Key
    day: Day | None = None
    why: Why
    source_url: Url | None = None
    strike: Literal["yes"] | None = None


class NewDay(Form):
    """A day the catalogue does not have. `models` are patterns of whole names of base models, a
    list or with spaces between; a day of the platform itself has none.
    """

    profile: Platform
    kind: Literal["platform", "training", "base_model", "tuned_model", "deployment"]
    models: Annotated[list[Pattern], Field(max_length=50), BeforeValidator(_listed)] = Field(
        default_factory=list
    )
    title: Annotated[Printable, Field(min_length=1, max_length=120)]
    day: Day
    why: Why
    source_url: Url | None = None

    @field_validator("models")
    @classmethod
    def _names(cls, models: list[str]) -> list[str]:
        return list(dict.fromkeys(models))


class StruckDay(Form):
    """An entry that does not hold, and why."""

    key: Key
    why: Why


class DayBack(Form):
    """An entry that is to be as the file has it."""

    key: Key


class PriceKey(Form):
    """Which price: a platform's, for base models of this name or pattern of whole names."""

    profile: Platform
    model: Pattern


class OwnPrice(PriceKey):
    """What training costs, US dollars per million trained tokens; null says that nobody knows."""

    per_million: Dollars | None
    why: Why
    source_url: Url | None = None


class PriceEdit(PriceKey):
    """The page's form: a price, or that it is not known."""

    per_million: Dollars | None = None
    why: Why
    source_url: Url | None = None
    unknown: Literal["yes"] | None = None
