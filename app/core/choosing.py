"""What is done to many rows at once: asked about first, done one by one, and told as it went."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import Field
from sqlalchemy.orm import Session

from app.core.errors import Conflict, WrongInput
from app.core.forms import Form, form_values, validated
from app.core.listing import Asked

TOLD = re.compile(r"([a-z]{1,20})\.([0-9]{1,4})\.([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True)
class Act:
    """Something that can be done to each of the chosen things. `why_not` says why one stays as it
    is, or None; `fact` is what is worth knowing before. `does` may still raise Conflict.
    """

    key: str
    words: str
    done: str
    why_not: Callable[[Any], str | None]
    fact: Callable[[Any], str]
    does: Callable[..., None]
    promise: str
    is_danger: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One of the chosen things, and what will happen to it or why nothing will."""

    name: str
    words: str
    stays: bool


@dataclass(frozen=True, slots=True)
class ChosenView:
    """The question before it is done. `chosen` is what the form sends back."""

    key: str
    words: str
    title: str
    promise: str
    is_danger: bool
    lines: tuple[Line, ...]
    goes: int
    chosen: str
    do_url: str
    list_url: str
    is_part: bool


class ChosenForm(Form):
    """Which act, on which ids."""

    do: Annotated[str, Field(max_length=20)]
    chosen: Annotated[str, Field(max_length=4000)]


Values = Annotated[dict[str, str], Depends(form_values)]


def chosen_form(values: dict[str, str]) -> ChosenForm:
    """The form's act and ids. Raises WrongInput."""
    return validated(ChosenForm, values)


def chosen_words(request: Request) -> str:
    """The ids of the address; boxes sent without script come one by one."""
    return ",".join(request.query_params.getlist("chosen"))


def acts_here(acts: Sequence[Act], asked: Asked) -> tuple[Act, ...]:
    """What can be done on this page of the list: what is archived comes back, the rest goes."""
    is_archive = "archived" in asked.filters
    return tuple(act for act in acts if (act.key == "unarchive") == is_archive)


def act_of(acts: Sequence[Act], key: str) -> Act:
    """The act of this name. Raises WrongInput."""
    for act in acts:
        if act.key == key:
            return act
    raise WrongInput.field("do", f"One of: {', '.join(act.key for act in acts)}.")


def question(
    act: Act, things: Sequence[Any], *, noun: str, do_url: str, list_url: str, is_part: bool
) -> ChosenView:
    """What would happen to each of these, before it does."""
    whys = [(thing, act.why_not(thing)) for thing in things]
    goes = [thing for thing, why in whys if why is None]
    return ChosenView(
        key=act.key,
        words=act.words,
        title=f"{act.words} {len(goes):,} {noun}{'' if len(goes) == 1 else 's'}?",
        promise=act.promise,
        is_danger=act.is_danger,
        lines=tuple(Line(one.name, why or act.fact(one), why is not None) for one, why in whys),
        goes=len(goes),
        chosen=",".join(str(thing.id) for thing in goes),
        do_url=do_url,
        list_url=list_url,
        is_part=is_part,
    )


def do_each(
    session: Session, act: Act, things: Iterable[Any], *, actor_id: int
) -> tuple[int, list[int]]:
    """Do it to each that takes it; how many did, and the ids of those that stayed as they were."""
    done, stayed = 0, []
    for thing in things:
        try:
            is_done = act.why_not(thing) is None
            if is_done:
                act.does(session, thing, actor_id=actor_id)
        except Conflict:
            is_done = False
        if is_done:
            done += 1
        else:
            stayed.append(thing.id)
    return done, stayed


def told(act: Act, done: int, stayed: Sequence[int]) -> dict[str, str]:
    """The outcome as words of the list's address: those that stayed are still chosen."""
    query = {"told": f"{act.key}.{done}.{len(stayed)}", "chosen": ",".join(map(str, stayed))}
    return {key: value for key, value in query.items() if value}


def outcome(acts: Sequence[Act], words: str) -> str:
    """The sentence for `told`; numbers alone come from the address, never words."""
    found = TOLD.fullmatch(words)
    act = next((one for one in acts if found and one.key == found[1]), None)
    if found is None or act is None:
        return ""
    done, stayed = int(found[2]), int(found[3])
    stay = (
        ""
        if not stayed
        else f"; {stayed} {'stays as it is' if stayed == 1 else 'stay as they are'}"
    )
    return f"{done} {act.done}{stay}."
