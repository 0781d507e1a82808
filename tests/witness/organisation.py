"""The organisation behind the witness: its projects by their keys, and what only admins see."""

import re
from collections import defaultdict
from typing import Any
from urllib.parse import parse_qs

from tests.witness.allowance import Allowance
from tests.witness.rules import Refusal
from tests.witness.state import BORN, Json, State

DAY = 86_400
MOST_DAYS = 31
GROUPS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source")
ADDED_UP = ("input_tokens", "output_tokens", "num_model_requests", "input_cached_tokens")
SCOPES = {
    r"GET /v1/organization/usage/.*": "api.usage.read",
    r"GET /v1/organization/.*": "api.management.read",
    r"GET /v1/fine_tuning/checkpoints/.*": "api.fine_tuning.checkpoints.read",
}


class Organisation:
    """Projects, each with one key; admin keys, apart.

    `latency` is the seconds each answer takes, `scope_status` the status of the answer to a key of
    the wrong kind. `usage` has, for each day since 1970, what each model of each key was asked.
    """

    def __init__(self, keys: list[str], admin_keys: set[str]) -> None:
        self.projects = {key: State(f"proj_{n:08d}", f"key_{n:08d}") for n, key in enumerate(keys)}
        self.admin_keys = admin_keys
        self.usage: dict[int, list[Json]] = defaultdict(list)
        self.permissions: dict[str, list[Json]] = {}
        self.allowance = Allowance()
        self.latency = 0.0
        self.scope_status = 403

    def add_project(self, key: str, name: str) -> None:
        """Another project, empty, with a key of its own."""
        n = len(self.projects)
        self.projects[key] = State(f"proj_{n:08d}", f"key_{n:08d}", name)

    def admit(self, key: str, route: str) -> "Organisation | State":
        """What this key may look at on this route. Raises Refusal."""
        state = self.projects.get(key)
        if (state is None or not state.takes_a_request()) and key not in self.admin_keys:
            raise Refusal(401, f"Incorrect API key provided: {key}.", code="invalid_api_key")
        self.allowance.take()
        missing = next((scope for to, scope in SCOPES.items() if re.fullmatch(to, route)), None)
        if state is None and missing is None:
            raise self._lacks("model.read")
        if state is not None and missing is not None:
            raise self._lacks(missing)
        return state or self

    def _lacks(self, scope: str) -> Refusal:
        return Refusal(
            self.scope_status,
            f"You have insufficient permissions for this operation. Missing scopes: {scope}. Check"
            " that you have the correct role in your organization (Reader, Writer, Owner) and"
            " project (Member, Owner), and if you're using a restricted API key, that it has the"
            " necessary scopes.",
            code="missing_scope",
        )

    def listed_projects(self) -> list[Json]:
        """Newest first."""
        return [
            {
                "id": state.project_id,
                "object": "organization.project",
                "name": state.name,
                "created_at": BORN,
                "archived_at": None,
                "status": "active",
            }
            for state in reversed(self.projects.values())
        ]

    def usage_page(self, query: str) -> Json:
        """Buckets of a day, oldest first, those without use too."""
        asked = parse_qs(query)
        if "start_time" not in asked:
            raise Refusal(400, "Missing required parameter: 'start_time'.", param="start_time")
        if asked.get("bucket_width", ["1d"]) != ["1d"]:
            raise Refusal(400, "Only buckets of 1d are kept here.", param="bucket_width")
        limit = int(asked.get("limit", ["7"])[0])
        if not 1 <= limit <= MOST_DAYS:
            raise Refusal(400, f"limit must be from 1 to {MOST_DAYS}.", param="limit")
        first = int(asked["start_time"][0]) // DAY
        last = max([*self.usage, first])
        if "end_time" in asked:
            last = min(last, (int(asked["end_time"][0]) - 1) // DAY)
        if "page" in asked:
            first = int(asked["page"][0].removeprefix("page_"))
        groups = {*asked.get("group_by", []), *asked.get("group_by[]", [])}
        days = range(first, last + 1)
        has_more = len(days) > limit
        return {
            "object": "page",
            "data": [self.bucket(day, groups) for day in days[:limit]],
            "has_more": has_more,
            "next_page": f"page_{first + limit}" if has_more else None,
        }

    def bucket(self, day: int, groups: set[str]) -> Json:
        """A day's use, added up but for what it is grouped by."""
        sums: dict[tuple[Any, ...], Json] = {}
        for use in self.usage.get(day, []):
            place = tuple(use.get(name) if name in groups else None for name in GROUPS)
            if place not in sums:
                named = dict(zip(GROUPS, place, strict=True))
                kind = {"object": "organization.usage.completions.result"}
                sums[place] = {**kind, **dict.fromkeys(ADDED_UP, 0), **named}
            for name in ADDED_UP:
                sums[place][name] += use[name]
        return {
            "object": "bucket",
            "start_time": day * DAY,
            "end_time": (day + 1) * DAY,
            "results": list(sums.values()),
        }
