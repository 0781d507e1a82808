"""`/v1/files`."""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from app.trainer import wire
from app.trainer.answers import JsonResponse
from app.trainer.describing import described, lifetime
from app.trainer.errors import Refusal
from app.trainer.files import Described, Files, StoredFile
from app.trainer.incoming import Incoming
from app.trainer.limits import said, too_large
from app.trainer.receiving import Form, receive
from app.trainer.requests import whole
from app.trainer.service import service

PAGE_LIMIT = 10_000


async def create(request: Request) -> Response:
    """Receive a file."""
    parts = service(request)
    most = parts.limits.file_bytes
    cure = f" Send larger files in parts (/v1/uploads), up to {said(parts.limits.upload_bytes)}."
    incoming = parts.files.receive()
    try:
        beyond = too_large("File", most, param="file", cure=cure)
        form = await receive(request, "file", incoming, limit=most, beyond=beyond)
        about = _about(form, incoming.size)
        stored = await to_thread.run_sync(_keep, parts.files, incoming, about)
    except BaseException:
        incoming.drop()
        raise
    return JsonResponse(wire.file(stored))


def _about(form: Form, size: int) -> Described:
    if not size:
        raise Refusal("File is empty", param="file", code="empty_file")
    text = form.fields.get("expires_after[seconds]")
    anchor = form.fields.get("expires_after[anchor]")
    seconds = None
    if text is not None or anchor is not None:
        is_number = text is not None and text.isascii() and text.isdigit()
        seconds = lifetime(anchor, int(text[:12]) if text and is_number else None)
    return described(form.filename or "upload", form.fields.get("purpose"), seconds)


def _keep(files: Files, incoming: Incoming, about: Described) -> StoredFile:
    incoming.finish()
    return files.keep(incoming.path, about)


def index(request: Request) -> Response:
    """List files."""
    query = request.query_params
    limit = whole(query, "limit", default=PAGE_LIMIT, most=PAGE_LIMIT)
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise Refusal("'order' must be 'asc' or 'desc'.", param="order")
    files = service(request).files
    name = query.get("after")
    after = None if name is None else files.get(name)
    if name is not None and after is None:
        raise Refusal(f"No such File object: {name}", param="after")
    found, has_more = files.page(
        after=after and after[0],
        purpose=query.get("purpose"),
        limit=limit,
        is_newest_first=order == "desc",
    )
    items = [wire.file(file) for file in found]
    return JsonResponse(wire.page(items, has_more=has_more, has_ends=True))


async def show(request: Request) -> Response:
    """One file. It is in memory: a thread would cost more than twice as much as the answer."""
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
