"""The doors: sign in, sign out, make the first account, set a password."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from app.auth import passwords, queries, service
from app.auth.access import Myself, cookie_name, csrf_checked, signed_in
from app.auth.forms import LoginForm, PasswordForm, WelcomeForm
from app.auth.models import LinkPurpose
from app.auth.views import LoginView, PasswordView, WelcomeView
from app.core.database import DbSession, read_only, unit_of_work
from app.core.errors import NotSignedIn, ProductError
from app.core.forms import Submission, submitted
from app.core.pages import page
from app.core.views import FormState
from app.settings import settings

router = APIRouter()


@router.get("/login", name="auth.login")
def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the query's customary name
    with read_only() as session:
        if not queries.has_users(session):
            return RedirectResponse("/welcome", 303)
    return page(request, "auth/login.html", LoginView(FormState(), next))


@router.post("/login", name="auth.login_post")
def login(
    request: Request, submission: Annotated[Submission[LoginForm], Depends(submitted(LoginForm))]
) -> Response:
    form, address = submission.form, request.client.host if request.client else "unknown"
    if form is None:
        return page(request, "auth/login.html", LoginView(submission, "/"), status=422)
    with read_only() as session:
        service.check_throttle(session, email=form.email, address=address)
        user = queries.user_by_email(session, form.email)
    # Hashing is slow on purpose: no unit of work is open meanwhile.
    if (
        not passwords.matches(
            user.password_hash if user else None, form.password.get_secret_value()
        )
        or user is None
    ):
        with unit_of_work() as session:
            service.record_failure(session, email=form.email, address=address)
        wrong = submission.refused(NotSignedIn("E-mail and password do not fit together."))
        return page(request, "auth/login.html", LoginView(wrong, form.next), status=401)
    return signed_in(user.id, form.next)


@router.post("/logout", name="auth.logout", dependencies=[Depends(csrf_checked)])
def logout(request: Request, session: DbSession, _user: Myself) -> Response:
    service.sign_out(session, request.cookies.get(cookie_name(), ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(cookie_name(), secure=settings().is_https, httponly=True, samesite="lax")
    return answer


@router.get("/welcome", name="auth.welcome")
@router.get("/welcome/{token}", name="auth.welcome_link")
def welcome_page(request: Request, token: str = "") -> Response:
    with read_only() as session:
        if queries.has_users(session):
            return RedirectResponse("/login", 303)
        is_good = service.is_link_open(session, token, LinkPurpose.FIRST_OWNER)
    return page(request, "auth/welcome.html", WelcomeView(token, is_good, FormState()))


@router.post("/welcome", name="auth.welcome_post")
def welcome(
    request: Request,
    submission: Annotated[Submission[WelcomeForm], Depends(submitted(WelcomeForm))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            password_hash = passwords.hashed(form.password.get_secret_value())
            with unit_of_work() as session:
                user = service.welcome_owner(
                    session,
                    token=form.token,
                    email=form.email,
                    name=form.name,
                    password_hash=password_hash,
                )
            return signed_in(user.id, "/")
    except ProductError as error:
        submission = submission.refused(error)
    view = WelcomeView(submission.values.get("token", ""), is_link_good=True, form=submission)
    return page(request, "auth/welcome.html", view, status=422)


@router.get("/password/{token}", name="auth.password")
def password_page(request: Request, token: str) -> Response:
    with read_only() as session:
        user = service.user_of_link(session, token)
    view = PasswordView(token, user.email if user else "", user is not None, FormState())
    return page(request, "auth/password.html", view)


@router.post("/password", name="auth.password_post")
def set_password(
    request: Request,
    submission: Annotated[Submission[PasswordForm], Depends(submitted(PasswordForm))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            password_hash = passwords.hashed(form.password.get_secret_value())
            with unit_of_work() as session:
                user = service.set_password(session, token=form.token, password_hash=password_hash)
            return signed_in(user.id, "/")
    except ProductError as error:
        submission = submission.refused(error)
    token = submission.values.get("token", "")
    with read_only() as session:
        owner = service.user_of_link(session, token)
    view = PasswordView(token, owner.email if owner else "", owner is not None, submission)
    return page(request, "auth/password.html", view, status=422)
