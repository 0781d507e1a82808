"""How people hear of what as long as they have not chosen."""

from collections.abc import Mapping
from typing import NamedTuple

from app.notices.models import About, Topic


class Ways(NamedTuple):
    """Whether something is to be read in the app, and whether it comes by mail."""

    in_app: bool
    by_mail: bool


DEFAULTS: Mapping[About, Ways] = {
    About.OWN_JOB: Ways(in_app=True, by_mail=True),
    About.JOB: Ways(in_app=False, by_mail=False),
    About.NEEDS_DECISION: Ways(in_app=True, by_mail=True),
    About.BUDGET: Ways(in_app=True, by_mail=True),
    About.DATES: Ways(in_app=True, by_mail=True),
    About.DRIFT: Ways(in_app=True, by_mail=True),
}
# Mail about these goes to those who can do something about it.
FOR_SPENDERS = frozenset({Topic.NEEDS_DECISION, Topic.BUDGET})


def about(topic: str, *, is_own: bool) -> About:
    """What of a person's choices decides about a notice."""
    if topic != Topic.JOB_ENDED:
        return About(topic)
    return About.OWN_JOB if is_own else About.JOB
