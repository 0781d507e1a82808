"""Check a version slice by slice: each call lasts a few seconds and may be killed at any line."""

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

from app.core.tokens import O200K
from app.datasets.checks import identity, structure
from app.datasets.checks.base import Check, Limits, Progress, Seen
from app.datasets.checks.labels import labels_of, tags_of
from app.datasets.checks.recount import recounts
from app.datasets.checks.registry import CHECKS
from app.datasets.checks.report import make_verdict, row_lengths
from app.datasets.checks.store import Store, stored_progress, writing
from app.datasets.checks.tallying import label_code
from app.datasets.gone import IndexGone
from app.datasets.index import SEVERITY_FLAGS
from app.datasets.parts import Busy, Outdated, discard, publish
from app.datasets.sources import Reading
from app.settings import settings

_READ_BUFFER = 2**20
_HANDLER_OPERATIONS = 2_000_000

Step = Callable[[Store], None]


def check_slice(
    blob: Path,
    index: Path,
    progress: Progress,
    *,
    seconds: float,
    inherit: Path | None = None,
    limits: Limits | None = None,
    alive: Callable[[], None] | None = None,
    asked: Reading | None = None,
    encoding: str = O200K,
) -> Progress:
    """Check `blob` for about `seconds` and say how far that came; call again until `is_done`.

    The unfinished index beside `index` remembers where it stands: a slice lost to a crash, or
    made twice, changes nothing, and `progress` only has to be what the last call said, or
    `Progress()`. While another process is at the same slice nothing happens and `progress` comes
    back. At the end `index` appears, complete; `verdict(index)` reads it.

    `inherit` is the finished index of the version before, whose row ids are kept. `alive` is
    called now and then during a step that cannot be cut, for renewing a lease. `asked` says how the
    bytes are read; without it the first rows do. `encoding` counts the tokens.
    """
    known = limits or _limits_of_settings()
    task = _Task(blob, index, inherit, known, alive, asked or Reading(), encoding)
    try:
        return task.work(until=monotonic() + seconds)
    except Busy:
        return progress
    except (Outdated, IndexGone):
        discard(index)
        return Progress()


class _Task:
    """One version's check, with everything it needs to go on."""

    def __init__(
        self,
        blob: Path,
        index: Path,
        inherit: Path | None,
        limits: Limits,
        alive: Callable[[], None] | None,
        asked: Reading,
        encoding: str,
    ) -> None:
        self.blob, self.index, self.inherit = blob, index, inherit
        self.limits, self.alive, self.asked, self.encoding = limits, alive, asked, encoding

    def work(self, until: float) -> Progress:
        """Steps until the time is up or nothing is left to do; at least one."""
        if self.index.is_file():
            return stored_progress(self.index)
        while True:
            progress = self._step(until)
            if progress.is_done:
                publish(self.index)
                return progress
            if monotonic() > until:
                return progress

    def _step(self, until: float) -> Progress:
        with writing(self.index, self.limits.findings_per_rule) as store:
            if store.progress.phase == "reading":
                self._read(store, until)
            elif store.progress.phase == "finishing":
                self._finish(store)
            return store.progress

    def _read(self, store: Store, until: float) -> None:
        salt = identity.salt_of(self.index, self.blob)
        store.tally.encoding = self.encoding
        with self.blob.open("rb", buffering=_READ_BUFFER) as file:
            ended = structure.read_rows(store, file, self.limits, salt, until, self.asked)
        if ended:
            store.save(store.progress.advanced(phase="finishing"))

    def _finish(self, store: Store) -> None:
        if self.alive is not None:
            store.connection.set_progress_handler(self._still_alive, _HANDLER_OPERATIONS)
        steps = list(self._steps())
        at = store.progress.step
        steps[at](store)
        store.save(
            store.progress.advanced(
                step=at + 1, phase="done" if at + 1 == len(steps) else "finishing"
            )
        )

    def _steps(self) -> Iterator[Step]:
        yield _index_hashes
        yield self._pass_ids_on
        for check in CHECKS:
            yield self._make(check)
        yield Store.order
        yield _flag_rows
        yield _sort_rows
        yield _shelve_labels
        yield self._recount
        yield _write_verdict

    def _pass_ids_on(self, store: Store) -> None:
        if self.inherit is not None and self.inherit.is_file():
            identity.inherit(store.connection, self.inherit)
        store.connection.execute("CREATE INDEX rows_row_id ON rows(row_id)")

    def _make(self, check: Check) -> Step:
        def step(store: Store) -> None:
            size = self.blob.stat().st_size
            seen = Seen(store.connection, store.tally, store.progress, size)
            store.add_findings(check.findings(seen))

        return step

    def _recount(self, store: Store) -> None:
        found = recounts(store.connection, self.blob, store.tally, store.progress.rows)
        store.put_fact("recounts", found)

    def _still_alive(self) -> int:
        if self.alive is not None:
            self.alive()
        return 0


def _limits_of_settings() -> Limits:
    known = settings()
    return Limits(known.line_limit, known.row_limit, known.structural_error_limit)


def _index_hashes(store: Store) -> None:
    store.connection.execute("CREATE INDEX rows_hash ON rows(hash)")


def _flag_rows(store: Store) -> None:
    """What the checks of the whole file said of single rows, so that rows can be filtered by it."""
    for severity, flag in SEVERITY_FLAGS.items():
        store.connection.execute(
            "UPDATE rows SET flags = flags | :flag WHERE flags & :flag = 0"
            " AND line IN (SELECT line FROM findings WHERE severity = :severity)",
            {"flag": int(flag), "severity": severity},
        )


def _sort_rows(store: Store) -> None:
    """Rows of the same flags stand together in each order: a page of any is a few seeks."""
    for name, order in (("flags", ""), ("tokens", ", tokens"), ("answer", ", answer")):
        store.connection.execute(f"CREATE INDEX rows_{name} ON rows(flags{order})")
    counted = store.connection.execute("SELECT flags, count(*) FROM rows GROUP BY flags").fetchall()
    store.put_fact("flags", counted)


def _shelve_labels(store: Store) -> None:
    """Where answers are labels, rows of the same label stand together too."""
    labels = labels_of(store.tally)
    if labels is None:
        return
    for name, order in (("labels", ""), ("label_tokens", ", tokens")):
        store.connection.execute(f"CREATE INDEX rows_{name} ON rows(label, flags{order})")
    counted = "SELECT label, flags, count(*) FROM rows GROUP BY label, flags"
    store.put_fact("label_flags", store.connection.execute(counted).fetchall())
    store.put_fact("labels", [(label, label_code(label), rows) for label, rows in labels])


def _write_verdict(store: Store) -> None:
    counts = row_lengths(store.connection)
    verdict = make_verdict(store.connection, store.tally, store.progress, counts)
    by_role = {role: sorted(counted.items()) for role, counted in store.tally.lengths.items()}
    store.put_fact("lengths", {"row": counts, "roles": by_role})
    store.put_fact("tags", tags_of(store.tally))
    store.put_fact("systems", sorted(store.tally.systems.items(), key=lambda one: -one[1]))
    store.put_fact("verdict", verdict.as_json())
    store.put_fact("groups", store.groups())
