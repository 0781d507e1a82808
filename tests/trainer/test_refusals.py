"""Whatever is wrong is said in OpenAI's shape, with the parameter named; nothing is a 500."""

import openai
import pytest

from tests.trainer.conftest import BASE, Trainer, intent_rows, upload


def supervised(**numbers):
    return {"method": {"type": "supervised", "supervised": {"hyperparameters": numbers}}}


AT = "method.supervised.hyperparameters"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": "gpt-4.1"}, "model"),
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"training_file": "file-of-nobody"}, "training_file"),
        ({"training_file": None}, "training_file"),
        ({"validation_file": "file-of-nobody"}, "validation_file"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"suffix": ""}, "suffix"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        ({"metadata": {"k" * 65: "x"}}, "metadata"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"metadata": {"k": 1}}, "metadata.k"),
        ({"metadata": []}, "metadata"),
        ({"method": "supervised"}, "method"),
        ({"method": {"type": "hypnosis"}}, "method.type"),
        ({"method": {"type": []}}, "method.type"),
        ({"method": {"type": "supervised", "supervised": []}}, "method.supervised"),
        (supervised(n_epochs=0), f"{AT}.n_epochs"),
        (supervised(n_epochs=51), f"{AT}.n_epochs"),
        (supervised(n_epochs=1.5), f"{AT}.n_epochs"),
        (supervised(n_epochs="many"), f"{AT}.n_epochs"),
        (supervised(n_epochs=True), f"{AT}.n_epochs"),
        (supervised(batch_size=257), f"{AT}.batch_size"),
        (supervised(learning_rate_multiplier=0), f"{AT}.learning_rate_multiplier"),
        (supervised(learning_rate_multiplier="fast"), f"{AT}.learning_rate_multiplier"),
        (supervised(beta=0.1), f"{AT}.beta"),
        ({"hyperparameters": {"n_epochs": 99}}, "hyperparameters.n_epochs"),
        ({"integrations": "wandb"}, "integrations"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}] * 6}, "integrations"),
        ({"integrations": ["wandb"]}, "integrations[0]"),
        ({"integrations": [{"wandb": {"project": "p"}}]}, "integrations[0].type"),
        ({"integrations": [{"type": "mlflow"}]}, "integrations[0].type"),
        ({"integrations": [{"type": "wandb"}]}, "integrations[0].wandb.project"),
        ({"integrations": [{"type": "wandb", "wandb": []}]}, "integrations[0].wandb"),
        (
            {"integrations": [{"type": "wandb", "wandb": {"project": "p", "tags": "x"}}]},
            "integrations[0].wandb.tags",
        ),
        (supervised(n_epochs=10**400), f"{AT}.n_epochs"),
        (supervised(learning_rate_multiplier=10**400), f"{AT}.learning_rate_multiplier"),
        ({"priority": "high"}, "priority"),
    ],
)
def test_a_run_that_cannot_be_is_refused(client: openai.OpenAI, training_file: str, change, param):
    asked = {"model": BASE, "training_file": training_file, **change}

    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/fine_tuning/jobs", body=asked, cast_to=object)

    assert set(refused.value.body) == {"message", "type", "param", "code"}
    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"


def test_the_old_place_of_hyperparameters_still_works(client: openai.OpenAI, training_file: str):
    run = client.fine_tuning.jobs.create(
        model=BASE,
        training_file=training_file,
        hyperparameters={"n_epochs": 2, "batch_size": "auto"},
    )

    assert run.hyperparameters.n_epochs == 2
    assert run.hyperparameters.batch_size == "auto"


def test_a_file_of_another_purpose_is_refused(client: openai.OpenAI):
    file_id = client.files.create(file=("a.txt", b"words"), purpose="user_data").id

    with pytest.raises(openai.BadRequestError) as refused:
        client.fine_tuning.jobs.create(model=BASE, training_file=file_id)

    assert refused.value.param == "training_file"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fine_tuning/jobs/ftjob-of-nobody", 404),
        ("GET", "/fine_tuning/jobs/ftjob-of-nobody/events", 404),
        ("POST", "/fine_tuning/jobs/ftjob-of-nobody/cancel", 404),
        ("POST", "/fine_tuning/jobs/ftjob-of-nobody/pause", 404),
        ("POST", "/fine_tuning/jobs/ftjob-of-nobody/resume", 404),
        ("GET", "/fine_tuning/jobs/ftjob-of-nobody/checkpoints", 404),
        ("GET", "/fine_tuning/checkpoints/ft:of:nobody/permissions", 404),
        ("POST", "/fine_tuning/checkpoints/ft:of:nobody/permissions", 404),
        ("DELETE", "/fine_tuning/checkpoints/ft:of:nobody/permissions/cp_1", 404),
        ("GET", "/fine_tuning/jobs?limit=0", 400),
        ("GET", "/fine_tuning/jobs?limit=101", 400),
        ("GET", "/fine_tuning/jobs?limit=ten", 400),
        ("GET", "/fine_tuning/jobs?after=ftjob-of-nobody", 400),
        ("GET", "/files/file-of-nobody", 404),
        ("GET", "/files/file-of-nobody/content", 404),
        ("GET", "/files/..%2Fspec", 404),
        ("DELETE", "/files/file-of-nobody", 404),
        ("GET", "/files?order=up", 400),
        ("GET", "/models/ft:of:nobody", 404),
        ("DELETE", f"/models/{BASE}", 403),
        ("POST", "/embeddings", 404),
        ("PUT", "/files", 405),
        ("POST", "/batches", 404),
    ],
)
def test_what_is_not_there_is_said_in_openais_shape(client: openai.OpenAI, method, path, status):
    with pytest.raises(openai.APIStatusError) as refused:
        client.request(object, options(method, path))

    assert refused.value.status_code == status
    assert set(refused.value.body) == {"message", "type", "param", "code"}
    assert refused.value.response.headers["x-luthier-trainer"] == "1"


def options(method: str, path: str):
    from openai._models import FinalRequestOptions

    return FinalRequestOptions.construct(
        method=method, url=path, json_data={} if method == "POST" else None
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"seed": NaN}', b"\xff", b"[" * 100_000]
)
def test_a_body_that_is_no_object_is_refused(trainer: Trainer, body: bytes):
    import urllib.error
    import urllib.request

    from tests.trainer.conftest import KEY

    for path in ("fine_tuning/jobs", "chat/completions"):
        asked = urllib.request.Request(
            f"http://127.0.0.1:{trainer.port}/v1/{path}",
            data=body,
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(asked):  # noqa: S310
            pass
        with refused.value as answer:
            assert answer.code == 400


@pytest.fixture(scope="module")
def training_file(client: openai.OpenAI) -> str:
    return upload(client, intent_rows(12))
