"""Which adapters there are, and how to open one."""

from collections.abc import Callable, Mapping

from app.core.http import HttpOptions
from app.providers.base import Provider
from app.providers.openai import OpenAIProvider
from app.providers.profiles import profile_for

__all__ = ["PROVIDERS", "open_provider", "profile_for"]

Opener = Callable[[str, str, str, HttpOptions], Provider]

PROVIDERS: Mapping[str, Opener] = {OpenAIProvider.kind: OpenAIProvider}


def open_provider(
    kind: str, base_url: str, api_key: str, profile: str, http_options: HttpOptions | None = None
) -> Provider:
    """The provider behind a connection; use it in a `with`, which closes its sockets."""
    return PROVIDERS[kind](base_url, api_key, profile, http_options or HttpOptions())
