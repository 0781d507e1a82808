"""The index of runs: a start opens no folder of an ended run, and the folders are the truth."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.trainer.files import StoredFile
from app.trainer.folder import Checkpoint, RunFolder, Spec, State
from app.trainer.routes_jobs import job_of
from app.trainer.runs import Run, Runs


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with ten ended runs and one that waits, seen by a server that has ended since."""
    home = tmp_path / "home"
    runs = Runs(home)
    for n in range(11):
        runs.add(spec(n), start=None)
    for n in range(10):
        run = runs.get(f"ftjob-{n}")
        assert run is not None
        run.folder.checkpoints.mkdir()
        (run.folder.checkpoints / "step-9.npz").touch()
        run.folder.result.write_text("step\n1\n")
        run.folder.write_state(ended_state())
        runs.settled(run)
    return home


def spec(n: int, **more: Any) -> Spec:
    about: dict[str, Any] = {
        "id": f"ftjob-{n}",
        "created_at": 1_000.0 + n,
        "engine": "practice",
        "model": "practice-small",
        "training_file": "file-1",
        "validation_file": None,
        "suffix": None,
        "seed": 1,
        "method": "supervised",
        "asked": {},
        "metadata": {"n": str(n)},
        "tuned_model": f"ft:practice-small:luthier::{n}",
    }
    return Spec(**about | more)


def ended_state() -> State:
    saved = Checkpoint(9, 2_000, {"step": 9.0}, "step-9.npz")
    return State(status="succeeded", step=9, total_steps=9, finished_at=2_000, checkpoints=[saved])


def told(runs: Runs) -> list[tuple[Any, ...]]:
    """All that a list of runs, files and models shows."""
    jobs = [(run.spec, runs.state(run), runs.control(run)) for run in runs.newest_first()]
    return [*jobs, *(file for file, _ in runs.result_files()), *(m.name for m in runs.models())]


def spoil(home: Path) -> None:
    """Make the states of ended runs unreadable, in place: their folders look as they did."""
    for n in range(10):
        (home / "runs" / f"ftjob-{n}" / "state.json").write_bytes(b"")


def test_a_start_opens_no_folder_of_an_ended_run(home: Path):
    before = told(Runs(home))
    assert len(before) == 11 + 10 + 10

    spoil(home)

    runs = Runs(home)
    assert told(runs) == before
    assert [run.id for run in runs.unended()] == ["ftjob-10"]


def test_a_lost_index_is_made_anew(home: Path):
    before = told(Runs(home))
    (home / "index.jsonl").unlink()

    assert told(Runs(home)) == before

    spoil(home)
    assert told(Runs(home)) == before


def test_a_run_that_ends_while_it_is_shown_is_not_shown_as_ended_without_its_table(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    runs = Runs(home)
    run = runs.get("ftjob-10")
    assert run is not None
    look = runs.result_file

    def look_and_end(one: Run) -> StoredFile | None:
        found = look(one)
        one.folder.checkpoints.mkdir()
        one.folder.result.write_text("step\n1\n")
        one.folder.write_state(ended_state())
        return found

    monkeypatch.setattr(runs, "result_file", look_and_end)
    shown = job_of(runs, run)
    assert (shown["status"] == "succeeded") == bool(shown["result_files"])
    monkeypatch.undo()
    assert job_of(runs, run)["result_files"] == [run.result_id]


@pytest.mark.parametrize("rest", [b'{"folder_at": 12', b"\x00" * 50, b'{"format": 9}\n'])
def test_a_torn_or_foreign_index_costs_nothing(home: Path, rest: bytes):
    before = told(Runs(home))
    path = home / "index.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + rest)

    runs = Runs(home)

    assert told(runs) == before
    runs.delete_result("file-3")
    assert len(told(Runs(home))) == len(before) - 1


def test_a_folder_that_has_changed_is_read_again(home: Path):
    (home / "runs" / "ftjob-4" / "control.json.part").write_text('{"model_deleted": true}')
    folder = home / "runs" / "ftjob-4"
    (folder / "control.json.part").replace(folder / "control.json")

    names = [model.name for model in Runs(home).models()]

    assert len(names) == 9
    assert "ft:practice-small:luthier::4" not in names


def test_what_is_deleted_stays_deleted_and_is_known_to_the_next_start(home: Path):
    runs = Runs(home)
    model = runs.model("ft:practice-small:luthier::3")
    assert model is not None
    runs.delete_model(model)
    assert runs.delete_result("file-5")
    spoil(home)

    again = Runs(home)

    assert again.model("ft:practice-small:luthier::3") is None
    assert again.result_of("file-5") is None
    assert told(again) == told(runs)


def test_folders_that_are_no_runs_are_passed_over(home: Path):
    before = told(Runs(home))
    (home / "runs" / "ftjob-half").mkdir()
    (home / "runs" / "ftjob-part").mkdir()
    (home / "runs" / "ftjob-part" / "spec.json.part").write_text('{"id": "ftjob-')
    (home / "runs" / "ftjob-torn").mkdir()
    (home / "runs" / "ftjob-torn" / "spec.json").write_text("")
    (home / "runs" / "a file").write_text("")

    assert told(Runs(home)) == before


def test_the_order_is_that_of_creation_also_when_the_clock_is_set_back(home: Path):
    runs = Runs(home)
    runs.add(spec(11, created_at=5.0), start=None)

    for seen in (runs, Runs(home)):
        assert [run.id for run in seen.newest_first()][:2] == ["ftjob-11", "ftjob-10"]
    assert Runs(home).unended()[-1].spec.number == 12


def test_a_state_that_a_power_cut_tore_is_that_of_a_run_to_go_on_with(tmp_path: Path):
    folder = RunFolder(tmp_path)
    (tmp_path / "state.json").write_bytes(b"")

    assert folder.state() == State()


def test_the_index_is_plain_json_lines(home: Path):
    lines = (home / "index.jsonl").read_text().splitlines()

    assert [json.loads(line)["spec"]["id"] for line in lines] == [f"ftjob-{n}" for n in range(10)]
