"""Reinforcement: the model's own answers become likelier as they are rewarded.

REINFORCE with a leave-one-out baseline: Kool, van Hoof, Welling 2019, "Buy 4 REINFORCE Samples, Get
a Baseline for Free!"; for language models Ahmadian et al. 2024, "Back to Basics". Of k answers to a
prompt each one's advantage is its reward less the mean of the others', and the gradient followed is
that of the mean of advantage * log p(whole answer). It is unbiased; nothing is clipped, and nothing
holds the model to where it began.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.trainer.engines.base import InvalidData, Metrics
from app.trainer.engines.practice.gradients import Gradients, added, gradients_of
from app.trainer.engines.practice.lesson import EVALUATION, SAMPLES, Setting, Taught
from app.trainer.engines.practice.network import Array
from app.trainer.engines.practice.rewards import Graded, Rewarding
from app.trainer.engines.practice.rows import Indices, Rows
from app.trainer.engines.practice.sampling import sampled, text_of
from app.trainer.engines.practice.vocabulary import END

SAMPLES_PER_PROMPT = 8
FEWEST_SAMPLES = 2


@dataclass(frozen=True)
class _Drawn:
    """Answers to some prompts, as many to each, and what the grader said."""

    answers: Sequence[Array]
    graded: Graded
    seconds: float

    @property
    def tokens(self) -> float:
        """Of an answer, on average, END left out."""
        return float(np.mean([len(answer) - (answer[-1] == END) for answer in self.answers]))


class Reinforcement:
    """Follows the grader's reward."""

    def __init__(self, setting: Setting) -> None:
        if setting.valid is None:
            message = "Reinforcement needs a validation file: its checkpoints are ranked by it."
            raise InvalidData("missing_validation_file", message, "validation_file")
        self._setting = setting
        self._valid = setting.valid
        self._rewarding = Rewarding(setting.grader)
        numbers = setting.numbers
        wanted = round(SAMPLES_PER_PROMPT * float(numbers["compute_multiplier"]))
        self._each = max(FEWEST_SAMPLES, wanted)
        self._eval_each = int(numbers["eval_samples"])
        self._eval_interval = int(numbers["eval_interval"])

    def teach(self, chosen: Indices, step: int) -> Taught:
        """One step: sample, grade, follow; at every `eval_interval` and in the end, evaluate."""
        rows, optimiser = self._setting.train, self._setting.optimiser
        drawn = self._drawn(rows, chosen, self._each, SAMPLES, step)
        began = time.perf_counter()
        optimiser.update(added(self._gradients(chosen, drawn)))
        training_seconds = time.perf_counter() - began
        is_evaluated = step % self._eval_interval == 0 or step == optimiser.total_steps
        evaluated = self.evaluated(step) if is_evaluated else None
        metrics = self._metrics(drawn, evaluated, training_seconds)
        tokens = rows.words_in(chosen) + sum(map(len, drawn.answers))
        return Taught(metrics, tokens, is_evaluated)

    def evaluated(self, step: int) -> _Drawn:
        """The model as it is now on every validation row."""
        chosen = np.arange(len(self._valid))
        return self._drawn(self._valid, chosen, self._eval_each, EVALUATION, step)

    def _drawn(self, rows: Rows, chosen: Indices, each: int, purpose: int, step: int) -> _Drawn:
        began = time.perf_counter()
        network = self._setting.network
        rng = np.random.default_rng([self._setting.seed, purpose, step])
        nothing = np.zeros(len(chosen), np.int64)
        prompts = np.concatenate(
            [
                network.prompt(*rows.prompts(chosen[start:end]))
                for start, end in rows.cuts(chosen, nothing)
            ]
        )
        answers = sampled(network, np.repeat(prompts, each, axis=0), rng)
        texts = [text_of(network.vocabulary, answer) for answer in answers]
        items = [item for item in rows.items(chosen) for _ in range(each)]
        is_cut = [answer[-1] != END for answer in answers]
        graded = self._rewarding.graded(items, texts, is_cut)
        return _Drawn(answers, graded, time.perf_counter() - began)

    def _gradients(self, chosen: Indices, drawn: _Drawn) -> Iterator[Gradients]:
        network, rows, each = self._setting.network, self._setting.train, self._each
        weights = advantages(drawn.graded.rewards().reshape(-1, each)) / len(drawn.answers)
        lengths = np.array([len(answer) for answer in drawn.answers]).reshape(-1, each)
        for start, end in rows.cuts(chosen, lengths.sum(axis=1)):
            batch = rows.batch_of(chosen[start:end], drawn.answers[start * each : end * each])
            by_token = np.repeat(weights[start:end].ravel(), batch.answer_lengths)
            yield gradients_of(network, batch, network.forward(batch), by_token)

    def _metrics(self, drawn: _Drawn, evaluated: _Drawn | None, training_seconds: float) -> Metrics:
        found = {"train": drawn} if evaluated is None else {"train": drawn, "valid": evaluated}
        graded = {side: one.graded for side, one in found.items()}
        scores = self._rewarding.scores(graded)
        metrics: Metrics = {
            "train_mean_reward": scores["train_reward_mean"],
            "completion_tokens_mean": drawn.tokens,
        }
        seconds = {"sampling": drawn.seconds, "training": training_seconds}
        if evaluated is not None:
            metrics["full_valid_mean_reward"] = scores["valid_reward_mean"]
            metrics["full_valid_mean_parse_error"] = evaluated.graded.unreadable
            metrics["valid_reasoning_tokens_mean"] = 0.0
            seconds["eval"] = evaluated.seconds
        return metrics | {
            # This model thinks of nothing before it answers; its graders always respond, and
            # none of them is a model.
            "reasoning_tokens_mean": 0.0,
            "mean_unresponsive_rewards": 0.0,
            "model_graders_token_usage": {},
            "scores": scores,
            "usage": {
                "graders": [],
                "samples": {
                    f"{side}_reasoning_tokens_{kind}": 0.0
                    for side in found
                    for kind in ("mean", "count")
                },
            },
            "errors": self._rewarding.errors(graded),
            "timing": {
                "step": {**seconds, "full_iteration": sum(seconds.values())},
                "graders": self._rewarding.timing(graded),
            },
        }


def advantages(rewards: Array) -> Array:
    """Of each answer to a prompt, (B, k): its reward less the mean reward of the k - 1 others."""
    each = rewards.shape[1]
    others: Array = (rewards.sum(axis=1, keepdims=True) - rewards) / (each - 1)
    return rewards - others
