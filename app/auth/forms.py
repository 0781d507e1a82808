"""What people send to sign in."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from app.core.forms import Form, Name


def _address(text: str) -> str:
    local, at, domain = text.partition("@")
    if not (local and at and domain) or "@" in domain or not text.isprintable() or " " in text:
        raise ValueError("An e-mail address is needed, like name@example.org.")
    return text.lower()


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
