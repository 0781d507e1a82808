"""Rules of the tree that no tool knows."""

import ast
import re
from functools import cache
from pathlib import Path

from app.settings import ROOT

MODULES = sorted((ROOT / "app").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONGEST = 400
MAY_COMMIT = {"app/core/database.py"}
# In these, text becomes HTML without being escaped; each escapes what it puts in.
MAY_MARK_UP = {"app/core/pages.py"}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def trees():
    return [(place(path), ast.parse(path.read_text())) for path in MODULES]


def calls(tree):
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_only_the_database_module_commits():
    found = {
        where
        for where, tree in trees()
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"commit", "begin"}
        if ast.unparse(call.func.value).endswith(("session", "writer", "SessionFactory"))
    }
    assert found <= MAY_COMMIT


def test_no_module_is_longer_than_400_lines():
    lengths = {place(path): len(path.read_text().splitlines()) for path in MODULES + TESTS}
    assert {where: length for where, length in lengths.items() if length > LONGEST} == {}


def test_a_module_opens_with_a_sentence():
    opening = {where: (ast.get_docstring(tree) or "").rstrip() for where, tree in trees()}
    assert [where for where, words in opening.items() if not words.endswith((".", "?", "!"))] == []


def test_every_task_that_is_asked_for_exists():
    from app import worker
    from app.core import queue

    worker.load()

    asked = {
        argument.value
        for _, tree in trees()
        for call in calls(tree)
        if ast.unparse(call.func) in {"enqueue", "post", "queue.enqueue", "queue.post"}
        for argument in call.args[:2]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    timed = {entry["task"] for entry in worker.celery.conf.beat_schedule.values()}
    assert asked | timed <= queue.TASKS.keys()
    assert asked >= {"jobs.start", "jobs.sweep", "datasets.check"}
    assert timed == {"provider.due", "ingest.due", "evaluate.due"}
    assert queue.FINDERS.keys() == set(worker.QUEUES)


def test_every_task_is_registered_where_the_worker_looks():
    from app import worker
    from app.core import queue

    worker.load()

    assert queue.TASKS.keys() <= set(worker.celery.tasks)
    assert set(queue.QUEUES.values()) <= set(worker.QUEUES)
    for name in queue.TASKS:
        domain, _, verb = name.partition(".")
        assert domain, name
        assert verb.isidentifier(), name


def test_tasks_take_ids_alone():
    import inspect

    from app import worker
    from app.core import queue

    worker.load()

    for name, function in queue.TASKS.items():
        kinds = {
            parameter.annotation for parameter in inspect.signature(function).parameters.values()
        }
        assert kinds <= {int}, name


def test_nothing_but_the_rendering_marks_text_as_html():
    found = {
        where
        for where, tree in trees()
        for call in calls(tree)
        if ast.unparse(call.func).rpartition(".")[2] in {"Markup", "HTMLResponse"}
    }
    assert found <= MAY_MARK_UP


def test_no_select_stands_outside_queries():
    """Fetching is the queries' business; core and the metric chunks are libraries of their own."""
    allowed = ("app/core/", "app/trainer/")
    also = {"app/jobs/metrics.py"}
    found = {
        where
        for where, tree in trees()
        for call in calls(tree)
        if isinstance(call.func, ast.Name) and call.func.id == "select"
        if not re.search(r"/queries(_\w+)?\.py$", where)
        if not where.startswith(allowed)
    }
    assert found <= also


def test_the_environment_is_read_in_settings_alone():
    may = {
        "app/settings.py",
        "app/__main__.py",
        "app/core/supervisor.py",
        "app/core/child.py",
        "app/core/home.py",
        "app/core/foreground.py",
        "app/core/owned.py",
    }
    found = {
        where
        for where, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
        if not where.startswith("app/trainer/")
    }
    assert found <= may
