"""Which saved models a run keeps and shows, and what they are called."""

import math
from collections.abc import Sequence

from app.trainer.folder import Checkpoint, Spec, State

KEPT = 3
MARK = ":ckpt-step-"


def kept(saved: Sequence[Checkpoint], *, method: str, total_steps: int) -> list[Checkpoint]:
    """What stays of the models saved so far, oldest first: the last three or, of reinforcement,
    the three of the best validation reward; the final model; and a pause's until the next is saved.
    """
    steps = _chosen(saved, method) | {total_steps}
    *earlier, last = saved
    stays = [one for one in earlier if one.step in steps]
    return [*stays, last] if last.is_snapshot or last.step in steps else stays


def shown(spec: Spec, state: State) -> list[Checkpoint]:
    """The checkpoints of a run, newest first."""
    steps = _chosen(state.checkpoints, spec.method)
    return [one for one in reversed(state.checkpoints) if one.step in steps or one.is_snapshot]


def _chosen(saved: Sequence[Checkpoint], method: str) -> set[int]:
    planned = [one for one in saved if not one.is_snapshot]
    if method == "reinforcement":
        planned.sort(key=lambda one: (_valid_reward(one), one.step))
    return {one.step for one in planned[-KEPT:]}


def _valid_reward(checkpoint: Checkpoint) -> float:
    scores = checkpoint.metrics.get("scores") or {}
    return float(scores.get("valid_reward_mean", -math.inf))


def checkpoint_model(spec: Spec, step: int, total_steps: int) -> str:
    """A checkpoint's model name; the last one's is the tuned model itself, as OpenAI has it."""
    return spec.tuned_model if step == total_steps else f"{spec.tuned_model}{MARK}{step}"


def run_model(name: str) -> str:
    """The name of the tuned model that a model's name belongs to."""
    return name.partition(MARK)[0]
