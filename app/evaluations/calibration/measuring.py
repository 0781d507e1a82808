"""A judge against people, and against itself with the order swapped: what it takes to be trusted,
and why one is not; pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from app.evidence.agreement import cohen, judge_quality, order_swap
from app.evidence.base import FALSE_ALARMS, Agreement, JudgeQuality, OrderSwap
from app.evidence.proportions import sign_test

# Kappa from 0.61 on is "substantial", from 0.41 "moderate" (Landis and Koch, Biometrics 33, 1977).
KAPPA, LEAST_KAPPA = 0.6, 0.4
# People themselves agree less over which of two answers is better: on 63 % where ties count (Zheng
# et al., Judging LLM-as-a-Judge, 2023, table 5), a kappa of about 0.45 were all three as common.
KAPPA_OF_TWO, LEAST_OF_TWO = 0.4, 0.2
# In the same paper (section 3.4) GPT-4 kept to its verdict in 65 % of swapped pairs, and in 77.5 %
# when it was shown examples; a judge that goes by the place alone keeps to none.
CONSISTENT = 0.75
FEWEST, FEWEST_OF_KIND = 30, 10


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found. `quality` of a judge of single answers; `of_two` and `swap` of one that
    compares: with people over the same pairs, and with itself. `unread` are replies without a
    verdict.
    """

    quality: JudgeQuality | None = None
    of_two: Agreement | None = None
    swap: OrderSwap | None = None
    unread: int = 0


_ADAPTER = TypeAdapter(Measured)


def as_json(measured: Measured) -> dict[str, Any]:
    """To be kept."""
    found: dict[str, Any] = _ADAPTER.dump_python(measured, mode="json")
    return found


def from_json(kept: dict[str, Any]) -> Measured:
    """As it was kept."""
    return _ADAPTER.validate_python(kept)


def measured_alone(
    judge: Sequence[bool | None], people: Sequence[bool | None], unread: int = 0
) -> Measured:
    """A judge of single answers: did it, and did people, find each one good."""
    return Measured(quality=judge_quality(judge, people), unread=unread)


def measured_of_two(
    judge: Sequence[Any], people: Sequence[Any], as_asked: Sequence[Any], swapped: Sequence[Any]
) -> Measured:
    """A judge that compares: its outcomes beside people's, and in both orders."""
    return Measured(of_two=cohen(judge, people), swap=order_swap(as_asked, swapped))


def reasons_against(measured: Measured) -> list[str]:
    """Why the judge is not trusted yet, each as a sentence; none where it is."""
    found: list[str] = []
    if measured.quality is not None:
        found += _alone(measured.quality)
    if measured.of_two is not None:
        found += _of_two(measured.of_two)
    if measured.swap is not None:
        found += _swapped(measured.swap)
    return found


def _alone(quality: JudgeQuality) -> Iterator[str]:
    cases = quality.agreement.cases
    good = quality.passed_by_both + quality.passed_by_people_alone
    if cases < FEWEST:
        yield f"{_answers(cases)} graded by people and by it; {FEWEST} are needed."
        return
    for kind, count in (("good", good), ("bad", cases - good)):
        if count < FEWEST_OF_KIND:
            yield (
                f"People found {count} of the {cases} answers {kind}; {FEWEST_OF_KIND} are needed, "
                "since agreement over one kind alone says little."
            )
            return
    against = list(_agreement(quality.agreement, KAPPA, LEAST_KAPPA))
    yield from against
    if against:
        yield from _leaning(quality)


def _answers(count: int) -> str:
    return "1 answer is" if count == 1 else f"{count} answers are"


def _agreement(agreement: Agreement, wanted: float, least: float) -> Iterator[str]:
    kappa, ends = agreement.kappa, agreement.interval
    if kappa is None or ends is None:
        yield "It always says the same, so that agreement means nothing."
    elif kappa < wanted:
        yield (
            f"It agrees with people by a kappa of {kappa:.2f} (95 % interval {ends.low:.2f} to "
            f"{ends.high:.2f}); {wanted} is asked for, where 0 is chance and 1 always."
        )
    elif ends.low < least:
        yield (
            f"Its kappa of {kappa:.2f} could as well be {ends.low:.2f}; {least} at least is asked "
            "for. More of people's grades would tell."
        )


def _leaning(quality: JudgeQuality) -> Iterator[str]:
    """Which way it is wrong, where that is no chance."""
    generous, strict = quality.passed_by_judge_alone, quality.passed_by_people_alone
    if sign_test(generous, strict).exact >= FALSE_ALARMS:
        return
    if generous > strict:
        yield (
            f"It is too generous: it passed {generous} answers that people do not, and failed "
            f"{strict} that they do."
        )
    else:
        yield (
            f"It is too strict: it failed {strict} answers that people pass, and passed "
            f"{generous} that they do not."
        )


def _of_two(agreement: Agreement) -> Iterator[str]:
    if agreement.cases < FEWEST:
        pairs = "1 pair is" if agreement.cases == 1 else f"{agreement.cases} pairs are"
        yield f"{pairs} judged by people and by it; {FEWEST} are needed."
    else:
        yield from _agreement(agreement, KAPPA_OF_TWO, LEAST_OF_TWO)


def _swapped(swap: OrderSwap) -> Iterator[str]:
    if swap.cases < FEWEST:
        pairs = "1 pair was" if swap.cases == 1 else f"{swap.cases} pairs were"
        yield f"{pairs} put to it in both orders; {FEWEST} are needed."
    elif swap.consistent.value is not None and swap.consistent.value < CONSISTENT:
        yield (
            f"It said the same of {100 * swap.consistent.value:.0f} % of {swap.cases} pairs when "
            f"their order was swapped; {100 * CONSISTENT:.0f} % are asked for.{_place(swap)}"
        )


def _place(swap: OrderSwap) -> str:
    if swap.test.exact >= FALSE_ALARMS:
        return ""
    most = max(swap.first_place, swap.second_place)
    which = "first" if swap.first_place == most else "second"
    turned = swap.first_place + swap.second_place
    return f" It prefers what stands {which}: {most} of the {turned} times it changed its mind."
