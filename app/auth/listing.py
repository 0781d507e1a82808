"""The list of the instance's accounts: what it can be sorted and filtered by."""

from sqlalchemy import case, func

from app.auth.models import User
from app.core.listing import Column, Table, contains, one_of

STATE = case(
    (User.disabled_at.is_not(None), "disabled"), (User.is_instance_owner, "owner"), else_="member"
)

PEOPLE = Table(
    noun="account",
    row_id=User.id,
    columns=(
        Column("name", "Name", func.lower(User.name), is_kept=True),
        Column("email", "E-mail", User.email),
        Column("since", "Here since", User.id),
    ),
    filters=(
        contains("q", "Name or e-mail", User.name, User.email),
        one_of(
            "state",
            "Accounts",
            STATE,
            (("owner", "own the instance"), ("member", "others"), ("disabled", "disabled")),
        ),
    ),
    start="since",
)
SORTS = (("since", "longest here"), ("-since", "newest"), ("name", "name"), ("email", "e-mail"))
