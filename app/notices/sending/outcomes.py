"""What may become of a try to deliver."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Arrived where `problem` is None. `is_final`: no other try will do better; `is_gone`: nothing
    will ever arrive there. `is_of_one`: the fault lies with this message, not with the way.
    """

    milliseconds: int
    status: int | None = None
    answer: str = ""
    problem: str | None = None
    retry_after: float | None = None
    is_final: bool = False
    is_gone: bool = False
    is_of_one: bool = False
