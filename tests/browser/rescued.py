"""A rescue as it was left, written beside a running instance: what its pages are looked at with."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, insert, select

from app.rescue.models import Kind, Outcome, Stage
from app.tables import metadata

SAYS = "OpenAI: “Downloading of fine-tune training files is disabled for free accounts.”"


def leave(home: Path, *, words: str = "Where is my parcel?") -> dict[str, str]:
    """Two rescues over the last connection that was made, with an object of every outcome; their
    pages by name. One stands still, over the other three workers ended. `words` are what its
    objects say.
    """
    engine = create_engine(
        f"sqlite:///{home}/luthier.sqlite",
        connect_args={"timeout": 30},
        json_serializer=json.dumps,
    )
    try:
        with engine.begin() as connection:
            return _leave(connection, home, words)
    finally:
        engine.dispose()


def _leave(connection: Connection, home: Path, words: str) -> dict[str, str]:
    table = metadata.tables["connections"]
    newest = select(table.c.id, table.c.project_id, table.c.created_by).order_by(table.c.id.desc())
    account = connection.execute(newest.limit(1)).one()
    now = datetime.now(UTC)
    of = {"project_id": account.project_id}

    def put(name: str, /, **values: Any) -> int:
        made = connection.execute(insert(metadata.tables[name]).values(**of, **values))
        return int(made.inserted_primary_key[0])

    def rescue(**part: Any) -> int:
        made = put("rescues", with_completions=True, created_by=account.created_by, created_at=now)
        usual = {"stage": Stage.FETCHING, "is_asked_for": True, "is_paused": False, "place": {}}
        more = {"kinds": {Kind.JOB: {"words": words}}, "fence": 0, "attempts": 0}
        put(
            "rescue_parts",
            rescue_id=made,
            connection_id=account.id,
            looked_at=now,
            changed_at=now,
            **{**usual, **more, **part},
        )
        return made

    standing = rescue(words=words)
    ended = rescue(attempts=3, due_at=now - timedelta(hours=1), last_error=words)

    def found(kind: Kind, object_id: str, content: bytes | None = None, **fields: Any) -> int:
        values = {"outcome": Outcome.WAITING, "rank": 40, "tries": 1, "facts": {}, "name": ""}
        if content is not None:
            digest = _keep(home, content)
            values |= {"outcome": Outcome.HOME, "sha256": digest, "size": len(content)}
            values |= {"fetched_at": now, "verified_at": now}
        return put(
            "rescued_objects",
            connection_id=account.id,
            rescue_id=standing,
            kind=kind,
            object_id=object_id,
            listed_at=now,
            **{**values, **fields},
        )

    row = json.dumps({"messages": [{"role": "user", "content": words}]}).encode() + b"\n"
    facts = {"facts": {"status": words, "created_at": 1_760_000_000}}
    eval_id = found(
        Kind.EVAL, "eval_68f1", json.dumps({"id": words}).encode(), name="Refund tone", **facts
    )
    items = found(Kind.EVAL_ITEMS, "evalrun_68f2", row * 60, lines=60, parent_id="eval_68f1")
    found(Kind.JOB, "ftjob-Kd82hQz1", b'{"id":"ftjob-Kd82hQz1"}')
    refused = found(
        Kind.FILE, "file-Ja0xVn7u", outcome=Outcome.REFUSED, error=SAYS, name="training.jsonl",
        why_raw="No format of Luthier's fits its first row.", announced=812_440,
    )  # fmt: skip
    found(Kind.CHECKPOINTS, "ftjob-Kd82hQz1", outcome=Outcome.GONE, parent_id="ftjob-Kd82hQz1")
    found(Kind.COMPLETION, "chatcmpl-1", announced=1_000)
    return {
        "rescues": f"/projects/{account.project_id}/rescue",
        "rescue": f"/rescues/{standing}",
        "rescue-ended-over": f"/rescues/{ended}",
        "manifest": f"/rescues/{standing}/manifest",
        "rescued": f"/rescued/{eval_id}",
        "rescued-rows": f"/rescued/{items}",
        "rescued-refused": f"/rescued/{refused}",
    }


def _keep(home: Path, content: bytes) -> str:
    digest = sha256(content).hexdigest()
    path = home / "blobs" / digest[:2] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest
