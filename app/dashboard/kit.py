"""The kit shown whole: every part of a page in every state, in development only (LUTHIER_DEBUG)."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.auth.access import Myself
from app.catalog.strip import Month, Stop, StopsView
from app.core.choosing import Act, ChosenView
from app.core.database import DbSession
from app.core.errors import NotFound
from app.core.list_views import ListView
from app.core.pages import asked_part, page, path_for
from app.core.views import ChartColumn, ColumnChart, FormState
from app.dashboard.kit_evidence import EvidenceSample
from app.dashboard.kit_evidence import sample as evidence_sample
from app.dashboard.kit_list import sample_list, sample_question
from app.dashboard.views import Happening
from app.datasets.charts import ticks
from app.datasets.views import RowCard, RowFinding
from app.datasets.views_figures import Bar, Histogram, Ranked, Share
from app.datasets.views_tokens import MarkedText, MarkedTurn, Piece
from app.formats.drawn import Answer, Attachment, Call, Field, Turn
from app.jobs.charts import SparkPaths, spark
from app.jobs.drafts import Parameter
from app.jobs.listing import ACTS
from app.jobs.views import EventLine
from app.projects import queries, views
from app.settings import settings

router = APIRouter()

STEPS, EPOCHS, FULL_EVERY = 600, 4, 100
WHEN = datetime(2026, 4, 22, 14, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KitView:
    """Made-up values, one for every part that draws values."""

    form: FormState
    parameters: tuple[Parameter, ...]
    now: datetime
    happenings: tuple[Happening, ...]
    events: tuple[EventLine, ...]
    cards: tuple[RowCard, ...]
    metrics_url: str
    steps: int
    epochs: int
    histogram: Histogram
    ranked: Ranked
    marked: tuple[MarkedTurn, ...]
    rates: ColumnChart
    spark: SparkPaths | None
    stops: StopsView
    list: ListView
    acts: tuple[Act, ...]
    question: ChosenView
    evidence: EvidenceSample


@router.get("/kit", name="dashboard.kit")
def kit(request: Request, session: DbSession, user: Myself) -> Response:
    _only_in_development()
    request.state.shell = views.shell_of(
        request, user, queries.memberships_of(session, user.id), None
    )
    here = path_for(request, "dashboard.kit")
    view = _view(here, path_for(request, "dashboard.kit_metrics"))
    return page(request, "kit.html", view, fragment=asked_part(request, "list"))


@router.get("/kit/metrics", name="dashboard.kit_metrics")
def metrics(_user: Myself, after_step: int = 0) -> JSONResponse:
    _only_in_development()
    return JSONResponse(_curves(after_step))


def _only_in_development() -> None:
    if not settings().debug:
        raise NotFound


def _losses(step: int) -> tuple[float, float, float]:
    """Training, validation and full validation loss of a run that overfits after half its way."""
    fall = 4 * math.exp(-step / 60)
    rise = max(0.0, (step - STEPS / 2) / STEPS) * 0.4
    wobble = math.sin(step * 2.3) * math.sin(step * 0.71)
    full = fall + 0.3 + rise
    return fall + 0.08 + 0.03 * wobble, full + 0.04 * wobble, full


def _curves(after_step: int) -> dict[str, Any]:
    steps = range(after_step + 1, STEPS + 1)
    points = [_losses(step) for step in steps]
    return {
        "step": list(steps),
        "train_loss": [train for train, _, _ in points],
        "valid_loss": [valid for _, valid, _ in points],
        "full_valid_loss": [
            full if step % FULL_EVERY == 0 else None
            for step, (_, _, full) in zip(steps, points, strict=True)
        ],
        "train_mean_token_accuracy": [math.exp(-train / 2) for train, _, _ in points],
        "last_step": STEPS,
    }


def _view(here: str, metrics_url: str) -> KitView:
    counts = (38, 2581, 4032, 1637, 548, 310, 253, 211, 135, 108, 58, 41, 18, 12, 9, 6)
    bars = tuple(Bar(40 + 5 * at, 45 + 5 * at, count) for at, count in enumerate(counts))
    curve = [[step, _losses(step)[0]] for step in range(1, STEPS, 10)]
    return KitView(
        form=_form(),
        parameters=(
            Parameter("n_epochs", "integer", 1, 50, "How often each row is seen.", "about 3"),
            Parameter("batch_size", "integer", 1, 256, "Rows per step.", "about 16"),
            Parameter(
                "learning_rate_multiplier", "number", 0.01, 10, "How large each step is.", "1"
            ),
        ),
        now=WHEN,
        happenings=(
            Happening("owner", "PO", "started", "intents-v4", "#k-figures", WHEN),
            Happening("Luthier", None, "checked", "Banking77 intents", None, WHEN),
        ),
        events=(
            EventLine(WHEN, "Checkpoint created at step 400.", "info", "OpenAI"),
            EventLine(WHEN, "Validation loss is 10 % above its best.", "warn", "Luthier"),
            EventLine(WHEN, "The key was refused.", "error", "OpenAI"),
        ),
        cards=_cards(),
        metrics_url=metrics_url,
        steps=STEPS,
        epochs=EPOCHS,
        histogram=Histogram(bars, ticks(max(counts)), 50, 520156),
        ranked=Ranked(
            tuple(
                Share(label, rows, rows / 200, "in short", {"label": 1}, is_small=label == "top_up")
                for label, rows in (("card_arrival", 150), ("lost_card", 42), ("top_up", 8))
            ),
            ticks(150),
        ),
        marked=(
            _marked("user", "Where", " is", " my", " card", "?\n"),
            _marked("assistant", "card", "_ar", "rival"),
        ),
        rates=ColumnChart(
            tuple(
                ChartColumn(f"Run {n}", share, f"{share * 100:.0f} % of 40 passed")
                for n, share in enumerate((0.55, 0.7, 0.85), 1)
            ),
            ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")),
        ),
        spark=spark({"train": curve, "valid": curve[5:]}, step=STEPS, total_steps=STEPS),
        stops=_stops(),
        list=sample_list(here),
        acts=ACTS[:2],
        question=sample_question(here),
        evidence=evidence_sample(),
    )


def _marked(role: str, *texts: str) -> MarkedTurn:
    text = MarkedText("content", tuple(Piece(one, 1) for one in texts), len(texts), is_cut=False)
    return MarkedTurn(role, len(texts) + 4, 4, (text,), is_trained=role == "assistant")


def _stops() -> StopsView:
    read = ("a page", WHEN.date())
    near = ("Hosted Evals close", "14 evals of yours.", "")
    far = ("gpt-4o stops", "What is tuned on it too.", "7 tuned models of yours.")
    days = (
        Stop(date(2030, 11, 30), 8, *near, *read, at=13.3, is_near=True),
        Stop(date(2031, 1, 14), 53, *far, *read, at=79.1, is_near=False),
    )
    months = (Month("Dec", 13.4), Month("Jan", 59.7))
    return StopsView(days, months, date(2031, 1, 28), (read,))


def _form() -> FormState:
    return FormState(
        {
            "name": "Banking77 intents",
            "suffix": "intents-v4",
            "prompt": "Name the customer's intent.",
            "batch_size_mode": "number",
            "batch_size": "16",
            "learning_rate_multiplier_mode": "number",
            "learning_rate_multiplier": "18",
        },
        {"learning_rate_multiplier": "OpenAI takes 0.01 to 10. Did you mean 1.8?"},
    )


BROKEN = '{"messages": [{"role": "user", "content": "caf'


def _cards() -> tuple[RowCard, ...]:
    short = (
        Turn("system", "Name the customer's intent. Answer with the intent alone."),
        Turn("user", "I am still waiting on my card?"),
        Turn("assistant", "card_arrival", is_trained=True),
    )
    call = Call("find_user_id_by_name_zip", '{"first_name": "Daiki", "zip": "94111"}')
    long = (
        Turn("user", "Sure, my full name is Daiki Patel and my zip code is 94111."),
        Turn("assistant", "", is_trained=True, calls=(call,)),
        Turn("tool", "daiki_patel_5953"),
        Turn("assistant", "Which item would you like to exchange?", weight=0),
    )
    seen = (
        Attachment("image", host="images.example.com", detail="low"),
        Attachment("image", size=48_211, media_type="image/png"),
    )
    asked = (Turn("user", "Which of these is the lute?", attachments=seen),)
    pair = (
        Answer("Preferred", (Turn("assistant", "The second.", is_trained=True),)),
        Answer("Not preferred", (Turn("assistant", "A lute is an instrument."),)),
    )
    beside = (Field("target", "2"), Field("nums", "[1, 2]"))
    edge = RowFinding(
        "warning", "text.edges", "messages[0].content", "It ends in a space.", "Remove it."
    )
    unread = RowFinding("error", "encoding.utf8", None, "Not UTF-8.", "Save the file as UTF-8.")
    return (
        RowCard(1, 1, 310, 52, 4, short, (), None, ()),
        RowCard(2, 2, 902, 148, 31, long, ("find_user_id_by_name_zip",), None, (edge,)),
        RowCard(3, 3, 512, 61, 5, asked, (), None, (), pair, beside),
        RowCard(412, 412, 61, None, None, (), (), BROKEN, (unread,)),
    )
