"""Fine-tune a model and ask it, as scripts written for OpenAI do it. Nothing here knows Luthier.

export OPENAI_BASE_URL=http://127.0.0.1:8001/v1 OPENAI_API_KEY=a-key-of-the-trainer
python examples/fine_tune.py examples/banking77/train.jsonl examples/banking77/validation.jsonl
"""

import json
import sys
import time
from pathlib import Path

from openai import OpenAI

MODEL = "gpt-4o-mini-2024-07-18"

client = OpenAI()
training_path, validation_path = sys.argv[1:]


def upload(path: str) -> str:
    """The id of the file at OpenAI."""
    return client.files.create(file=Path(path), purpose="fine-tune").id


job = client.fine_tuning.jobs.create(
    training_file=upload(training_path),
    validation_file=upload(validation_path),
    model=MODEL,
    suffix="intents",
    seed=105,
    method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
)
print("Job ID:", job.id)
print("Status:", job.status)

while job.status not in ("succeeded", "failed", "cancelled"):
    time.sleep(1)
    job = client.fine_tuning.jobs.retrieve(job.id)

events = client.fine_tuning.jobs.list_events(job.id, limit=50).data
for event in reversed(events):
    print(event.message)

if job.fine_tuned_model is None:
    raise SystemExit(f"Job {job.status}: {job.error}")
print("Trained tokens:", job.trained_tokens)
print("Fine-tuned model ID:", job.fine_tuned_model)

result = client.files.content(job.result_files[0]).text
print(result.splitlines()[0])

first = Path(validation_path).read_text().splitlines()[0]
*asked, expected = json.loads(first)["messages"]
response = client.chat.completions.create(
    model=job.fine_tuned_model, messages=asked, temperature=0, max_tokens=50
)
print("Expected:", expected["content"])
print("Answered:", response.choices[0].message.content)
