"""Examples before a question: drawn with a seed or the nearest, never the case itself."""

from app.core.database import read_only
from app.datasets.models import DatasetVersion
from app.evaluations.work.shots import examples_of
from tests import make
from tests.evaluations.steps import add_version, begin, run_of, start
from tests.stage import one_database
from tests.witness.script import CHAT

ROWS = (
    ("My card has not arrived yet", "card_arrival"),
    ("When will my new card arrive?", "card_arrival"),
    ("I want to change my pin", "change_pin"),
    ("How do I set another pin code?", "change_pin"),
    ("The exchange rate was wrong", "exchange_rate"),
    ("Which exchange rate do you use?", "exchange_rate"),
)


def a_version(workshop):
    content = b"".join(make.chat_row(question, answer) for question, answer in ROWS)
    return add_version(workshop, content, name="Training")


def asked(text):
    return [{"role": "system", "content": make.SYSTEM}, {"role": "user", "content": text}]


def shown(version_id, text, **shots):
    with read_only() as session:
        version = session.get_one(DatasetVersion, version_id)
    given = {"k": 2, "way": "nearest", "seed": 1, **shots}
    found = examples_of(version, given).before(asked(text))
    assert found.tokens > 0
    return [one["content"] for one in found.messages if one["role"] == "user"]


@one_database
def test_the_nearest_share_the_rare_words_and_stand_next_to_the_question(workshop):
    version_id = a_version(workshop)
    assert shown(version_id, "Which rate applies to exchange?")[-1] == ROWS[5][0]
    assert set(shown(version_id, "please change the pin of my card")) <= {one for one, _ in ROWS}
    assert shown(version_id, "please change my pin")[-1] == ROWS[2][0]


@one_database
def test_a_row_that_asks_what_the_case_asks_is_never_shown(workshop):
    version_id = a_version(workshop)
    for text in (ROWS[0][0], f"  {ROWS[0][0].upper()} "):
        assert ROWS[0][0] not in shown(version_id, text, k=5)
        assert ROWS[0][0] not in shown(version_id, text, k=5, way="seeded")


@one_database
def test_those_drawn_with_a_seed_are_the_same_for_every_case(workshop):
    version_id = a_version(workshop)
    first = shown(version_id, "Where?", way="seeded", k=3)
    assert shown(version_id, "Why?", way="seeded", k=3) == first
    assert len(first) == 3
    assert len({tuple(shown(version_id, "Why?", way="seeded", k=3, seed=n)) for n in range(9)}) > 1


@one_database
def test_examples_stand_between_the_system_prompt_and_the_question(workshop, witness, letters):
    version_id = a_version(workshop)
    evaluation_id = begin(workshop)
    letters.deliver()
    few = {
        "connection_id": workshop.connection_id,
        "model": make.BASE_MODEL,
        "shots": {"version_id": version_id, "k": 2},
    }
    run_id = start(workshop, evaluation_id, make.BASE_MODEL, few)
    letters.deliver()
    run = run_of(run_id)
    assert run.status == "done"
    assert [one.name for one in run.contestants] == [
        make.BASE_MODEL,
        f"{make.BASE_MODEL}, 2 examples",
    ]
    sent = [one.body["messages"] for one in witness.journal.read(CHAT)]
    with_examples = [one for one in sent if len(one) > 2]
    assert len(with_examples) == 12
    for one in with_examples:
        roles = [message["role"] for message in one]
        assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
