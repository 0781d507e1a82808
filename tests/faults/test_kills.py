"""K1 to K16: kill -9 at every step of a paid start."""

from tests.faults.stage import on


@on("sqlite", full=("postgresql",))
def test_K8_killed_between_writing_the_order_down_and_sending_it(stage):
    stage.start("beat")
    stage.start("worker", crash_at="K8")
    job_id = stage.queue_job()
    stage.crashed("K8")
    stage.kill("worker")

    stage.start("worker")

    job = stage.assert_paid_once(job_id)
    assert (job.status, stage.orders_of(job)) == ("in_doubt", [])
    stage.invariants_hold()


@on("postgresql", full=("sqlite",))
def test_K11_killed_between_the_answer_and_writing_it_down(stage):
    stage.start("beat")
    stage.start("worker", crash_at="K11")
    job_id = stage.queue_job()
    stage.crashed("K11")
    stage.kill("worker")

    stage.start("worker")

    job = stage.assert_paid_once(job_id)
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    stage.invariants_hold()
