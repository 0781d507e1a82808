"""What a browser calls itself, in words its owner recognises."""

from fastapi import Request

LONGEST = 512
UNKNOWN = "An unknown browser"


def seen_from(request: Request) -> tuple[str, str]:
    """The browser that asks and the address it asks from: `Firefox on Windows`, `203.0.113.7`."""
    return named(request.headers.get("user-agent", "")), address_of(request)


def address_of(request: Request) -> str:
    """Where a request comes from, as far as the server knows."""
    return request.client.host if request.client else "unknown"


def named(agent: str) -> str:
    """`Chrome on Linux`, from the User-Agent header a browser sends; strangers write it too."""
    from ua_parser import parse  # noqa: PLC0415 - a thousand patterns: who signs in alone waits

    found = parse(agent[:LONGEST])
    parts = [part.family for part in (found.user_agent, found.os) if part is not None]
    return " on ".join(parts)[:120] or UNKNOWN
