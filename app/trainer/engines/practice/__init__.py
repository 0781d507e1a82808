"""The practice engine: a small language model in numpy that trains in seconds on one core."""

from pathlib import Path

from app.trainer.engines.base import Speaker, Task, Training
from app.trainer.engines.practice.network import Network
from app.trainer.engines.practice.speaker import PracticeSpeaker, untrained
from app.trainer.engines.practice.training import PracticeTraining


class PracticeEngine:
    """Good at short labels, babbles on long answers; a practice model, not a GPT."""

    def prepare(self, task: Task) -> Training:
        """Compile the rows and make the network and the method's lesson. Raises InvalidData."""
        return PracticeTraining(task)

    def load(self, path: Path | None) -> Speaker:
        """A saved network, or the untrained one."""
        return PracticeSpeaker(untrained() if path is None else Network.load(path))


ENGINE = PracticeEngine()
