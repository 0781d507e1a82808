"""What a gallery has of rescues: one that brought a history home, one that only looked, and the
pages of both.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.journeys.api import Script
from tests.waiting import eventually
from tests.witness import history
from tests.witness.handle import Witness

OTHER_KEY, THIRD_KEY = "sk-witness-another-team-000001", "sk-witness-another-team-000002"


def rescues(script: Script, at: str, witness: Witness, home: Path) -> dict[str, str]:
    """Bring the history of one of the provider's projects home, look around in another."""
    whole = _connection(script, at, witness, OTHER_KEY, "OpenAI, before the merger", home)
    look = _connection(script, at, witness, THIRD_KEY, "OpenAI, research", home)
    begun = script.post(f"{at}/rescues", 202, json={"connection_ids": [whole]})["id"]
    wish = {"connection_ids": [look, whole], "look_only": True}
    eventually(lambda: _has_come(script, begun, "done"), within=240, every=0.5)
    looked = script.post(f"{at}/rescues", 202, json=wish)["id"]
    eventually(lambda: _has_come(script, looked, "looked"), within=120, every=0.5)

    def page_of(kind: str, outcome: str = "home") -> str:
        return f"/rescued/{_first(home, whole, kind, outcome)}"

    return {
        "rescues": f"{at}/rescue",
        "rescue-done": f"/rescues/{begun}",
        "rescue-looked": f"/rescues/{looked}",
        "manifest": f"/rescues/{begun}/manifest",
        "manifest-refused": f"/rescues/{begun}/manifest?outcome=refused,gone",
        "rescued-job": page_of("job"),
        "rescued-events": page_of("job_events"),
        "rescued-file": page_of("file"),
        "rescued-refused": page_of("file", "refused"),
        "rescued-evals": f"{at}/rescued-evals",
        "rescued-usage": f"{at}/rescued-usage",
    }


def _connection(script: Script, at: str, witness: Witness, key: str, name: str, home: Path) -> int:
    """An account at a project of the provider that is full of history, spoken to as OpenAI is."""
    history.fill(witness.add_project(key, name), seed=len(name))
    body = {"name": name, "kind": "openai", "base_url": witness.url, "api_key": key}
    made = int(script.post(f"{at}/connections", json=body)["id"])
    script.post(f"/connections/{made}/test", 200)  # the one that was asked for by itself is done
    with closing(sqlite3.connect(home / "luthier.sqlite", timeout=30)) as database, database:
        database.execute("UPDATE connections SET profile = 'openai' WHERE id = ?", [made])
    return made


def _has_come(script: Script, rescue_id: int, stage: str) -> bool:
    parts = script.get(f"/rescues/{rescue_id}")["parts"]
    assert {part["stage"] for part in parts} == {stage}, json.dumps(parts)
    return True


def _first(home: Path, connection_id: int, kind: str, outcome: str) -> int:
    query = (
        "SELECT min(id) FROM rescued_objects "
        "WHERE connection_id = ? AND kind = ? AND outcome = ? AND coalesce(size, 1) > 0"
    )
    with closing(sqlite3.connect(home / "luthier.sqlite", timeout=30)) as database:
        return int(database.execute(query, [connection_id, kind, outcome]).fetchone()[0])
