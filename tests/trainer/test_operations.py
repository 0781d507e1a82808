"""For whoever runs it: one line of JSON per event, figures for Prometheus, ids on every answer."""

import json
import signal
from typing import Any

import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.trainer import keys
from tests.processes import Program, free_port, launch
from tests.trainer.conftest import BASE, KEY, Trainer, ask, ended, intent_rows, start_run, upload
from tests.waiting import eventually


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """`python -m app trainer`, as a person starts it; LUTHIER_LOG_LEVEL=DEBUG."""
    home, port = tmp_path_factory.mktemp("operations") / "home", free_port()
    key = keys.create(home / "trainer", "alice")
    words = ("trainer", "--port", str(port), "--home", str(home / "trainer"))
    program = launch(home, *words, output="trainer", LUTHIER_LOG_LEVEL="DEBUG")
    program.address = f"http://127.0.0.1:{port}"
    program.wait_until_healthy()
    yield program, key
    program.clear_away()


def client_of(program: Program, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{program.address}/v1", api_key=key, max_retries=0)


def lines(program: Program) -> list[dict[str, Any]]:
    return [json.loads(line) for line in program.output.splitlines()]


def told(program: Program, request_id: str) -> dict[str, Any]:
    """The line about this request."""
    found = eventually(
        lambda: [line for line in lines(program) if line.get("request") == request_id]
    )
    assert len(found) == 1
    return found[0]


def test_a_line_of_json_tells_each_request_and_who_asked(command):
    program, key = command
    with client_of(program, key) as client:
        made = client.files.with_raw_response.create(
            file=("rows.jsonl", b"{}"), purpose="fine-tune"
        )
        file_id = made.parse().id
        read = client.files.with_raw_response.retrieve(file_id)

    line = told(program, made.headers["x-request-id"])
    assert {name: line[name] for name in ("event", "level", "method", "path", "status")} == {
        "event": "request.done",
        "level": "info",
        "method": "POST",
        "path": "/v1/files",
        "status": 200,
    }
    assert line["caller"] == "alice"
    assert line["process"].startswith("trainer:")
    line = told(program, read.headers["x-request-id"])
    assert (line["level"], line["file"]) == ("debug", file_id)
    assert int(read.headers["openai-processing-ms"]) >= 0


def test_a_refusal_is_told_with_its_request_and_never_with_a_key(command):
    program, key = command
    wrong = "sk-luthier-not-a-key-of-this-trainer"
    with client_of(program, wrong) as client, pytest.raises(openai.AuthenticationError) as refused:
        client.models.list()

    line = told(program, refused.value.request_id)
    assert (line["event"], line["status"]) == ("request.refused", 401)
    assert "caller" not in line
    assert key not in program.output
    assert wrong not in program.output


def test_a_command_ends_quietly_when_it_is_told_to(tmp_path):
    port = free_port()
    program = launch(
        tmp_path / "home", "trainer", "--port", str(port), LUTHIER_TRAINER_KEYS="one,two"
    )
    program.address = f"http://127.0.0.1:{port}"
    try:
        program.wait_until_healthy()
        assert (tmp_path / "home" / "trainer" / "files").is_dir()
        assert program.stop(signal.SIGTERM) in {0, -signal.SIGTERM}
        assert program.output == ""
    finally:
        program.clear_away()


def figures(client: openai.OpenAI) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics by name and labels."""
    answer = client.with_options(base_url=str(client.base_url).removesuffix("v1/")).get(
        "/metrics", cast_to=str
    )
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer)
        for sample in family.samples
    }


def test_prometheus_is_told_what_the_trainer_does(make_trainer):
    trainer: Trainer = make_trainer()
    client = trainer.client()
    run = ended(client, start_run(client, intent_rows(20)).id)
    slow = start_run(client, intent_rows(200), n_epochs=50)
    start_run(client, intent_rows(20))
    ask(client, BASE, "hello")
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve("file-x")
    found = eventually(
        lambda: (seen := figures(client))[("luthier_trainer_runs", "running")] == 1 and seen,
        within=30,
    )

    assert found[("luthier_trainer_runs", "succeeded")] == 1
    assert found[("luthier_trainer_runs", "failed")] == 0
    assert found[("luthier_trainer_queue_length",)] == 1
    assert found[("luthier_trainer_training_processes",)] == 1
    assert found[("luthier_trainer_answering_processes",)] == 1
    assert found[("luthier_trainer_trained_tokens_total",)] == run.trained_tokens
    assert found[("luthier_trainer_http_requests_total", "POST", "/v1/files", "200")] == 3
    missing = ("luthier_trainer_http_requests_total", "GET", "/v1/files/{file_id}", "404")
    assert found[missing] == 1
    assert found[("luthier_trainer_disk_free_bytes",)] > 0
    assert found[("process_resident_memory_bytes",)] > 0
    received = found[("luthier_trainer_upload_bytes_total",)]
    size = client.files.retrieve(upload(client, intent_rows(20))).bytes
    assert figures(client)[("luthier_trainer_upload_bytes_total",)] == received + size
    client.fine_tuning.jobs.cancel(slow.id)


def test_figures_need_a_key_and_health_needs_none(trainer: Trainer):
    assert trainer.is_healthy()
    with pytest.raises(openai.AuthenticationError):
        figures(trainer.client("wrong"))


def test_labels_come_from_the_program_alone(client: openai.OpenAI):
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing/like/this", cast_to=object)

    assert not [name for name in figures(client) if any("nothing" in part for part in name)]
    assert KEY not in str(figures(client))
