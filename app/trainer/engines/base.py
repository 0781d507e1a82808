"""What an engine is: it compiles rows, yields one report a step, saves, resumes, and answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

# Numbers by OpenAI's names; reinforcement adds nested ones, such as `scores`.
Metrics = dict[str, Any]


class InvalidData(Exception):
    """The job cannot be trained as asked; `code` and `param` go on the wire as the job's error."""

    def __init__(self, code: str, message: str, param: str | None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


@dataclass(frozen=True)
class Task:
    """What to train: files, the model to start from (None: fresh), a folder for scratch files.

    `method` is "supervised", "dpo" or "reinforcement"; `asked` has the method's hyperparameters by
    OpenAI's names; `grader` is the JSON of the grader whose reward reinforcement follows.
    """

    training_file: Path
    validation_file: Path | None
    start_from: Path | None
    seed: int
    asked: Mapping[str, Any]
    work: Path
    method: str = "supervised"
    grader: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Facts:
    """What was found and decided before the first step. Tokens are per epoch, prompt included."""

    rows: int
    validation_rows: int
    tokens_per_epoch: int
    total_steps: int
    hyperparameters: dict[str, int | float | str]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepReport:
    """One step; `metrics` has OpenAI's names: losses in nats per token, accuracies as shares.

    Where `is_checkpoint`, the model is saved as one: at the end of an epoch, in reinforcement at an
    evaluation too. Reinforcement's are ranked by `metrics["scores"]["valid_reward_mean"]`. The last
    step always is one.
    """

    step: int
    metrics: Metrics
    trained_tokens: int
    is_checkpoint: bool


class Training(Protocol):
    """A prepared training; the child drives it step by step and may stop between any two."""

    facts: Facts

    @property
    def step(self) -> int:
        """How many steps are done."""

    def steps(self) -> Iterator[StepReport]:
        """Train on from where it stands; the same seed and data give the same numbers."""

    def save_model(self, path: Path) -> None:
        """Write what is needed to answer, complete or not at all."""

    def save_resume(self, path: Path) -> None:
        """Write what is needed to go on exactly, complete or not at all."""

    def load_resume(self, path: Path) -> None:
        """Go on from `save_resume`.

        Raises ValueError when the file does not belong to this training.
        """


@dataclass(frozen=True)
class Sampling:
    """How to sample.

    `top_logprobs` alternatives are reported per token; temperature 0 is greedy. The penalties are
    OpenAI's: a token drawn c times before loses c * frequency_penalty, and presence_penalty once.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int = 0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0


@dataclass(frozen=True)
class Token:
    """One sampled token.

    `raw` is its bytes, `logprob` natural and before temperature and penalties, `text` what may be
    shown now.
    """

    text: str
    raw: bytes
    logprob: float
    top: tuple[tuple[bytes, float], ...] = ()


@dataclass
class Answer:
    """Filled while the tokens are drawn: why it ended is known after the last one."""

    prompt_tokens: int
    finish_reason: str = "length"
    completion_tokens: int = 0
    tail: str = field(default="")


class Speaker(Protocol):
    """A loaded model."""

    def answer(
        self, messages: Sequence[Mapping[str, Any]], sampling: Sampling
    ) -> tuple[Answer, Iterator[Token]]:
        """Sample one answer; the iterator fills the `Answer` as it goes."""


class Engine(Protocol):
    """One way to train and answer."""

    def prepare(self, task: Task) -> Training:
        """Read and compile the files, or reopen what is compiled in `task.work`.

        Raises InvalidData.
        """

    def load(self, path: Path | None) -> Speaker:
        """The model saved at `path`; None is the untrained base model."""
