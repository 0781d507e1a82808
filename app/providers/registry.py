"""Which adapters there are, and how to open one."""

from collections.abc import Callable, Mapping

from app.core.http import HttpOptions
from app.providers.base import Provider
from app.providers.profiles import profile_for

__all__ = ["PROVIDERS", "open_provider", "profile_for"]

Opener = Callable[[str, str, str, HttpOptions], Provider]


def _openai(base_url: str, api_key: str, profile: str, http_options: HttpOptions) -> Provider:
    # The SDK takes a second to import: whoever only draws pages starts without it.
    from app.providers.openai import OpenAIProvider  # noqa: PLC0415

    return OpenAIProvider(base_url, api_key, profile, http_options)


PROVIDERS: Mapping[str, Opener] = {"openai": _openai}


def open_provider(
    kind: str, base_url: str, api_key: str, profile: str, http_options: HttpOptions | None = None
) -> Provider:
    """The provider behind a connection; use it in a `with`, which closes its sockets."""
    return PROVIDERS[kind](base_url, api_key, profile, http_options or HttpOptions())
