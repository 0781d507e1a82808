"""Which checkpoints stay, that they answer, and that there is nobody to share them with."""

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob

from app.trainer.checkpoints import kept
from app.trainer.folder import Checkpoint
from tests.trainer.conftest import BASE, ask, ended, intent_rows, start_run
from tests.trainer.long_runs import caught, endless_run, long_run
from tests.waiting import eventually


def saved(step: int, *, reward: float | None = None, is_snapshot: bool = False) -> Checkpoint:
    metrics = {} if reward is None else {"scores": {"valid_reward_mean": reward}}
    return Checkpoint(step, 0, metrics, f"step-{step}.npz", is_snapshot)


def steps_kept(saves: list[Checkpoint], method: str, total: int) -> list[int]:
    stay: list[Checkpoint] = []
    for one in saves:
        stay = kept([*stay, one], method=method, total_steps=total)
    return [one.step for one in stay]


@pytest.mark.parametrize("method", ["supervised", "dpo"])
def test_the_last_three_epochs_stay(method: str):
    assert steps_kept([saved(n) for n in (10, 20, 30, 40, 50)], method, 50) == [30, 40, 50]


def test_of_reinforcement_the_three_best_stay_and_the_final_model():
    rewards = {10: 0.1, 20: 0.9, 30: 0.5, 40: 0.8, 50: 0.5, 60: 0.2}
    saves = [saved(step, reward=reward) for step, reward in rewards.items()]

    assert steps_kept(saves[:5], "reinforcement", 60) == [20, 40, 50]
    assert steps_kept(saves, "reinforcement", 60) == [20, 40, 50, 60]


@pytest.mark.parametrize("method", ["supervised", "reinforcement"])
def test_a_pauses_checkpoint_stays_until_the_next_and_takes_nobodys_place(method: str):
    rewards = [saved(step, reward=step / 100) for step in (10, 20, 30)]
    snapshot = saved(35, is_snapshot=True)

    assert steps_kept([*rewards, snapshot], method, 90) == [10, 20, 30, 35]
    after = [*rewards, snapshot, saved(40, reward=0.4)]
    assert steps_kept(after, method, 90) == [20, 30, 40]


def test_a_checkpoint_answers_and_can_be_tuned_further_while_its_run_goes_on(make_trainer):
    trainer = make_trainer(more={"LUTHIER_TRAINER_AT_ONCE": "2"})
    client = trainer.client()
    run = endless_run(client)
    checkpoints = client.fine_tuning.jobs.checkpoints
    eventually(lambda: checkpoints.list(run.id).data, within=60)
    name = checkpoints.list(run.id).data[0].fine_tuned_model_checkpoint

    further = start_run(client, intent_rows(20), model=name)

    assert client.models.retrieve(name).id == name
    assert ask(client, name, "I lost my card")
    tuned = ended(client, further.id)
    assert (tuned.status, tuned.model) == ("succeeded", name)
    assert ask(client, tuned.fine_tuned_model, "I lost my card") == "lost_card"
    client.fine_tuning.jobs.cancel(run.id)


def test_a_run_outlives_the_checkpoint_that_it_starts_from(make_trainer):
    client = make_trainer().client()
    first = long_run(client)
    checkpoints = client.fine_tuning.jobs.checkpoints
    caught(client, first.id, after=60)
    client.fine_tuning.jobs.pause(first.id)
    snapshot = checkpoints.list(first.id).data[0].fine_tuned_model_checkpoint
    client.fine_tuning.jobs.resume(first.id)
    run = start_run(client, intent_rows(20), model=snapshot)

    assert ended(client, first.id).status == "succeeded"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(snapshot)
    assert ended(client, run.id).status == "succeeded"
    with pytest.raises(openai.BadRequestError) as refused:
        start_run(client, intent_rows(20), model=snapshot)
    assert refused.value.code == "model_not_available"


def test_checkpoints_are_paged(client: openai.OpenAI, finished: FineTuningJob):
    listed = client.fine_tuning.jobs.checkpoints.list

    first = listed(finished.id, limit=2)

    assert first.has_more
    assert [one.step_number for one in listed(finished.id, limit=1)] == [52, 39, 26]
    assert [one.step_number for one in listed(finished.id, after=first.data[-1].id)] == [26]
    with pytest.raises(openai.BadRequestError):
        listed(finished.id, after="ftckpt-of-nobody")


def test_a_checkpoint_is_shared_with_nobody(client: openai.OpenAI, finished: FineTuningJob):
    permissions = client.fine_tuning.checkpoints.permissions
    name = finished.fine_tuned_model

    assert list(permissions.list(name, order="descending", limit=5, project_id="proj_1")) == []
    with pytest.warns(DeprecationWarning, match="paginated list"):
        old = permissions.retrieve(name)
    assert (old.data, old.has_more, old.first_id, old.last_id) == ([], False, None, None)
    with pytest.raises(openai.BadRequestError, match="no projects") as refused:
        permissions.create(name, project_ids=["proj_1"])
    assert (refused.value.param, refused.value.code) == ("project_ids", "project_not_found")
    with pytest.raises(openai.NotFoundError) as unknown:
        permissions.delete("cp_1", fine_tuned_model_checkpoint=name)
    assert unknown.value.param == "permission_id"


@pytest.mark.parametrize("name", [BASE, "ft:of:nobody"])
def test_what_is_no_checkpoint_has_no_permissions(client: openai.OpenAI, name: str):
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.checkpoints.permissions.list(name)


@pytest.mark.parametrize("query", ["order=up", "limit=0", "after=cp_1"])
def test_a_wrong_question_for_permissions_is_refused(
    client: openai.OpenAI, finished: FineTuningJob, query: str
):
    with pytest.raises(openai.BadRequestError):
        client.get(
            f"/fine_tuning/checkpoints/{finished.fine_tuned_model}/permissions?{query}",
            cast_to=object,
        )


@pytest.mark.parametrize("projects", [None, "proj_1", [1]])
def test_a_wrong_wish_to_share_is_refused(
    client: openai.OpenAI, finished: FineTuningJob, projects: object
):
    with pytest.raises(openai.BadRequestError) as refused:
        client.post(
            f"/fine_tuning/checkpoints/{finished.fine_tuned_model}/permissions",
            body={"project_ids": projects},
            cast_to=object,
        )
    assert refused.value.param == "project_ids"
