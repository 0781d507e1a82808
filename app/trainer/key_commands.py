"""What an administrator types about a trainer's keys."""

import time
from pathlib import Path

from app.trainer import keys

COLUMNS = ("name", "created", "last used", "revoked")


def told(action: str, home: Path, name: str | None) -> str:
    """What to print. Raises SystemExit with the reason when it cannot be done."""
    if action == "list":
        return table(home)
    if name is None:
        raise SystemExit(f"Name the key to {action}: python -m app trainer-key {action} NAME")
    try:
        if action == "create":
            return keys.create(home, name)
        keys.revoke(home, name)
    except keys.KeyProblem as problem:
        raise SystemExit(str(problem)) from problem
    return f"{name} may no longer ask."


def table(home: Path) -> str:
    """Every key ever made, and those of the environment that were used; never a key itself."""
    days = {name: _day(day * keys.DAY_SECONDS) for name, day in keys.days_used(home).items()}
    rows = [
        (key.name, _day(key.created_at), days.pop(key.name, "never"), _day(key.revoked_at))
        for key in keys.known(home)
    ]
    rows += [(name, "", day, "") for name, day in sorted(days.items())]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in (COLUMNS, *rows)
    )


def _day(at: int | None) -> str:
    return "" if at is None else time.strftime("%Y-%m-%d", time.gmtime(at))
