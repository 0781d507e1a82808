"""What the commands that keep an instance well say, and their exit status."""

import json
import sys
from pathlib import Path

from app.core.home import HomeTaken
from app.core.logs import visible
from app.core.pages import number, size
from app.upkeep import backup as backups
from app.upkeep import invariants
from app.upkeep import restore as restores
from app.upkeep.doctor import examine


def backup(file: Path) -> int:
    """Take a backup; 1 when something is missing in it."""
    made = backups.backup(file)
    rows = sum(table.count for table in made.tables.values())
    print(
        f"{file}: {number(rows)} rows, {number(made.files.get('blobs', 0))} stored files, "
        f"{size(made.bytes)} before compression."
    )
    print("The secret is not in it. Keep it elsewhere: without it connections ask for keys again.")
    for sha256 in made.missing:
        print(f"Damaged or gone, and not in it: the stored file {sha256}.", file=sys.stderr)
    return 1 if made.missing else 0


def restore(file: Path, *, replace: bool) -> int:
    """Bring a backup back."""
    try:
        done = restores.restore(file, replace=replace)
    except HomeTaken as error:
        raise SystemExit(str(error)) from error
    print(f"Restored as of {done.manifest.made_at:%-d %B %Y, %H:%M} UTC.")
    for kept in done.aside:
        print(f"What was there is kept: {kept}")
    if done.opens_keys is None:
        print(
            "No secret is in place. Put the old one there before the first start, or connections "
            "ask for their keys again."
        )
    elif not done.opens_keys:
        print(
            "The secret here is another one: connections will ask for their keys again. To keep "
            "them, put the old secret in place before the first start."
        )
    for sha256 in done.manifest.missing:
        print(
            visible(f"It was missing in the backup already: the stored file {sha256}."),
            file=sys.stderr,
        )
    print("Jobs wait until the instance's owner allows them, on any page.")
    return 0


def doctor(*, as_json: bool) -> int:
    """Look at everything; 1 when something is wrong."""
    found = []
    for one in examine():
        found.append(one)
        if not as_json:
            cure = f"; {one.cure}" if one.cure else ""
            print(f"{one.state:<5} {one.name}: {one.words}{cure}", flush=True)
    if as_json:
        print(json.dumps([one._asdict() for one in found], indent=1))
    return 1 if any(one.state == "wrong" for one in found) else 0


def check_invariants(*, with_hashes: bool) -> int:
    """Look at every invariant; 1 when one is broken."""
    is_sound = True
    for name, looked_at, broken in invariants.check(with_hashes=with_hashes):
        is_sound = is_sound and not broken
        print(f"{'wrong' if broken else 'ok':<5} {name}: {len(broken)} of {looked_at:,} break it")
        for words in broken[: invariants.SHOWN]:
            print(f"      {visible(words)}")
    return 0 if is_sound else 1
