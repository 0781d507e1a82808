"""What people and scripts send about connections."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from app.core.forms import Form, Name
from app.core.http import UnsafeUrl, check_url


def _reachable(url: str) -> str:
    try:
        check_url(url)
    except UnsafeUrl as error:
        raise ValueError(str(error)) from error
    return url.rstrip("/")


class ConnectionForm(Form):
    """An account at a provider: `kind` says which wire it speaks."""

    name: Name
    kind: Literal["openai"] = "openai"
    base_url: Annotated[str, Field(max_length=2048), AfterValidator(_reachable)]
    api_key: Annotated[SecretStr, Field(min_length=1, max_length=4096)]
