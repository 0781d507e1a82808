"""The doors: sign in, sign out, make the first account, set a password; and a person's own page."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from app.auth import passwords, queries, service
from app.auth import people as accounts
from app.auth.access import (
    HashingSeat,
    InstanceOwner,
    Myself,
    PathId,
    cookie_name,
    csrf_checked,
    myself_briefly,
    signed_in,
)
from app.auth.browsers import address_of
from app.auth.forms import (
    LoginForm,
    NameForm,
    NewPasswordForm,
    PasswordForm,
    TokenForm,
    WelcomeForm,
)
from app.auth.listing import PEOPLE
from app.auth.models import LinkPurpose, User
from app.auth.views import AccountView, LoginView, PasswordView, PeopleView, WelcomeView
from app.auth.views import account as account_view
from app.auth.views import people as people_view
from app.core import secrets, toasts
from app.core.database import DbSession, read_only, unit_of_work
from app.core.errors import Conflict, NotSignedIn, ProductError, TooMany, WrongInput
from app.core.forms import Submission, submitted
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import asked_part, page, path_for, redirect, redirect_to
from app.core.views import FormState
from app.settings import settings

router = APIRouter()
# Pages inside: whoever includes them draws the shell around them.
inside = APIRouter(dependencies=[Depends(csrf_checked)])

PEOPLE_PAGE = 100
# What became of a new password, by the word in the address it leads to: field and sentence.
SAID = {
    "password": ("", "The password is changed. Every other browser is signed out."),
    "wrong": ("current", "This is not the password you have now."),
    "short": (
        "password",
        f"At least {passwords.SHORTEST} characters, and at most {passwords.LONGEST_BYTES} bytes.",
    ),
    "often": ("current", "Too many wrong passwords. Try again in five minutes."),
}


@router.get("/login", name="auth.login")
def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the query's customary name
    with read_only() as session:
        if not queries.has_users(session):
            return RedirectResponse("/welcome", 303)
    return page(request, "auth/login.html", LoginView(FormState(), next))


@router.post("/login", name="auth.login_post")
def login(
    request: Request,
    submission: Annotated[Submission[LoginForm], Depends(submitted(LoginForm))],
    _seat: HashingSeat,
) -> Response:
    form, address = submission.form, address_of(request)
    if form is None:
        return page(request, "auth/login.html", LoginView(submission, "/"), status=422)
    with read_only() as session:
        service.check_throttle(session, email=form.email, address=address)
        known = queries.password_hash_of(session, form.email)
    password = form.password.get_secret_value()
    # Hashing is slow on purpose: no unit of work is open meanwhile.
    if not passwords.matches(known[1] if known else None, password) or known is None:
        with unit_of_work() as session:
            service.record_failure(session, email=form.email, address=address)
        wrong = submission.refused(NotSignedIn("E-mail and password do not fit together."))
        return page(request, "auth/login.html", LoginView(wrong, form.next), status=401)
    user_id, proved = known
    answer = signed_in(request, user_id, form.next, proved=proved)
    if renewed := passwords.renewed(proved, password):
        with unit_of_work() as session:
            service.renew_hash(session, user_id=user_id, before=proved, after=renewed)
    return answer


@router.post("/logout", name="auth.logout", dependencies=[Depends(csrf_checked)])
def logout(request: Request, session: DbSession, _user: Myself) -> Response:
    service.sign_out(session, request.cookies.get(cookie_name(), ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(cookie_name(), secure=settings().is_https, httponly=True, samesite="lax")
    toasts.keep(answer, "You are signed out.")
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
    _seat: HashingSeat,
) -> Response:
    form = submission.form
    try:
        if form is not None:
            # Strangers may send this: only who has the link makes us hash.
            with read_only() as session:
                service.find_link(session, form.token, LinkPurpose.FIRST_OWNER)
            password_hash = passwords.hashed(form.password.get_secret_value())
            with unit_of_work() as session:
                user = service.welcome_owner(
                    session,
                    token=form.token,
                    email=form.email,
                    name=form.name,
                    password_hash=password_hash,
                )
            return signed_in(request, user.id, "/")
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
    _seat: HashingSeat,
) -> Response:
    form = submission.form
    try:
        if form is not None:
            with read_only() as session:
                service.find_link(session, form.token, LinkPurpose.SET_PASSWORD)
            password_hash = passwords.hashed(form.password.get_secret_value())
            with unit_of_work() as session:
                user = service.set_password(session, token=form.token, password_hash=password_hash)
            answer = signed_in(request, user.id, "/")
            toasts.keep(answer, "Your password is set.")
            return answer
    except ProductError as error:
        submission = submission.refused(error)
    token = submission.values.get("token", "")
    with read_only() as session:
        owner = service.user_of_link(session, token)
    view = PasswordView(token, owner.email if owner else "", owner is not None, submission)
    return page(request, "auth/password.html", view, status=422)


@inside.get("/account", name="account.show")
def account(request: Request, session: DbSession, user: Myself, said: str = "") -> Response:
    field, sentence = SAID.get(said, ("", ""))
    form = FormState({}, {field: sentence} if field else {})
    view = replace(account_of(request, session, user, form), said="" if field else sentence)
    return page(request, "auth/account.html", view, fragment=asked_part(request, "rows"))


@inside.post("/account/name", name="account.rename")
def rename(
    request: Request,
    session: DbSession,
    user: Myself,
    submission: Annotated[Submission[NameForm], Depends(submitted(NameForm))],
) -> Response:
    if submission.form is None:
        view = account_of(request, session, user, submission)
        return page(request, "auth/account.html", view, status=422)
    service.rename(session, user, submission.form.name)
    return redirect(request, "account.show", toast="Your name is saved.")


@router.post("/account/password", name="account.password")
def change_password(
    request: Request,
    user: Annotated[User, Depends(myself_briefly)],
    submission: Annotated[Submission[NewPasswordForm], Depends(submitted(NewPasswordForm))],
    _seat: HashingSeat,
) -> Response:
    said = _change(request, user, submission.form)
    target = path_for(request, "account.show", query={"said": said})
    return (
        signed_in(request, user.id, target) if said == "password" else redirect_to(request, target)
    )


def _change(request: Request, user: User, form: NewPasswordForm | None) -> str:
    """Which of SAID comes of it. Hashing is slow on purpose: no unit of work is open meanwhile."""
    if form is None:
        return "short"
    address = address_of(request)
    try:
        with read_only() as session:
            service.check_throttle(session, email=user.email, address=address)
        if not passwords.matches(user.password_hash, form.current.get_secret_value()):
            with unit_of_work() as session:
                service.record_failure(session, email=user.email, address=address)
            return "wrong"
        password_hash = passwords.hashed(form.password.get_secret_value())
    except TooMany:
        return "often"
    except WrongInput:
        return "short"
    with unit_of_work() as session:
        service.change_password(session, user_id=user.id, password_hash=password_hash)
    return "password"


@inside.post("/account/sessions/{fingerprint}/end", name="account.end_session")
def end_session(request: Request, session: DbSession, user: Myself, fingerprint: str) -> Response:
    service.end_session(session, user_id=user.id, fingerprint=fingerprint)
    return redirect(request, "account.show", toast="That browser is signed out.")


@inside.post("/account/sessions/end-others", name="account.end_other_sessions")
def end_other_sessions(request: Request, session: DbSession, user: Myself) -> Response:
    service.end_other_sessions(session, user_id=user.id, here=_here(request))
    return redirect(request, "account.show", toast="Every other browser is signed out.")


@inside.post("/account/tokens", name="account.create_token")
def create_token(
    request: Request,
    session: DbSession,
    user: Myself,
    submission: Annotated[Submission[TokenForm], Depends(submitted(TokenForm))],
) -> Response:
    if submission.form is None:
        view = account_of(request, session, user, submission)
        return page(request, "auth/account.html", view, status=422)
    name = submission.form.token_name
    token = service.create_token(session, user, name=name)
    view = replace(account_of(request, session, user), token=token, token_name=name)
    return page(request, "auth/account.html", view, headers={"Cache-Control": "no-store"})


@inside.post("/account/tokens/{token_id}/revoke", name="account.revoke_token")
def revoke_token(request: Request, session: DbSession, user: Myself, token_id: PathId) -> Response:
    service.revoke_token(session, user_id=user.id, token_id=token_id)
    return redirect(request, "account.show", toast="The token is revoked.")


@inside.get("/people", name="people.index")
def people(request: Request, session: DbSession, user: InstanceOwner) -> Response:
    view = _people(request, session, user)
    return page(request, "auth/people.html", view, fragment=asked_part(request, "rows"))


@inside.post("/people/{user_id}/disable", name="people.disable")
def disable(request: Request, session: DbSession, user: InstanceOwner, user_id: PathId) -> Response:
    return _set_disabled(request, session, user, user_id, is_disabled=True)


@inside.post("/people/{user_id}/enable", name="people.enable")
def enable(request: Request, session: DbSession, user: InstanceOwner, user_id: PathId) -> Response:
    return _set_disabled(request, session, user, user_id, is_disabled=False)


@inside.post("/people/{user_id}/reset", name="people.reset")
def reset(request: Request, session: DbSession, user: InstanceOwner, user_id: PathId) -> Response:
    try:
        link = accounts.reset_link(session, user_id=user_id, actor_id=user.id)
    except Conflict as error:
        return _people_refused(request, session, user, error)
    view = _people(request, session, user)
    view = replace(view, link=link, link_for=session.get_one(User, user_id).name)
    return page(request, "auth/people.html", view, headers={"Cache-Control": "no-store"})


@inside.post("/people/{user_id}/make-owner", name="people.make_owner")
def make_owner(
    request: Request, session: DbSession, user: InstanceOwner, user_id: PathId
) -> Response:
    return _set_owner(request, session, user, user_id, is_owner=True)


@inside.post("/people/{user_id}/unmake-owner", name="people.unmake_owner")
def unmake_owner(
    request: Request, session: DbSession, user: InstanceOwner, user_id: PathId
) -> Response:
    return _set_owner(request, session, user, user_id, is_owner=False)


def _set_disabled(
    request: Request, session: Session, user: User, user_id: int, *, is_disabled: bool
) -> Response:
    try:
        accounts.set_disabled(session, user_id=user_id, is_disabled=is_disabled, actor_id=user.id)
    except Conflict as error:
        return _people_refused(request, session, user, error)
    said = "shut out" if is_disabled else "let in again"
    name = session.get_one(User, user_id).name
    return redirect(request, "people.index", toast=f"{name} is {said}.")


def _set_owner(
    request: Request, session: Session, user: User, user_id: int, *, is_owner: bool
) -> Response:
    try:
        accounts.set_instance_owner(session, user_id=user_id, is_owner=is_owner, actor_id=user.id)
    except Conflict as error:
        return _people_refused(request, session, user, error)
    name = session.get_one(User, user_id).name
    said = f"{name} {'owns' if is_owner else 'no longer owns'} this instance."
    target = "people.index" if user.is_instance_owner else "projects.index"
    return redirect(request, target, toast=said)


def _people_refused(request: Request, session: Session, user: User, error: Conflict) -> Response:
    view = replace(_people(request, session, user), refused=error.message)
    return page(request, "auth/people.html", view, status=error.status)


def _people(request: Request, session: Session, user: User) -> PeopleView:
    asked, fenced = PEOPLE.read(request), queries.ids_of_people()
    found = page_of(session, fenced, asked, limit=PEOPLE_PAGE)
    place = place_of(session, fenced, asked, found)
    listed = list_view(request, asked, found, place, path=path_for(request, "people.index"))
    return people_view(queries.people_by_ids(session, found.ids), user, listed)


def account_of(
    request: Request, session: Session, user: User, form: FormState | None = None
) -> AccountView:
    """The page of a person's account as this browser sees it."""
    return account_view(
        user,
        queries.sessions_of(session, user.id),
        queries.tokens_of(session, user.id),
        _here(request),
        form or FormState(),
    )


def _here(request: Request) -> str:
    return secrets.fingerprint(request.cookies.get(cookie_name(), ""))
