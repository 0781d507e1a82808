"""What people and scripts send about connections."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from app.core.forms import Form, Name
from app.core.http import UnsafeUrl, check_url


def _reachable(url: str) -> str:
    try:
        check_url(url)
    except UnsafeUrl as error:
        raise ValueError(str(error)) from error
    return url.rstrip("/")


def _trimmed(key: object) -> object:
    """A key is copied with the line break behind it."""
    return key.strip() if isinstance(key, str) else key


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("This has characters that no key has; copy it again.")
    return key


BaseUrl = Annotated[str, Field(max_length=2048), AfterValidator(_reachable)]
Key = Annotated[
    SecretStr,
    Field(min_length=1, max_length=4096),
    BeforeValidator(_trimmed),
    AfterValidator(_sendable),
]


class ConnectionForm(Form):
    """An account at a provider: `kind` says which wire it speaks."""

    name: Name
    kind: Literal["openai"] = "openai"
    base_url: BaseUrl
    api_key: Key


class ConnectionChange(Form):
    """What is to be different; what is left out stays. Another origin needs the key again, and
    forgets the admin key, which only reads what belongs to the whole organisation.
    """

    name: Name | None = None
    base_url: BaseUrl | None = None
    api_key: Key | None = None
    admin_key: Key | None = None


class ConnectionEdit(Form):
    """The page's form: name and address as they shall be, and a key where it is a new one."""

    name: Name
    base_url: BaseUrl
    api_key: Key | None = None


class AdminKeyForm(Form):
    """The page's form for the admin key alone."""

    admin_key: Key


class HookSecretForm(Form):
    """The page's form for the signing secret of an endpoint that a person made."""

    secret: Key


class HookForm(Form):
    """How a webhook comes about: by the provider's API, or `by_hand`, which makes the address alone
    and takes the `secret` of the endpoint that a person makes there.
    """

    by_hand: bool = False
    secret: Key | None = None


class HookRemoval(Form):
    """The page's form: `here_only` leaves the endpoint at the provider as it is."""

    here_only: bool = False
