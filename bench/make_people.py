"""Let a number of people into a project of LUTHIER_HOME's instance; say as JSON how they come in.

python -m bench.make_people PROJECT_ID HOW_MANY
"""

import json
import sys

from app import tables
from app.auth import passwords
from app.auth import service as auth
from app.core.database import unit_of_work
from app.projects import service as projects
from app.projects.models import Project, Role

PASSWORD = "they all say the same"  # noqa: S105 - of accounts that live for a bench


def main() -> None:
    """Make the accounts, all with one password, and a token for each."""
    project_id, many = int(sys.argv[1]), int(sys.argv[2])
    assert tables
    hashed = passwords.hashed(PASSWORD)
    made = []
    with unit_of_work() as session:
        project = session.get_one(Project, project_id)
        for number in range(many):
            user = auth.create_user(
                session, email=f"user{number}@example.org", password_hash=hashed
            )
            role = Role.EDITOR if number % 2 else Role.VIEWER
            projects.add_member(session, project=project, user=user, role=role, actor_id=None)
            made.append([user.email, auth.create_token(session, user, name="soak")])
    print(json.dumps(made))


if __name__ == "__main__":
    main()
