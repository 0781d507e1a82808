"""Reads what is said of a new file, sent whole or in parts: its name, purpose and lifetime."""

from app.trainer.errors import Refusal
from app.trainer.files import PURPOSES, Described

LEAST_LIFETIME, MOST_LIFETIME = 3_600, 2_592_000


def described(filename: str, purpose: str | None, lifetime_seconds: int | None) -> Described:
    """Raises Refusal for a purpose there is not, and for a training file that is no JSON lines."""
    if purpose is None:
        raise Refusal(
            "'purpose' is a required property", param="purpose", code="missing_required_parameter"
        )
    if purpose not in PURPOSES:
        raise Refusal(f"'{purpose}' is not one of {sorted(PURPOSES)} - 'purpose'", param="purpose")
    if purpose == "fine-tune" and not filename.lower().endswith(".jsonl"):
        raise Refusal("Invalid file format for Fine-Tuning API. Must be .jsonl", param="file")
    if purpose == "batch" and lifetime_seconds is None:
        lifetime_seconds = (
            MOST_LIFETIME  # as OpenAI has it; other files stay until they are deleted
        )
    return Described(filename=filename, purpose=purpose, lifetime_seconds=lifetime_seconds)


def lifetime(anchor: object, seconds: object) -> int:
    """The seconds of an `expires_after`. Raises Refusal."""
    if anchor != "created_at":
        raise Refusal("'expires_after.anchor' must be 'created_at'.", param="expires_after.anchor")
    whole = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else 0
    if not LEAST_LIFETIME <= whole <= MOST_LIFETIME:
        message = f"'expires_after.seconds' must lie between {LEAST_LIFETIME} and {MOST_LIFETIME}."
        raise Refusal(message, param="expires_after.seconds")
    return whole
