"""How long the practice engine trains, process start included, beside the core's limit."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

from app.trainer.folder import RunFolder, Spec  # noqa: E402
from app.trainer.launch import LaunchFile  # noqa: E402
from app.trainer.launcher import child_environment  # noqa: E402

BANKING77 = ROOT / "examples" / "banking77"
LIMITS = {"500 short rows x 3 epochs": 3.0, "Banking77, 10,003 rows x 1 epoch": 8.0}


def one_run(training: Path, validation: Path | None, epochs: int, home: Path) -> dict:
    """A whole run in its own process, pinned to one core, as the server starts it."""
    folder = RunFolder(home)
    folder.path.mkdir()
    name = home.name
    folder.write_spec(
        Spec(
            id=f"ftjob-{name}",
            created_at=time.time(),
            engine="practice",
            model="practice-small",
            training_file="file-a",
            validation_file="file-b" if validation else None,
            suffix=None,
            seed=1,
            method="supervised",
            asked={"n_epochs": epochs},
            metadata=None,
            tuned_model=f"ft:practice-small:luthier::{name}",
        )
    )
    launch = LaunchFile(
        training_file=str(training), validation_file=str(validation) if validation else None
    )
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "app.trainer.child", str(home)],
        cwd=ROOT,
        env=child_environment() | launch.environment(),
        preexec_fn=one_core,  # noqa: PLW1509 - this process has one thread
    )
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    state = folder.state()
    assert status == 0
    assert state.status == "succeeded", state.error
    return {
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * 1024,
        "steps": state.step,
    }


def one_core() -> None:
    """Pin to the first core allowed, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def multiplications(rows: list[dict], epochs: int) -> int:
    """Multiply-adds of the dense layers for these answers, forward and twice that back."""
    from app.trainer.engines.practice.network import HIDDEN, TOKEN_WIDTH, WINDOW
    from app.trainer.engines.practice.rows import PieceCounter
    from app.trainer.engines.practice.vocabulary import Vocabulary

    answers = [row["messages"][-1]["content"] for row in rows]
    pieces = PieceCounter()
    for answer in answers:
        pieces.add(answer)
    vocabulary = Vocabulary([]).grown(pieces.counts.items())
    tokens = sum(len(vocabulary.encode(answer)) + 1 for answer in answers)
    return 3 * epochs * tokens * HIDDEN * (WINDOW * TOKEN_WIDTH + len(vocabulary))


def limit() -> float:
    """Multiply-adds a second of one core on a float32 matrix product of 1024 x 1024."""
    import numpy as np

    one_core()
    left = np.random.default_rng(0).standard_normal((1024, 1024), np.float32)
    left @ left
    best = min(_timed(lambda: left @ left) for _ in range(10))
    return 1024**3 / best


def _timed(do) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def main() -> None:
    """Print the two figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="runs of each; the best counts")
    asked = parser.parse_args()
    rows = [json.loads(line) for line in (BANKING77 / "train.jsonl").read_bytes().splitlines()]
    measured = {}
    with tempfile.TemporaryDirectory() as temporary:
        few = Path(temporary) / "few.jsonl"
        short = rows[::20][:500]
        few.write_text("".join(json.dumps(row) + "\n" for row in short))
        dense = dict(
            zip(LIMITS, (multiplications(short, 3), multiplications(rows, 1)), strict=True)
        )
        for n in range(asked.times):
            for name, training, epochs in zip(
                LIMITS, (few, BANKING77 / "train.jsonl"), (3, 1), strict=True
            ):
                run = one_run(training, None, epochs, Path(temporary) / f"{epochs}{n:07}")
                measured.setdefault(name, []).append(run)
    product = limit()
    print(f"one core multiplies matrices at {product / 1e9:.1f} billion multiply-adds a second")
    for name, runs in measured.items():
        best = min(runs, key=lambda run: run["seconds"])
        print(
            f"{name}: {best['seconds']:.2f} s (target < {LIMITS[name]:.0f} s), processor"
            f" {best['cpu']:.2f} s, {best['steps']} steps, peak {best['peak'] / 2**20:.0f} MiB;"
            f" its dense products alone at that limit: {dense[name] / product:.3f} s"
        )


if __name__ == "__main__":
    main()
