"""The routes of the application as a flat list, however deep routers are nested."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi.dependencies.models import Dependant

from app.core.api import is_for_scripts
from app.main import create_app

SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Route:
    """One way into the program."""

    name: str
    path: str
    methods: frozenset[str]
    endpoint: Callable[..., Any] | None
    dependencies: tuple[Callable[..., Any], ...]

    @property
    def is_unsafe(self) -> bool:
        return not self.methods <= SAFE

    @property
    def is_page(self) -> bool:
        return not is_for_scripts(self.path)

    @property
    def method(self) -> str:
        """The one that is not answered for free, where there is one."""
        return next(iter(self.methods - {"HEAD", "OPTIONS"} or self.methods))

    @property
    def ids(self) -> list[str]:
        """The names in braces of its path, in their order."""
        return re.findall(r"{(\w+)", self.path)

    @property
    def access(self) -> list[str]:
        """The words its dependencies declare."""
        return [word for call in self.dependencies if (word := getattr(call, "access", None))]

    def __str__(self) -> str:
        return f"{'|'.join(sorted(self.methods))} {self.path} ({self.name})"


def every_route() -> list[Route]:
    """All of them. Fails on a kind of route it does not know, so that none is overlooked."""
    return list(_walk(create_app().routes))


def _walk(routes: Any) -> Iterator[Route]:
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from _walk(route.effective_candidates())
        elif hasattr(route, "original_route"):
            yield _read(route.original_route, getattr(route, "dependant", None), route)
        elif type(route).__name__ == "Mount":
            yield Route(route.name, route.path, frozenset({"GET"}), None, ())
        else:
            yield _read(route, getattr(route, "dependant", None), route)


def _read(route: Any, dependant: Dependant | None, context: Any) -> Route:
    path = getattr(context, "path", None) or route.path
    calls = tuple(_calls(dependant or route.dependant))
    return Route(route.name, path, frozenset(route.methods or ()), route.endpoint, calls)


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for inner in dependant.dependencies:
        if inner.call is not None:
            yield inner.call
        yield from _calls(inner)
