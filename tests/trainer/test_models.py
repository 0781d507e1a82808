"""Models: what is listed, what is deleted, and what a name answers afterwards."""

import signal

import openai
import pytest
from openai.types import Model, ModelDeleted
from openai.types.fine_tuning import FineTuningJob

from tests.trainer.conftest import BASE, Trainer, ask, ended, intent_rows, start_run
from tests.trainer.shapes import raw, strictly


@pytest.fixture(scope="module")
def doomed(client: openai.OpenAI) -> FineTuningJob:
    """A run whose model is deleted."""
    return ended(client, start_run(client, intent_rows(60), suffix="doomed", n_epochs=3).id)


def missing(refused: pytest.ExceptionInfo[openai.NotFoundError]) -> bool:
    return (refused.value.code, refused.value.param) == ("model_not_found", "model")


def test_base_and_tuned_models_are_listed_without_a_date_of_closing(
    client: openai.OpenAI, finished: FineTuningJob
):
    listed = raw(client, "/models")

    assert listed["object"] == "list"
    models = {model["id"]: model for model in listed["data"]}
    assert {BASE, finished.fine_tuned_model} <= set(models)
    for model in models.values():
        strictly(Model, model)
        assert model["shutdown_date"] is None, "nobody closes a team's own models"
    name = finished.fine_tuned_model
    assert raw(client, f"/models/{name}") == models[name]
    assert client.models.retrieve(name).created >= finished.created_at


def test_a_checkpoint_is_a_model_that_is_not_listed(client: openai.OpenAI, finished: FineTuningJob):
    oldest = list(client.fine_tuning.jobs.checkpoints.list(finished.id))[-1]
    name = oldest.fine_tuned_model_checkpoint

    assert strictly(Model, raw(client, f"/models/{name}")).id == name
    assert name not in {model.id for model in client.models.list()}
    with pytest.raises(openai.BadRequestError, match="goes with its model"):
        client.models.delete(name)


def test_a_deleted_model_is_gone_under_all_its_names(client: openai.OpenAI, doomed: FineTuningJob):
    name = doomed.fine_tuned_model
    checkpoint = list(client.fine_tuning.jobs.checkpoints.list(doomed.id))[-1]
    names = (name, checkpoint.fine_tuned_model_checkpoint)
    for each in names:
        ask(client, each, "hello")

    strictly(ModelDeleted, client.models.delete(name).to_dict())

    assert name not in {model.id for model in client.models.list()}
    for each in names:
        for use in (
            client.models.retrieve,
            client.models.delete,
            lambda model: ask(client, model, "hello"),
        ):
            with pytest.raises(openai.NotFoundError) as refused:
                use(each)
            assert missing(refused)
    with pytest.raises(openai.BadRequestError) as unavailable:
        start_run(client, intent_rows(12), model=name)
    assert unavailable.value.param == "model"
    assert client.fine_tuning.jobs.retrieve(doomed.id).status == "succeeded"
    assert client.files.content(doomed.result_files[0]).text.startswith("step,")


def test_a_model_that_a_job_continues_from_is_kept_until_the_job_has_ended(
    client: openai.OpenAI, finished: FineTuningJob
):
    base = ended(client, start_run(client, intent_rows(60), n_epochs=2).id)
    checkpoint = list(client.fine_tuning.jobs.checkpoints.list(base.id))[-1]
    run = start_run(
        client,
        intent_rows(500),
        model=checkpoint.fine_tuned_model_checkpoint,
        n_epochs=50,
    )

    with pytest.raises(openai.ConflictError, match=run.id) as refused:
        client.models.delete(base.fine_tuned_model)

    assert refused.value.code == "model_in_use"
    client.fine_tuning.jobs.cancel(run.id)
    ended(client, run.id)
    assert client.models.delete(base.fine_tuned_model).deleted


def test_an_open_answer_is_finished_although_its_model_is_deleted(client: openai.OpenAI):
    run = ended(client, start_run(client, intent_rows(60), n_epochs=1).id)
    asked = {
        "model": run.fine_tuned_model,
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0,
        "frequency_penalty": -2,
        "n": 64,
        "max_tokens": 256,
    }
    with client.chat.completions.create(**asked, stream=True) as stream:
        next(iter(stream))

        client.models.delete(run.fine_tuned_model)

        reasons = [chunk.choices[0].finish_reason for chunk in stream]
    assert reasons.count("length") + reasons.count("stop") == 64


def test_a_deletion_outlives_a_killed_server(make_trainer):
    trainer: Trainer = make_trainer()
    client = trainer.client()
    run = ended(client, start_run(client, intent_rows(20), n_epochs=1).id)
    client.models.delete(run.fine_tuned_model)

    trainer.end(signal.SIGKILL)
    trainer.start()

    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve(run.fine_tuned_model)
    assert missing(refused)
