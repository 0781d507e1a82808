"""The list of a project's members: what it can be sorted and filtered by."""

from sqlalchemy import func

from app.auth.models import User
from app.core.listing import Column, Table, contains, one_of
from app.projects.models import Membership, Role

MEMBERS = Table(
    noun="member",
    row_id=Membership.user_id,
    columns=(
        Column("name", "Name", func.lower(User.name), is_kept=True),
        Column("role", "Role", Membership.role),
        Column("since", "Here since", Membership.created_at),
    ),
    filters=(
        contains("q", "Name or e-mail", User.name, User.email),
        one_of("role", "Role", Membership.role, [(role.value, role.value) for role in Role]),
    ),
    start="since",
)
SORTS = (("since", "longest here"), ("-since", "newest"), ("name", "name"), ("role", "role"))
