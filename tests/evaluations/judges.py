"""Judges of runs: the witness repeats what it is told, and what a judge is told begins with the
verdict that stands in the case's answer.
"""

import json
from collections import Counter
from typing import Any

from app.core.database import unit_of_work
from app.projects.models import Project
from tests import make
from tests.evaluations.people.rounds import JUDGE
from tests.evaluations.steps import add_grader
from tests.stage import Team
from tests.witness.handle import Witness
from tests.witness.script import CHAT

TOLD = [{"role": "user", "content": "{{ item.answer }} of {{ sample.output_text }}"}]
SCORE: dict[str, Any] = {
    "type": "score_model", "name": "good", "model": JUDGE, "input": TOLD, "pass_threshold": 0.5,
    "sampling_params": {"max_completions_tokens": 20},
}  # fmt: skip
LABEL: dict[str, Any] = {
    "type": "label_model", "name": "kind", "model": JUDGE, "input": TOLD,
    "labels": ["good", "bad"], "passing_labels": ["good"],
}  # fmt: skip
SHORT = {"type": "length", "name": "short", "unit": "characters", "most": 100}


def verdict(result: object, reason: str = "So it is.") -> str:
    return json.dumps({"reason": reason, "result": result})


def pasted(*verdicts: str) -> dict[str, Any]:
    """What makes cases with these verdicts, asked about parcels."""
    lines = (f"Where is parcel {n}?\t{said}" for n, said in enumerate(verdicts, start=1))
    asked = [{"role": "user", "content": "{{ item.question }}"}]
    return {"pasted": "\n".join(lines), "prompt": asked}


def add_connection(team: Team, witness: Witness, name: str = "Judges") -> int:
    """Another connection of the team to the witness; its id."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        url, key = witness.url, witness.key
        made = make.make_connection(session, project, name=name, base_url=url, api_key=key)
        return made.id


def add_judge(team: Team, body: dict[str, Any] = SCORE, connection_id: int | None = None) -> int:
    """A judge in the library, asked over the team's connection unless over another."""
    return add_grader(team, body, connection_id or team.connection_id)


def asked_judges(witness: Witness) -> Counter[str]:
    """What judges were asked, and how often each."""
    told = (one.body["messages"][-1]["content"] for one in witness.journal.read(CHAT))
    return Counter(one for one in told if "Reply with one JSON object" in one)
