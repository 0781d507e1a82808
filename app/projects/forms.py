"""What people and scripts send about projects."""

from app.auth.forms import Email, Password
from app.core.forms import Form, Name
from app.projects.models import Role


class ProjectForm(Form):
    """A project's name."""

    name: Name


class MemberForm(Form):
    """Somebody with an account, and what they may do."""

    email: Email
    role: Role


class RoleForm(Form):
    """What a member, or whoever accepts an invitation, may do."""

    role: Role


class AcceptForm(Form):
    """An invitation's token, from somebody who is signed in."""

    token: str


class JoinForm(Form):
    """An invitation's token, from somebody without an account."""

    token: str
    name: Name
    email: Email
    password: Password
