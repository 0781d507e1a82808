"""Evidence in words. Each sentence is true of the numbers it was given, whatever they are."""

from math import ceil, floor, log10

from app.evidence.base import (
    FEWEST,
    Drift,
    Interval,
    Measure,
    NonInferiority,
    Plan,
    Slice,
    Verdict,
    WinRate,
)

MOST_DECIMALS = 9
LARGEST = 1e15
"""Beyond these a number is said as 1.2e+20."""


def sentence(of: Verdict | Drift | NonInferiority | WinRate | Slice | Plan) -> str:
    """The line that a page leads with; no full stop."""
    match of:
        case Verdict():
            return _verdict(of)
        case Drift():
            return f"{_verdict(of.verdict)}{_among_looks(of)}"
        case NonInferiority():
            return _non_inferiority(of)
        case WinRate():
            return _win_rate(of)
        case Slice():
            return f"{of.name}: {_verdict(of.verdict)}{_among_slices(of)}"
        case Plan():
            return _plan(of)


def notes(of: Verdict | NonInferiority) -> tuple[str, ...]:
    """What else a reader has to know, as whole sentences."""
    told = []
    if isinstance(of, Verdict) and of.kind == "not_enough" and of.interval:
        told.append(f"{_seen(of, of.difference or 0.0, of.interval)}.")
    if of.left_out:
        verb = "is" if of.left_out == 1 else "are"
        told.append(
            f"{cases_in_words(of.left_out)} {verb} left out: "
            "at least one of the two has no score there."
        )
    if of.repeats > 1:
        told.append(
            f"Cases were answered up to {of.repeats:,} times; each case's answers are averaged."
        )
    if isinstance(of, Verdict) and of.adjusted_p is not None and _is_lost_among_others(of):
        told.append(
            "Among all the comparisons made here this difference is not shown "
            f"(adjusted p {of.adjusted_p:.2g})."
        )
    return tuple(told)


def amount(size: float, measure: Measure, decimals: int | None = None) -> str:
    """A difference without its sign: "12.4 points" of passes and shares, else "0.31"."""
    shown = _shown(size, measure)
    number = _number(shown, _decimals_for(shown, measure) if decimals is None else decimals)
    return number if measure == "number" else f"{number} points"


def cases_in_words(cases: int) -> str:
    """1 case, 1,319 cases."""
    return "1 case" if cases == 1 else f"{cases:,} cases"


def _verdict(of: Verdict) -> str:
    if of.difference is None or of.interval is None:
        return _too_few(of.cases, of.first, of.second)
    match of.kind:
        case "better" | "worse":
            return _seen(of, of.difference, of.interval)
        case "same":
            return (
                f"{of.first} and {of.second} did equally well in every one of "
                f"{cases_in_words(of.cases)}{_unlikely_beyond(of.interval, of.measure)}"
            )
        case "not_enough":
            more = _about(of.more_cases or 1, "more ")
            return f"Not enough evidence: about {more} would show a difference of this size"
    reach = _furthest(of.interval, of.measure)
    return (
        f"No difference larger than {reach} between {of.first} and {of.second} is likely"
        f"{_based_on(of.interval, of.cases, of.measure)}"
    )


def _seen(of: Verdict, difference: float, interval: Interval) -> str:
    """What the cases showed, sure or not."""
    size = amount(abs(difference), of.measure, _decimals_of(interval, of.measure))
    if of.measure == "passes":
        which = "more" if difference >= 0 else "fewer"
        told = f"{of.first} answers {size} {which} cases correctly than {of.second}"
    else:
        which = "higher" if difference >= 0 else "lower"
        told = f"{of.first} scores {size} {which} on average than {of.second}"
    if difference < 0:
        interval = Interval(-interval.high, -interval.low)
    return told + _based_on(interval, of.cases, of.measure)


def _based_on(interval: Interval, cases: int, measure: Measure) -> str:
    """In brackets: 95 % interval 8.1 to 16.7, 1,319 cases."""
    decimals = _decimals_of(interval, measure)
    low, high = (_number(_shown(end, measure), decimals) for end in (interval.low, interval.high))
    return f" (95 % interval {low} to {high}, {cases_in_words(cases)})"


def _unlikely_beyond(interval: Interval, measure: Measure) -> str:
    if interval.low == interval.high:
        return ""
    return f"; no difference larger than {_furthest(interval, measure)} is likely"


def _non_inferiority(of: NonInferiority) -> str:
    if of.interval is None:
        return _too_few(of.cases, of.candidate, of.baseline)
    margin = _as_asked(of.margin, of.measure)
    match of.kind:
        case "non_inferior":
            return (
                f"{of.candidate} is at most {margin} worse than {of.baseline}, "
                f"with 95 % confidence ({cases_in_words(of.cases)})"
            )
        case "inferior":
            return (
                f"{of.candidate} is more than {margin} worse than {of.baseline}, "
                f"with 95 % confidence ({cases_in_words(of.cases)})"
            )
    may_be = amount(-of.interval.low, of.measure, _decimals_of(of.interval, of.measure))
    return (
        f"It is not shown that {of.candidate} is at most {margin} worse than {of.baseline}: "
        f"it may be up to {may_be} worse ({cases_in_words(of.cases)})"
    )


def _win_rate(of: WinRate) -> str:
    if of.half.value is None or of.half.interval is None:
        return f"{of.first} and {of.second} have not been compared in any case"
    low, high = (100 * end for end in (of.half.interval.low, of.half.interval.high))
    ties = "1 tie" if of.ties == 1 else f"{of.ties:,} ties"
    told = (
        f"{of.first} wins {100 * of.half.value:.1f} % against {of.second}, a tie counting half "
        f"(95 % interval {low:.1f} to {high:.1f}, {cases_in_words(of.half.cases)}, {ties})"
    )
    sure = of.half.cases >= FEWEST and of.half.interval.leaves_out(1 / 2)
    return told if sure else f"{told}: which of the two is preferred is not shown"


def _among_slices(of: Slice) -> str:
    lost = of.verdict.kind in {"better", "worse"} and not of.is_shown
    return ", but not shown among all the slices" if lost else ""


def _among_looks(of: Drift) -> str:
    if of.is_shown or of.verdict.kind not in {"better", "worse"}:
        return ""
    if of.noise is not None and abs(of.verdict.difference or 0.0) <= of.noise:
        return ", which is within what it differs from itself"
    return ", but not shown among all the looks"


def _is_lost_among_others(of: Verdict) -> bool:
    return of.kind in {"better", "worse"} and (of.adjusted_p or 0) > 0.05  # noqa: PLR2004


def _plan(of: Plan) -> str:
    if of.smallest is None:
        return f"{cases_in_words(of.cases)} would show no difference, however large"
    told = (
        f"{cases_in_words(of.cases)} would show a difference of "
        f"{_at_most(of.smallest, of.measure)} four times in five"
    )
    if of.wanted is None:
        return told
    wanted = _as_asked(of.wanted, of.measure)
    if of.needed is None:
        return f"{told}; no affordable number of cases would show {wanted}"
    return f"{told}; {wanted} would take about {_about(of.needed)}"


def _too_few(cases: int, first: str, second: str) -> str:
    if not cases:
        return f"No case has a score of both {first} and {second}: there is nothing to compare"
    verb = "is" if cases == 1 else "are"
    return (
        f"{cases_in_words(cases)} {verb} too few to compare {first} and {second}: "
        f"it takes at least {FEWEST}"
    )


def _about(cases: int, more: str = "") -> str:
    """Rounded up to two figures: nobody knows more."""
    step = 10 ** max(len(str(cases)) - 2, 0)
    rounded = -(-cases // step) * step
    return f"1 {more}case" if rounded == 1 else f"{rounded:,} {more}cases"


def _furthest(interval: Interval, measure: Measure) -> str:
    reach = max(abs(interval.low), abs(interval.high))
    return amount(reach, measure, _decimals_of(interval, measure))


def _at_most(size: float, measure: Measure) -> str:
    """Rounded up, so that it stays true."""
    shown = _shown(size, measure)
    decimals = _decimals_for(shown, measure)
    up = ceil(shown * 10**decimals - 1e-6) / 10**decimals
    return amount(up if measure == "number" else up / 100, measure, decimals)


def _as_asked(size: float, measure: Measure) -> str:
    """What a person typed, as they typed it: 2 points, 1 point, 0.5."""
    shown = f"{_shown(size, measure):.10g}"
    if measure == "number":
        return shown
    return "1 point" if shown == "1" else f"{shown} points"


def _shown(value: float, measure: Measure) -> float:
    return value if measure == "number" else 100 * value


def _decimals_of(interval: Interval, measure: Measure) -> int:
    """Two figures of the interval's width say all there is to say."""
    return _decimals_for(_shown(interval.high - interval.low, measure), measure)


def _decimals_for(width: float, measure: Measure) -> int:
    least = 0 if measure == "number" else 1
    if not width:
        return max(least, 2)
    return max(1 - floor(log10(abs(width))), least)


def _number(value: float, decimals: int) -> str:
    if decimals > MOST_DECIMALS or abs(value) >= LARGEST:
        text = f"{value:.3g}"
    else:
        text = f"{value:,.{decimals}f}"
    # Minus nought is nought; and a hyphen is no minus.
    return text.replace("-", "−") if text.strip("-0.,") else text.lstrip("-")
