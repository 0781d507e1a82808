"""`/v1/files`."""

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from app.trainer import wire
from app.trainer.answers import JsonResponse
from app.trainer.errors import Refusal
from app.trainer.files import PURPOSES, StoredFile
from app.trainer.receiving import Form
from app.trainer.requests import whole
from app.trainer.service import service

PAGE_LIMIT = 10_000
LEAST_LIFETIME, MOST_LIFETIME = 3_600, 2_592_000


async def create(request: Request) -> Response:
    """Receive a file."""
    files = service(request).files
    incoming = files.receive()
    try:
        form = Form(request.headers.get("content-type", "").encode(), incoming)
        await form.read(request.stream())
        purpose, filename, lifetime = _described(form, incoming.size)
        stored = files.keep(incoming, filename=filename, purpose=purpose, lifetime_seconds=lifetime)
    except BaseException:
        incoming.drop()
        raise
    return JsonResponse(wire.file(stored))


def _described(form: Form, size: int) -> tuple[str, str, int | None]:
    if form.filename is None:
        raise Refusal(
            "'file' is a required property", param="file", code="missing_required_parameter"
        )
    purpose = form.fields.get("purpose")
    if purpose is None:
        raise Refusal(
            "'purpose' is a required property", param="purpose", code="missing_required_parameter"
        )
    if purpose not in PURPOSES:
        raise Refusal(f"'{purpose}' is not one of {sorted(PURPOSES)} - 'purpose'", param="purpose")
    if purpose == "fine-tune" and not form.filename.lower().endswith(".jsonl"):
        raise Refusal("Invalid file format for Fine-Tuning API. Must be .jsonl", param="file")
    if not size:
        raise Refusal("File is empty", param="file", code="empty_file")
    return purpose, form.filename, _lifetime(form.fields)


def _lifetime(fields: dict[str, str]) -> int | None:
    text = fields.get("expires_after[seconds]")
    if text is None and "expires_after[anchor]" not in fields:
        return None
    if fields.get("expires_after[anchor]") != "created_at":
        raise Refusal("'expires_after.anchor' must be 'created_at'.", param="expires_after.anchor")
    seconds = int(text) if text is not None and text.isascii() and text.isdigit() else 0
    if not LEAST_LIFETIME <= seconds <= MOST_LIFETIME:
        message = f"'expires_after.seconds' must lie between {LEAST_LIFETIME} and {MOST_LIFETIME}."
        raise Refusal(message, param="expires_after.seconds")
    return seconds


def index(request: Request) -> Response:
    """List files."""
    query = request.query_params
    limit = whole(query, "limit", default=PAGE_LIMIT, most=PAGE_LIMIT)
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise Refusal("'order' must be 'asc' or 'desc'.", param="order")
    found = service(request).files.newest_first()
    if order == "asc":
        found.reverse()
    purpose = query.get("purpose")
    if purpose is not None:
        found = [file for file in found if file.purpose == purpose]
    after = query.get("after")
    if after is not None:
        place = next((n for n, file in enumerate(found) if file.id == after), None)
        if place is None:
            raise Refusal(f"No such File object: {after}", param="after")
        found = found[place + 1 :]
    items = [wire.file(file) for file in found[:limit]]
    return JsonResponse(wire.page(items, has_more=len(found) > limit, has_ends=True))


def show(request: Request) -> Response:
    """One file."""
    return JsonResponse(wire.file(_named(request)))


def content(request: Request) -> Response:
    """The bytes of a file, exactly."""
    file = _named(request)
    found = service(request).files.get(file.id)
    if found is None:
        raise _missing(file.id)
    return FileResponse(found[1], media_type="application/octet-stream", filename=file.filename)


def delete(request: Request) -> Response:
    """Delete a file; models trained from it keep what they learned."""
    file = _named(request)
    service(request).files.delete(file.id)
    return JsonResponse(wire.deleted(file.id, "file"))


def _named(request: Request) -> StoredFile:
    file_id = request.path_params["file_id"]
    found = service(request).files.get(file_id)
    if found is None:
        raise _missing(file_id)
    return found[0]


def _missing(file_id: str) -> Refusal:
    return Refusal(f"No such File object: {file_id}", status=404, param="id")


ROUTES = [
    Route("/v1/files", create, methods=["POST"]),
    Route("/v1/files", index, methods=["GET"]),
    Route("/v1/files/{file_id}", show, methods=["GET"]),
    Route("/v1/files/{file_id}", delete, methods=["DELETE"]),
    Route("/v1/files/{file_id}/content", content, methods=["GET"]),
]
