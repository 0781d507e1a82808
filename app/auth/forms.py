"""What people send to sign in, and about themselves."""

import zoneinfo
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from app.auth.models import Theme
from app.core.forms import Form, Name


def _address(text: str) -> str:
    local, at, domain = text.partition("@")
    if not (local and at and domain) or "@" in domain or not text.isprintable() or " " in text:
        raise ValueError("An e-mail address is needed, like name@example.org.")
    return text.lower()


@lru_cache
def time_zones() -> tuple[str, ...]:
    """The IANA time zones a person may choose, by name; those without a place are left out."""
    return tuple(sorted(name for name in zoneinfo.available_timezones() if "/" in name))


def _zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("There is no time zone of this name.")
    return name


Email = Annotated[str, Field(max_length=254), AfterValidator(_address)]
Password = Annotated[SecretStr, Field(max_length=1024)]


class LoginForm(Form):
    """E-mail and password, and where to go afterwards."""

    email: Email
    password: Password
    next: str = "/"


class WelcomeForm(Form):
    """The first owner's account."""

    token: str
    email: Email
    name: Annotated[str, Field(max_length=120)] = ""
    password: Password


class PasswordForm(Form):
    """A new password, by a single-use link."""

    token: str
    password: Password


class NameForm(Form):
    """What colleagues read beside what somebody did."""

    name: Name


class NewPasswordForm(Form):
    """A new password, from somebody who knows the old one."""

    current: Password
    password: Password


class TokenForm(Form):
    """What an API token is for."""

    token_name: Name


class SettingsForm(Form):
    """How a person likes the pages; without a zone times are shown in the browser's."""

    theme: Theme
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    single_keys: bool = False


class ThemeForm(Form):
    """Light or dark, from the side bar."""

    theme: Theme


class TourForm(Form):
    """Put the first steps away, or bring them back; and the page this was asked on."""

    is_touring: bool = False
    next: str = "/"
