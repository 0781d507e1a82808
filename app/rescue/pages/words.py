"""What the kinds and outcomes of a rescue are called on pages."""

from app.rescue.models import Kind, Outcome

# One of them, and where they stand in a list's filter.
KINDS = {
    Kind.EVAL: "eval",
    Kind.EVAL_RUN: "eval run",
    Kind.EVAL_ITEMS: "output items",
    Kind.MODEL: "model",
    Kind.JOB: "job",
    Kind.JOB_EVENTS: "events",
    Kind.CHECKPOINTS: "checkpoints",
    Kind.PERMISSIONS: "permissions",
    Kind.FILE: "file",
    Kind.USAGE: "usage",
    Kind.COMPLETION: "stored completion",
}

# The badge's shape and its word.
OUTCOMES = {
    Outcome.WAITING: ("queued", "waiting"),
    Outcome.HOME: ("succeeded", "home"),
    Outcome.REFUSED: ("failed", "refused"),
    Outcome.GONE: ("vanished", "deleted there"),
    Outcome.FAILED: ("warning", "not fetched"),
    Outcome.DAMAGED: ("error", "damaged here"),
}


def belongs_to(kind: str) -> str:
    """What the parent of such an object is, as a page names it."""
    return {
        Kind.EVAL_RUN: "Eval",
        Kind.EVAL_ITEMS: "Run",
        Kind.JOB_EVENTS: "Job",
        Kind.CHECKPOINTS: "Job",
        Kind.PERMISSIONS: "Checkpoint",
        Kind.COMPLETION: "Model",
    }.get(Kind(kind), "Belongs to")
