"""What is looked for among a run's cases stands on its board, in lower case."""

import sqlalchemy as sa
from alembic import op

revision = "c41d8e90b7f2"
down_revision = "9c3b51e8d706"
branch_labels = None
depends_on = None

LONGEST = 1_000
BOARD = sa.table(
    "board_cases", *map(sa.column, ("run_id", "number", "case_id", "question", "words"))
)
CASES = sa.table("cases", sa.column("id"), sa.column("reference"))
RESULTS = sa.table("results", *map(sa.column, ("run_id", "case_id", "answer_id")))
ANSWERS = sa.table("given_answers", sa.column("id"), sa.column("text"))


def upgrade() -> None:
    with op.batch_alter_table("board_cases") as batch_op:
        batch_op.add_column(sa.Column("words", sa.Text(), nullable=True))
    wanted = sa.select(CASES.c.reference).where(CASES.c.id == BOARD.c.case_id)
    answered = (
        sa.select(sa.func.aggregate_strings(_beginning(ANSWERS.c.text), "\n"))
        .select_from(RESULTS.join(ANSWERS, ANSWERS.c.id == RESULTS.c.answer_id))
        .where(RESULTS.c.case_id == BOARD.c.case_id, RESULTS.c.run_id == BOARD.c.run_id)
    )
    said = (sa.func.coalesce(one.scalar_subquery(), "") for one in (wanted, answered))
    reference, answers = said
    words = BOARD.c.question + "\n" + _beginning(reference) + "\n" + answers
    op.execute(sa.update(BOARD).values(words=sa.func.lower(words)))
    with op.batch_alter_table("board_cases") as batch_op:
        batch_op.alter_column("words", existing_type=sa.Text(), nullable=False)


def _beginning(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.cast(sa.func.substr(text, 1, LONGEST), sa.Text())


def downgrade() -> None:
    with op.batch_alter_table("board_cases") as batch_op:
        batch_op.drop_column("words")
