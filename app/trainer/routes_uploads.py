"""`/v1/uploads`: a large file in parts."""

import re
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.trainer import wire
from app.trainer.answers import JsonResponse
from app.trainer.describing import described, lifetime
from app.trainer.errors import Refusal
from app.trainer.files import Described
from app.trainer.limits import PART_BYTES, too_large
from app.trainer.receiving import receive
from app.trainer.requests import Body, invalid_type, json_object
from app.trainer.routes_jobs import limited_body
from app.trainer.service import service
from app.trainer.upload import Upload

CREATE = frozenset({"bytes", "filename", "mime_type", "purpose", "expires_after"})
COMPLETE = frozenset({"part_ids", "md5"})
MD5 = re.compile(r"[0-9a-fA-F]{32}", re.ASCII)


async def create(request: Request) -> Response:
    """Declare a file; its bytes come in parts."""
    body = await _body(request, CREATE)
    uploads = service(request).uploads
    size = _wanted(body, "bytes", int, "an integer")
    most = uploads.limits.upload_bytes
    if size > most:
        raise too_large("Upload", most, param="bytes")
    if size < 1:
        raise Refusal("'bytes' must be at least 1.", param="bytes")
    _wanted(body, "mime_type", str, "a string")
    upload = await to_thread.run_sync(uploads.begin, size, _about(body))
    return _shown(request, upload)


def _about(body: Body) -> Described:
    name = _wanted(body, "filename", str, "a string")
    purpose = _wanted(body, "purpose", str, "a string")
    after = body.get("expires_after")
    if after is None:
        return described(name, purpose, None)
    if not isinstance(after, dict):
        raise invalid_type("expires_after", "an object", after)
    return described(name, purpose, lifetime(after.get("anchor"), after.get("seconds")))


async def add_part(request: Request) -> Response:
    """Receive a part; several may be on their way at once."""
    upload = _named(request)
    most = service(request).uploads.limits.upload_bytes
    incoming = await to_thread.run_sync(upload.begin_part)
    try:
        beyond = too_large("Part", PART_BYTES, param="data")
        await receive(request, "data", incoming, limit=PART_BYTES, beyond=beyond)
        part = await to_thread.run_sync(upload.keep_part, incoming, most)
    except BaseException:
        await to_thread.run_sync(upload.drop_part, incoming)
        raise
    return JsonResponse(wire.upload_part(upload.record.id, part))


async def complete(request: Request) -> Response:
    """Make the parts a file, in the order given."""
    upload = _named(request)
    body = await _body(request, COMPLETE)
    part_ids = _wanted(body, "part_ids", list, "an array of strings")
    if not all(isinstance(name, str) for name in part_ids):
        raise invalid_type("part_ids", "an array of strings", part_ids)
    md5 = body.get("md5")
    if md5 is not None and not (isinstance(md5, str) and MD5.fullmatch(md5)):
        raise Refusal("'md5' must be an MD5 in 32 hexadecimal digits.", param="md5")
    await to_thread.run_sync(upload.complete, service(request).files, part_ids, md5)
    return _shown(request, upload)


def cancel(request: Request) -> Response:
    """Give an upload up; its parts are removed."""
    upload = _named(request)
    upload.cancel()
    return _shown(request, upload)


async def _body(request: Request, fields: frozenset[str]) -> Body:
    body = json_object(await limited_body(request))
    for name in body:
        if name not in fields:
            raise Refusal(f"Unrecognized request argument supplied: {name}", param=name)
    return body


def _wanted(body: Body, name: str, kind: type, words: str) -> Any:
    value = body.get(name)
    if value is None:
        message = f"Missing required parameter: '{name}'."
        raise Refusal(message, param=name, code="missing_required_parameter")
    if not isinstance(value, kind) or isinstance(value, bool):
        raise invalid_type(name, words, value)
    return value


def _named(request: Request) -> Upload:
    upload_id = request.path_params["upload_id"]
    upload = service(request).uploads.get(upload_id)
    if upload is None:
        raise Refusal(f"No such Upload object: {upload_id}", status=404, param="upload_id")
    return upload


def _shown(request: Request, upload: Upload) -> Response:
    found = service(request).files.get(upload.record.file_id)
    return JsonResponse(wire.upload(upload.record, found and found[0]))


ROUTES = [
    Route("/v1/uploads", create, methods=["POST"]),
    Route("/v1/uploads/{upload_id}/parts", add_part, methods=["POST"]),
    Route("/v1/uploads/{upload_id}/complete", complete, methods=["POST"]),
    Route("/v1/uploads/{upload_id}/cancel", cancel, methods=["POST"]),
]
