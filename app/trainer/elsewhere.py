"""What scripts call that is not here: each answer names the reason and what to call instead."""

from app.trainer.errors import Refusal

ABOUT = (
    "This is a Luthier trainer: it speaks OpenAI's files, uploads, fine-tuning jobs, models, chat"
    " completions and webhooks; docs/trainer.md tells how."
)
_CHAT = "Call client.chat.completions.create (POST /v1/chat/completions)."
_JOBS = "client.fine_tuning.jobs"

# By the path below /v1.
NOT_HERE = {
    "moderations": "No content is moderated here; check your data before you upload it.",
    "embeddings": "The models here answer conversations and have no embeddings.",
    "responses": f"The Responses API is not here. {_CHAT}",
    "conversations": f"Conversations are not kept here. {_CHAT}",
    "chat/completions": "Chat completions are answered and not stored: there is none to look up.",
    "completions": f"Text completions are not here. {_CHAT}",
    "images": "There are no image models here.",
    "videos": "There are no video models here.",
    "audio": "There are no audio models here.",
    "realtime": f"There is no realtime API here. {_CHAT}",
    "batches": f"There are no batches here. {_CHAT}",
    "evals": "Evals are not here; Luthier's own evaluations compare models.",
    "vector_stores": "There are no vector stores here.",
    "containers": "There are no containers here.",
    "assistants": f"The Assistants API is not here. {_CHAT}",
    "threads": f"The Assistants API is not here. {_CHAT}",
    "organization": "There is no organization to administer here.",
    "fine-tunes": (
        "OpenAI closed the fine-tunes API in January 2024. Call"
        f" {_JOBS}.create(training_file=..., model=...) (POST /v1/fine_tuning/jobs);"
        f" {_JOBS}.list, retrieve, cancel and list_events took the place of the others."
    ),
    "engines": "Engines are called models: client.models.list (GET /v1/models).",
    "edits": f"The edits API was closed. {_CHAT}",
    "answers": f"The answers API was closed. {_CHAT}",
    "classifications": f"The classifications API was closed: fine-tune on labels. {_CHAT}",
    "search": "The search API was closed.",
}


def refusal(method: str, path: str, status: int) -> Refusal:
    """The answer to a path or method that is not served; `status` is 404 or 405."""
    wrong = f"Invalid URL ({method} {path})"
    if not path.startswith("/v1/"):
        message = f"{wrong}. Every path begins with /v1: is it missing from base_url? {ABOUT}"
        return Refusal(message, status=status)
    below = path.removeprefix("/v1/").rstrip("/") + "/"
    why = next((why for name, why in NOT_HERE.items() if below.startswith(f"{name}/")), None)
    if why is None:
        return Refusal(wrong, status=status)
    return Refusal(f"{wrong}. {why} {ABOUT}", status=status, code="unsupported_endpoint")
