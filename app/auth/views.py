"""What the pages before the shell show (sign-in, the first visit, setting a password by link), and
a person's own page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.auth.forms import time_zones
from app.auth.listing import SORTS
from app.auth.models import ApiToken, User, UserSession
from app.auth.passwords import SHORTEST
from app.core.list_views import Choices, ListView
from app.core.views import FormState


@dataclass(frozen=True, slots=True)
class LoginView:
    """`form` has fields email, password; `next` is a path on this instance or empty."""

    form: FormState
    next: str


@dataclass(frozen=True, slots=True)
class WelcomeView:
    """The first visit. Without a good link the page says where the link is printed.
    Fields: token (hidden), name, email, password."""

    token: str
    is_link_good: bool
    form: FormState
    password_length: int = SHORTEST


@dataclass(frozen=True, slots=True)
class PasswordView:
    """Set a password by a single-use link. Fields: token (hidden), password."""

    token: str
    email: str
    is_link_good: bool
    form: FormState
    password_length: int = SHORTEST


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A signed-in browser; `is_here` is the one that asks."""

    fingerprint: str
    browser: str | None
    address: str | None
    created_at: datetime
    seen_at: datetime
    is_here: bool


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token; its prefix is all that is known of it."""

    id: int
    name: str
    prefix: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountView:
    """A person's own page. Fields of `form`: name, current, password, token_name, theme, time_zone,
    single_keys. `token` is a fresh one, shown this once.
    """

    user_id: int
    email: str
    sessions: tuple[SessionRow, ...]
    tokens: tuple[TokenRow, ...]
    form: FormState
    zones: tuple[str, ...]
    is_touring: bool
    token: str = ""
    token_name: str = ""
    said: str = ""
    password_length: int = SHORTEST


def account(
    user: User,
    sessions: Sequence[UserSession],
    tokens: Sequence[ApiToken],
    here: str,
    form: FormState,
) -> AccountView:
    """The page of a person's account, seen from the session with the fingerprint `here`."""
    return AccountView(
        user_id=user.id,
        email=user.email,
        sessions=tuple(
            SessionRow(
                one.fingerprint,
                one.browser,
                one.address,
                one.created_at,
                one.seen_at,
                one.fingerprint == here,
            )
            for one in sessions
        ),
        tokens=tuple(
            TokenRow(one.id, one.name, one.prefix, one.created_at, one.used_at) for one in tokens
        ),
        form=FormState({**_kept(user), **form.values}, form.errors),
        zones=time_zones(),
        is_touring=user.is_touring,
    )


def _kept(user: User) -> dict[str, str]:
    return {
        "name": user.name,
        "theme": user.theme,
        "time_zone": user.time_zone or "",
        "single_keys": "yes" if user.has_single_keys else "",
    }


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One account of the instance."""

    id: int
    name: str
    email: str
    is_instance_owner: bool
    is_me: bool
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class PeopleView:
    """The instance's accounts. `link` is a fresh address for setting the password of `link_for`,
    shown this once; `refused` says why the last change was not made.
    """

    people: tuple[PersonRow, ...]
    list: ListView
    sorts: Choices = SORTS
    link: str = ""
    link_for: str = ""
    refused: str = ""


def people(everybody: Sequence[User], me: User, listed: ListView) -> PeopleView:
    """The page of the instance's accounts."""
    return PeopleView(
        tuple(
            PersonRow(
                one.id,
                one.name,
                one.email,
                one.is_instance_owner,
                one.id == me.id,
                one.created_at,
                one.disabled_at,
            )
            for one in everybody
        ),
        listed,
    )
