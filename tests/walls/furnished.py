"""Where each route is, for a team with a thing of every kind."""

import re


def address(route, team):
    """Where the route is, with ids that exist wherever the token is looked at after them."""
    ids = {
        "project_id": team.project_id, "connection_id": team.connection_id,
        "dataset_id": team.dataset_id, "version_id": team.version_id, "job_id": team.job_id,
        "model_id": team.model_id, "user_id": team.users["viewer"],
        "endpoint_id": team.endpoint_id, "conversation_id": team.conversation_id,
        "collection_id": team.collection_id,
        "grader_id": team.grader_id, "evaluation_id": team.evaluation_id,
        "evaluation_run_id": team.evaluation_run_id,
        "golden_id": team.golden_id,
    }  # fmt: skip
    ids |= {
        name: value
        for name, value in vars(team).items()
        if name.startswith(("rescue", "round", "duels"))
    }
    path = re.sub(r"\{(\w+)\}", lambda name: str(ids.get(name[1], 1)), route.path)
    return path + ("?name=x.jsonl" if "PUT" in route.methods else "")


def method(route):
    return next(iter(route.methods - {"GET", "HEAD", "OPTIONS"}))
