"""Personal data in texts: e-mail addresses, telephone, card, account and social security numbers.

What has the shape of one is handed to the library that knows the rules: email-validator, Google's
libphonenumber, python-stdnum. Names and postal addresses have no shape and are not looked for.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import re2

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck, Said
from app.datasets.checks.deep.texts import Hit, Joined, texts_in
from app.datasets.derived.base import Part
from app.formats.base import Finding, Severity

_BEFORE, _AFTER = 4, 8  # bytes: what shows that a number goes on
_SHAPES = re2.compile(
    rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]+"
    rb"|\+[1-9][0-9 ().-]{6,22}[0-9]"
    rb"|\b\(?[2-9][0-9]{2}\)?[ .-] ?[0-9]{3}[ .-][0-9]{4}\b"
    rb"|\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b"
    rb"|\b[2-6][0-9]{3}[ -]?[0-9]{4,6}[ -]?[0-9]{4,5}(?:[ -]?[0-9]{1,4})?\b"
    rb"|\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"
)
_RESERVED = ("example.com", "example.org", "example.net", ".example", ".test")  # RFC 2606
_FICTION = "55501"  # North American numbers 555-0100 to 555-0199 belong to nobody
_CARD = re.compile(r"(?=[0-9]{13,19}\Z)(?:4|5[1-5]|2[2-7]|3[47]|6(?:011|4[4-9]|5))")
_TEST_CARDS = frozenset(
    {"4242424242424242", "4111111111111111", "5555555555554444", "378282246310005"}
)
_SHORTEST_IBAN = 15
_SPEAKS_FOR_ALL = frozenset({"system", "developer"})

# By kind: severity, what it is, what to do.
_WORDS: dict[str, tuple[Severity, str, str]] = {
    "email": ("hint", "An e-mail address", "a made-up one, such as name@example.com"),
    "phone": ("hint", "A telephone number", "a made-up one, such as +1 202 555 0100"),
    "card": ("warning", "What looks like the number of a payment card", "a placeholder"),
    "iban": ("warning", "The number of a bank account (IBAN)", "a placeholder"),
    "ssn": ("warning", "What looks like a US social security number", "a placeholder"),
}


class PersonalData(DeepCheck):
    """What points to one person. Of system prompts, which speak for the whole team, nothing."""

    name = "personal"

    def look(self, rows: Sequence[Said], part: Part) -> Iterator[Located]:
        """One finding for each kind a row holds, at the first place."""
        told: set[tuple[int, str]] = set()
        for hit in Joined(texts_in(rows)).search(_SHAPES, before=_BEFORE, after=_AFTER):
            if hit.text.role in _SPEAKS_FOR_ALL:
                continue
            kind = kind_of(hit)
            if kind is not None and (hit.line, kind) not in told:
                told.add((hit.line, kind))
                yield hit.line, _finding(kind, hit.text.field)


def kind_of(hit: Hit) -> str | None:
    """What a match is, or None where it only looks like it."""
    match = hit.match
    if "@" in match:
        return "email" if _is_address(match.rstrip(".").lower()) else None
    if match[0].isalpha():
        return "iban" if _is_account(match) else None
    digits = re.sub(r"[^0-9]", "", match)
    if _is_card(digits):
        return "card"
    if match[0] != "+" and _is_social_security(match):
        return "ssn"
    return "phone" if _is_phone(hit.around, digits) else None


@lru_cache(16_384)
def _is_address(address: str) -> bool:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - imports DNS

    if address.endswith(_RESERVED):
        return False
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _is_account(match: str) -> bool:
    from stdnum import iban  # noqa: PLC0415

    number = match.replace(" ", "")
    # The words after a number may look like more of it.
    return any(iban.is_valid(number[:end]) for end in range(len(number), _SHORTEST_IBAN - 1, -1))


def _is_card(digits: str) -> bool:
    from stdnum import luhn  # noqa: PLC0415

    return bool(_CARD.match(digits)) and luhn.is_valid(digits) and digits not in _TEST_CARDS


def _is_social_security(match: str) -> bool:
    from stdnum.us import ssn  # noqa: PLC0415

    return len(match) == len("123-45-6789") and match != "123-45-6789" and ssn.is_valid(match)


def _is_phone(around: str, digits: str) -> bool:
    from phonenumbers import PhoneNumberMatcher  # noqa: PLC0415

    # Without a country's code only the North American way of writing is told from other numbers.
    return digits[-7:-2] != _FICTION and any(True for _ in PhoneNumberMatcher(around, "US"))


def _finding(kind: str, field: str) -> Finding:
    severity, what, substitute = _WORDS[kind]
    return Finding(
        f"personal.{kind}",
        field,
        severity,
        f"{what} stands in the text; a model trained on it can repeat it.",
        f"Put {substitute} in its place, unless the model must know it and may.",
    )
