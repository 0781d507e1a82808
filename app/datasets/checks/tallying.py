"""Count by the shape of a conversation: rows of one shape are added up before roles are."""

from typing import Any

from app.datasets.checks.base import SHAPE_LIMIT, Tally
from app.datasets.index import Flag

Roles = tuple[str, ...]
Shapes = dict[Roles, list[Any]]  # roles: rows, tokens by message, flags

_LONG = 256
_ROLES_SHOWN = 16


def fresh_shape(shapes: Shapes, tally: Tally, roles: Roles) -> list[Any]:
    """Room for a shape not met before; what waits is counted first when there is too much of it."""
    if len(shapes) >= SHAPE_LIMIT or len(roles) > _LONG:
        count_shapes(shapes, tally)
    flags = Flag.MULTI_TURN if roles.count("assistant") > 1 else 0
    shape = shapes[roles] = [0, [0] * len(roles), int(flags)]
    return shape


def count_shapes(shapes: Shapes, tally: Tally) -> None:
    """Add everything up by role and by number of messages, and begin anew."""
    for roles, (rows, tokens, _) in shapes.items():
        tally.turns[len(roles)] = tally.turns.get(len(roles), 0) + rows
        for role, spent in zip(roles, tokens, strict=True):
            total = _total(tally, role)
            total[0] += rows
            total[2] += spent
        for role in set(roles):
            _total(tally, role)[1] += rows
    shapes.clear()


def _total(tally: Tally, role: str) -> list[int]:
    if role not in tally.roles and len(tally.roles) >= _ROLES_SHOWN:
        role = "other"
    return tally.roles.setdefault(role[:80], [0, 0, 0])
