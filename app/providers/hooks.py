"""Webhook endpoints at a provider: made, rotated, tried and removed by its own API."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class HookEndpoint:
    """An endpoint as its list shows it."""

    endpoint_id: str
    url: str


@dataclass(frozen=True, slots=True)
class HookSecret:
    """What a provider tells once: an endpoint, and the `whsec_…` secret it signs with."""

    endpoint_id: str
    secret: str = field(repr=False)


@runtime_checkable
class Hooks(Protocol):
    """A provider that can be told by API where to announce ended runs.

    Raises the errors of `providers.base`: NotFound for an endpoint it does not have (any more).
    """

    def hook_endpoints(self) -> list[HookEndpoint]: ...
    def create_hook(self, name: str, url: str) -> HookSecret: ...
    def rotate_hook(self, endpoint_id: str) -> HookSecret:
        """A new secret; the one before signs along for 24 hours."""
        ...

    def test_hook(self, endpoint_id: str) -> int:
        """Let it deliver a sample now; the status with which the endpoint answered."""
        ...

    def delete_hook(self, endpoint_id: str) -> None: ...
