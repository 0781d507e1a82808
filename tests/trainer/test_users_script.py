"""A script written for OpenAI runs as it is: only its address and its key are set, from outside."""

import subprocess
import sys
from pathlib import Path

import openai
import pytest

from tests.trainer.conftest import KEY, intent_rows, jsonl, upload

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "fine_tune.py"
GPT = "gpt-4o-mini-2024-07-18"
STANDS_IN = {"LUTHIER_TRAINER_STAND_INS": f"{GPT} = practice-small, gpt-4.1=practice-small"}


def test_the_script_of_a_user_tunes_and_asks(make_trainer, tmp_path: Path):
    trainer = make_trainer(more=STANDS_IN)
    (tmp_path / "train.jsonl").write_bytes(jsonl(intent_rows(300)))
    (tmp_path / "validation.jsonl").write_bytes(jsonl(intent_rows(60, seed=9)))

    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "train.jsonl", tmp_path / "validation.jsonl"],
        env={"OPENAI_BASE_URL": f"http://127.0.0.1:{trainer.port}/v1", "OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert "The job has successfully completed" in done.stdout
    assert told["Fine-tuned model ID"].startswith("ft:practice-small:luthier:intents:")
    assert told["Answered"] == told["Expected"]
    assert "step,train_loss," in done.stdout


def test_a_stand_in_is_never_called_by_the_other_name(make_trainer):
    client = make_trainer(more=STANDS_IN).client()

    job = client.fine_tuning.jobs.create(model=GPT, training_file=upload(client, intent_rows(12)))
    said = client.chat.completions.create(
        model=GPT, messages=[{"role": "user", "content": "hello"}], max_tokens=2
    )

    assert (job.model, said.model) == ("practice-small", "practice-small")
    assert GPT not in [model.id for model in client.models.list()]


def test_without_one_a_gpt_is_refused_and_the_cure_is_told(client: openai.OpenAI):
    with pytest.raises(openai.BadRequestError, match="LUTHIER_TRAINER_STAND_INS"):
        client.fine_tuning.jobs.create(model=GPT, training_file=upload(client, intent_rows(12)))


def test_a_stand_in_that_is_no_model_here_stops_the_start(tmp_path: Path):
    start = "from app.trainer.stand_ins import stand_ins; stand_ins()"

    done = subprocess.run(
        [sys.executable, "-c", start],
        cwd=ROOT,
        env={"LUTHIER_TRAINER_STAND_INS": "gpt-4.1=gpt-4.1-mini"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "practice-small" in done.stderr
