"""A made-up list for the kit: columns, filters at work, rows chosen, a question about them."""

from app.core.choosing import ChosenView, Line
from app.core.list_views import Chip, FilterField, Head, ListView

STATES = (("running", "running"), ("in_doubt", "in doubt"), ("failed", "failed"))
CONNECTIONS = (("1", "Practice"), ("2", "OpenAI, main"))


def sample_list(path: str) -> ListView:
    """A page of 1,038 jobs, narrowed in two ways, two of its rows chosen."""
    heads = (
        Head("name", "Job", is_number=False, order="none", url=path),
        Head("status", "State", is_number=False, order="none", url=path),
        Head("best", "Best validation loss", is_number=True, order="none", url=path),
        Head("curve", "Curve", is_number=False, order="", url=""),
        Head("started", "Started", is_number=True, order="descending", url=path),
    )
    return ListView(
        path=path,
        noun="job",
        sort="-started",
        heads=heads,
        words={head.key: head.words for head in heads},
        columns=(("best", "Best validation loss", True), ("epochs", "Epochs", False)),
        fields=(
            _field("name", "Name", "text", "intents"),
            _field("status", "State", "set", "running", STATES),
            _field("connection", "Connection", "pick", "", CONNECTIONS),
            _field("wrong", "Wrong", "named", "", (("1", "tuned"), ("2", "gpt-4.1, few-shot"))),
            _field("since", "Started since", "date", ""),
            _field("archived", "Archived too", "flag", ""),
        ),
        chips=(Chip("name: intents", path), Chip("running", path)),
        carried=(),
        kept=(),
        first=1,
        last=2,
        shown=2,
        total=1038,
        counted=20_000,
        clear_url=path,
        earlier_url=None,
        later_url=path,
        is_part=False,
        refresh_url=path,
        chosen=frozenset({1}),
        elsewhere=(),
        can_choose=True,
    )


def sample_question(path: str) -> ChosenView:
    """What is asked before it is done to many."""
    return ChosenView(
        key="archive",
        words="Archive",
        title="Archive one job?",
        promise="What is archived leaves the list and keeps everything it has.",
        is_danger=False,
        lines=(
            Line("intents-v3", "succeeded in May", stays=False),
            Line("intents-v4", "It is running; cancel it first.", stays=True),
        ),
        goes=1,
        chosen="1,2",
        do_url=path,
        list_url=path,
        is_part=False,
    )


def _field(
    key: str, words: str, kind: str, value: str, choices: tuple[tuple[str, str], ...] = ()
) -> FilterField:
    return FilterField(key, words, kind, value, frozenset({value}), choices)
