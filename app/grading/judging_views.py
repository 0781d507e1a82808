"""What the page of a judge shows: the price before it is asked, then how far it is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.connections.models import Connection
from app.core.pages import money, number
from app.graders.base import Grader
from app.grading.estimates import Estimate, judging_estimate, spent
from app.grading.judging import At, Came, Judging, open_questions, tried
from app.grading.verdicts import TriedView, tried_view

FIELD = re.compile(
    r"(?P<kind>reply|failed)\.(?P<line>\d{1,15})\.(?P<name>.*)", re.ASCII | re.DOTALL
)
TOKENS = re.compile(r"(\d{1,15}) (\d{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class JudgingView:
    """`state` is planned, going, stopped or done. `whom` names the judges, `size` and `price` say
    what they would be asked, `cost` what they were. `kept` are the fields that carry what came so
    far; `failed` the lines whose questions may be put again, of `asked` that were.
    """

    state: str
    whom: str
    size: str
    price: str
    questions: int
    asked: int
    cost: str
    failed: tuple[int, ...]
    kept: tuple[tuple[str, str], ...]
    tried: TriedView | None


def judging_view(
    grader: Grader,
    connection: Connection,
    judged: Judging,
    came: Mapping[At, Came],
    *,
    is_stopped: bool,
) -> JudgingView:
    """How things stand."""
    asks = [(grader.judges[name], ask) for (_, name), ask in open_questions(judged, {})]
    models = dict.fromkeys(judge.model for judge in grader.judges.values())
    estimate = judging_estimate(connection.profile, asks)
    left = len(open_questions(judged, came))
    failed = {line for (line, _), one in came.items() if one.reply is None}
    started = "stopped" if is_stopped else "going"
    return JudgingView(
        state="planned" if not came else started if left else "done",
        whom=f"{' and '.join(models)} over {connection.name}",
        size=_size(estimate),
        price=_price(estimate),
        questions=len(asks),
        asked=len(asks) - left,
        cost=_cost(spent(connection.profile, grader.judges, came)),
        failed=tuple(sorted(failed)),
        kept=tuple(fields_of(came)),
        tried=tried_view(grader, tried(grader, judged, came)) if came or not asks else None,
    )


def _size(estimate: Estimate) -> str:
    questions = f"{number(estimate.questions)} question{'s' if estimate.questions != 1 else ''}"
    return f"{questions}, about {number(estimate.prompt_tokens)} tokens to read"


def _price(estimate: Estimate) -> str:
    if estimate.about is None or estimate.most is None:
        return "What it costs is not known: there is no price for this model over this connection."
    if estimate.most == 0:
        return "It costs nothing."
    about, most = money(estimate.about), money(estimate.most)
    return f"About {about}, and at most {most} where every reply is as long as it may be."


def _cost(cost: float | None) -> str:
    if cost is None:
        return "What it cost is not known."
    return "It cost nothing." if cost == 0 else f"It cost {money(cost)}."


def fields_of(came: Mapping[At, Came]) -> Iterator[tuple[str, str]]:
    """What came as hidden fields of a form; `came_in` reads them."""
    for (line, name), one in came.items():
        at = f"{line}.{name}"
        if one.reply is None:
            yield f"failed.{at}", one.error
            continue
        yield f"reply.{at}", one.reply
        if one.prompt_tokens is not None and one.completion_tokens is not None:
            yield f"tokens.{at}", f"{one.prompt_tokens} {one.completion_tokens}"


def came_in(values: Mapping[str, str]) -> dict[At, Came]:
    """What came so far, of a form's fields. What no page of ours has sent is left out."""
    found: dict[At, Came] = {}
    for field, value in values.items():
        read = FIELD.fullmatch(field)
        if read is None:
            continue
        at = int(read["line"]), read["name"]
        counts = TOKENS.fullmatch(values.get(f"tokens.{read['line']}.{read['name']}", ""))
        if read["kind"] == "failed":
            found[at] = Came(None, value)
        else:
            found[at] = Came(value, "", *map(int, counts.groups() if counts else ()))
    return found
