"""What the pages before the shell show: sign-in, the first visit, setting a password by link."""

from dataclasses import dataclass

from app.core.views import FormState


@dataclass(frozen=True, slots=True)
class LoginView:
    """`form` has fields email, password; `next` is a path on this instance or empty."""

    form: FormState
    next: str


@dataclass(frozen=True, slots=True)
class WelcomeView:
    """The first visit. Without a good link the page says where the link is printed.
    Fields: token (hidden), name, email, password."""

    token: str
    is_link_good: bool
    form: FormState
    password_length: int = 12


@dataclass(frozen=True, slots=True)
class PasswordView:
    """Set a password by a single-use link. Fields: token (hidden), password."""

    token: str
    email: str
    is_link_good: bool
    form: FormState
    password_length: int = 12
