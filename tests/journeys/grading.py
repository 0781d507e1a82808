"""Somebody who grades in a browser, without one: the same pages and forms."""

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2

from tests.journeys.api import OWNER
from tests.processes import Program

_NUMBER = re.compile(r'name="number" value="(\d+)"')
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_REFERENCE = re.compile(r"<dt>Reference</dt><dd>(.*?)</dd>", re.DOTALL)
_SAID = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_TAGS = re.compile(r"<[^>]+>")
MOST = 500

Says = Callable[[str, str, str], str]
"""Which of two answers a person prefers, by what is right: left, right or tie."""


class Grader:
    """Signed in, with the pages of grading before them."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def choose(self, round_id: int, says: Says) -> int:
        """Say of every pair of a round which answer is better; how many there were."""
        path = f"/grading-rounds/{round_id}/grade"
        for done in range(MOST):
            page = self._client.get(path).text
            number = _NUMBER.search(page)
            if number is None:
                return done
            label = says(*_shown(page))
            sent = self._client.post(
                path, data={"csrf": _found(_CSRF, page), "number": number[1], "label": label}
            )
            assert sent.status_code == 303, sent.text[:500]
        raise AssertionError(f"more than {MOST} pairs")


def _shown(page: str) -> tuple[str, str, str]:
    """The reference, and what stands on the left and on the right."""
    left, right = page.split('<div role="group" aria-label="')[1:3]
    said = [_SAID.search(part) for part in (left, right)]
    first, second = (_text(one[1]) if one else "" for one in said)
    return _text(_found(_REFERENCE, page)), first, second


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    assert match is not None, (pattern.pattern, text[:2_000])
    return match[1]


def _text(inner: str) -> str:
    return html.unescape(_TAGS.sub("", inner)).strip()


@contextmanager
def signed_in(luthier: Program) -> Iterator[Grader]:
    """The owner, who grades."""
    email, password = OWNER.values()
    with httpx2.Client(base_url=luthier.address, timeout=60, trust_env=False) as client:
        form = {"email": email, "password": password, "next": "/"}
        assert client.post("/login", data=form).status_code == 303
        yield Grader(client)
