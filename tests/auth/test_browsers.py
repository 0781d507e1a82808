"""What a browser is called on its owner's page."""

import pytest

from app.auth.browsers import UNKNOWN, named

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (CHROME, "Chrome on Windows"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "Firefox on Linux",
        ),
        ("curl/8.5.0", "curl"),
        ("", UNKNOWN),
        ("<div hx-get='/canary'>" + "(" * 100_000, UNKNOWN),
    ],
)
def test_a_browser_has_a_name_people_recognise(agent, expected):
    assert named(agent) == expected
