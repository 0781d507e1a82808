"""Sends one mail by the server that LUTHIER_SMTP_URL names: plain text, nothing in it a command."""

import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from app.notices.sending.outcomes import Outcome
from app.notices.sending.words import Mail
from app.settings import MAIL_PORTS, settings

# For each step of the conversation; there are about ten.
STEP_SECONDS = 5.0
FOR_GOOD = 500
OK = 250
NO_ADDRESS = "This is no address that mail can go to."


def is_set_up() -> bool:
    """Whether this instance sends mail at all."""
    return settings().smtp_url is not None


def send(mail: Mail) -> Outcome:
    """Hand a mail over, and say what became of it. What is refused to this mail alone, for good, is
    not tried again; all else is the server's or the way's, and worth another try.
    """
    try:
        message = composed(mail)
    except (HeaderParseError, ValueError):
        return Outcome(0, problem=NO_ADDRESS, is_final=True, is_of_one=True)
    begun_at = time.monotonic()
    status: int | None = OK
    problem, is_of_one = None, False
    try:
        with _connected() as smtp:
            smtp.send_message(message, to_addrs=[mail.to])
    except smtplib.SMTPRecipientsRefused as error:
        ((status, words),) = error.recipients.values()
        problem, is_of_one = _said(status, words), True
    except smtplib.SMTPResponseException as error:
        status, problem = error.smtp_code, _said(error.smtp_code, error.smtp_error)
        is_of_one = isinstance(error, smtplib.SMTPDataError)
    except (smtplib.SMTPException, OSError) as error:
        status, problem = None, f"The mail server cannot be used: {_short(error)}"
    return Outcome(
        round((time.monotonic() - begun_at) * 1000),
        status=status,
        problem=problem,
        is_final=is_of_one and (status or 0) >= FOR_GOOD,
        is_of_one=is_of_one,
    )


def composed(mail: Mail) -> EmailMessage:
    """The message. Raises ValueError or HeaderParseError where its address is none."""
    message = EmailMessage(policy=SMTP)
    message["From"] = settings().mail_from or ""
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = _one_line(mail.subject)
    message["Date"] = format_datetime(mail.at)
    # The same at every try: most mailboxes show a repeat once.
    message["Message-ID"] = f"<{mail.message_id}@{urlsplit(settings().base_url).hostname}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Unsubscribe"] = f"<{mail.choices_url}>"
    message.set_content(mail.text)
    return message


@contextmanager
def _connected() -> Iterator[smtplib.SMTP]:
    url = settings().smtp_url
    assert url is not None  # noqa: S101 - nothing is sent where it is not set up
    parts = urlsplit(url.get_secret_value())
    where = (parts.hostname or "", parts.port or MAIL_PORTS[parts.scheme])
    ours = urlsplit(settings().base_url).hostname
    if parts.scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            *where, local_hostname=ours, timeout=STEP_SECONDS, context=ssl.create_default_context()
        )
    else:
        smtp = smtplib.SMTP(*where, local_hostname=ours, timeout=STEP_SECONDS)
    try:
        if parts.scheme == "smtp":
            smtp.starttls(context=ssl.create_default_context())
        if parts.username:
            smtp.login(unquote(parts.username), unquote(parts.password or ""))
        yield smtp
        # It is handed over; how the goodbye goes changes nothing.
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    finally:
        smtp.close()


def _said(status: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"The mail server answered {status}: {_one_line(text)[:300]}"


def _short(error: Exception) -> str:
    return _one_line(str(error))[:300] or type(error).__name__


def _one_line(text: str) -> str:
    """Without line breaks and other control characters: a header has one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
