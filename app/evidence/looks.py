"""Whether a model that is asked again and again has changed, for all that one looks often."""

from dataclasses import replace
from math import sqrt

from app.evidence.base import FALSE_ALARMS, Drift, Verdict

HALF_SPENT = 12
"""After so many looks half of the false alarms that are allowed may have been spent."""


def spent(looks: int) -> float:
    """The chance of a false alarm that so many looks may take up together: under 5 %, however many
    they are.
    """
    return FALSE_ALARMS * looks / (looks + HALF_SPENT)


def drift(verdict: Verdict, *, look: int, noise_floor: float | None = None) -> Drift:
    """Judge the `look`-th look, counted from 1: `verdict` is the new answers against the old ones,
    by the rule of all verdicts. `noise_floor` is the old ones' own, of one answer a case.

    The false alarms are spent over the looks: each is tested at what it adds to `spent`. The p of a
    look is divided by its share, so that `adjusted_p` is held to 5 % like any other. By the union
    bound a series in which nothing changes raises an alarm in at most one of twenty, alike as its
    looks are (all are held against the same old answers), and without knowing how many will come.
    Spending: K. K. G. Lan, D. L. DeMets, Biometrika 70, 1983; for a series without an end: J. Tian,
    A. Ramdas, Stat. Methods Med. Res. 30, 2021.
    """
    share = (spent(look) - spent(look - 1)) / FALSE_ALARMS
    adjusted = None if verdict.p is None else min(verdict.p / share, 1.0)
    noise = None if noise_floor is None else noise_floor / sqrt(max(verdict.repeats, 1))
    is_shown = (
        verdict.kind in {"better", "worse"}
        and (adjusted is not None and adjusted <= FALSE_ALARMS)
        and abs(verdict.difference or 0.0) > (noise or 0.0)
    )
    return Drift(replace(verdict, adjusted_p=adjusted), look, noise, is_shown)
