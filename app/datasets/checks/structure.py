"""Go through the rows of a blob once: read, judge, measure and place each of them."""

import os
from collections.abc import Sequence
from struct import Struct
from time import monotonic
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

from app.core.tokens import counter
from app.datasets.checks.base import LABEL_LENGTH, Limits
from app.datasets.checks.identity import new_id
from app.datasets.checks.lines import blocks
from app.datasets.checks.store import Store
from app.datasets.checks.tallying import Tallier
from app.datasets.index import SEVERITY_FLAGS, Flag
from app.datasets.sources import SAMPLE_BYTES, Reading
from app.formats import kinds
from app.formats.base import Finding, Measured, Unreadable
from app.formats.reading import BOM, SPACES, read_object
from app.formats.registry import FORMATS, first_rows, format_of, recognise
from app.formats.strings import count_strings_by_line, line_ends

_ROWS_TOGETHER = 1_000
_NOTHING = Measured(0, (), (), 0, b"", b"", None, None)


def read_rows(
    store: Store, file: BinaryIO, limits: Limits, salt: int, until: float, asked: Reading
) -> bool:
    """Take rows from where the store stands until the clock says stop. True: the file has ended.

    At least one block of lines is taken, so that every call moves on.
    """
    rows = _Rows(store, os.fstat(file.fileno()).st_size, limits, salt)
    if rows.offset == 0 and rows.begin(file.read(SAMPLE_BYTES), asked):
        rows.finish()
        return True
    file.seek(rows.offset)
    ended = True
    for block in blocks(file, limits.line):
        if isinstance(block, int):
            rows.pass_over(block)
        else:
            rows.take(block)
        if store.tally.is_stopped:
            break
        if monotonic() > until:
            ended = rows.offset >= rows.size
            break
    rows.finish()
    return ended


class _Rows:
    """One slice of the pass; its counters live here while it runs, in the store between slices."""

    def __init__(self, store: Store, size: int, limits: Limits, salt: int) -> None:
        progress = store.progress
        self.store, self.tally, self.size, self.limits = store, store.tally, size, limits
        self.offset, self.line, self.n = progress.offset, progress.line, progress.rows
        self.tokens, self.structural = progress.tokens, progress.structural
        self.salt = salt
        self.count = counter(store.tally.encoding)
        self.tallier = Tallier(store.tally)
        self.waiting: list[tuple[object, ...]] = []
        self.format = FORMATS[self.tally.format] if self.tally.format else None

    def begin(self, head: bytes, asked: Reading) -> bool:
        """Look at the first bytes. True: this is no file of rows. A byte order mark is passed."""
        for told in asked.told:
            self.store.add_finding(None, told)
        if asked.is_refused:
            return True
        finding = kinds.finding_about(head[: kinds.HEAD_LENGTH])
        if finding is not None:
            self.store.add_finding(None, finding)
            self.structural += 1
        elif head.startswith(BOM):
            self.store.add_finding(1, _BOM)
            self.offset = len(BOM)
        self._take_format(asked.format or recognise(first_rows(head)))
        return finding is not None

    def _take_format(self, name: str | None) -> None:
        if name is not None:
            self.tally.format, self.format = name, FORMATS[name]

    def take(self, block: bytes) -> None:
        """Whole lines, newlines included; the last one of a file may lack its own."""
        if not block.endswith(b"\n"):
            block += b"\n"
        ends, start = line_ends(block), 0
        for end, measured in zip(ends.tolist(), self._measured(block, ends), strict=True):
            self.line += 1
            if measured is None:
                self._take_slowly(block[start:end])
            else:
                self._place(end - start, b"", measured, 0)
            self.offset += end + 1 - start
            start = end + 1
            if self.tally.is_stopped:
                break
        self.offset = min(self.offset, self.size)
        if len(self.waiting) >= _ROWS_TOGETHER:
            self.store.add_rows(self.waiting)

    def _measured(self, block: bytes, ends: NDArray[np.intp]) -> Sequence[Measured | None]:
        longest = int(np.diff(ends, prepend=-1).max()) - 1
        if self.format is None or longest > self.limits.line:
            return [None] * len(ends)
        return self.format.quick(block, count_strings_by_line(block, ends), self.count)

    def pass_over(self, length: int) -> None:
        """A line too long to look at, newline included."""
        self.line += 1
        self._too_long(length - 1, b"")
        self.offset = min(self.offset + length, self.size)

    def finish(self) -> None:
        """Hand everything to the store."""
        self.store.add_rows(self.waiting)
        self.tallier.finish()
        self.store.save(
            self.store.progress.advanced(
                offset=self.offset,
                line=self.line,
                rows=self.n,
                tokens=self.tokens,
                structural=self.structural,
            )
        )

    def _take_slowly(self, line: bytes) -> None:
        content = line.strip(SPACES)
        if len(line) > self.limits.line:
            self._too_long(len(line), content)
        elif not content:
            self.store.add_finding(self.line, _BLANK)
            self._stop_at_limit(len(line))
        else:
            self._place(len(line), content, *self._read(content))

    def _read(self, content: bytes) -> tuple[Measured, int]:
        try:
            value = read_object(content)
        except Unreadable as error:
            self._cannot_read(error.finding)
            return _NOTHING, Flag.UNREADABLE
        if self.format is None:
            self._take_format(format_of(value))
        if self.format is None:
            self._formless(value)
            return _NOTHING, Flag.ERROR
        flags = 0
        for finding in self.format.findings(value):
            flags |= _SEVERITY_FLAGS[finding.severity]
            self.store.add_finding(self.line, finding)
        return self.format.measure(value, self.count), flags

    def _cannot_read(self, finding: Finding) -> None:
        tally = self.tally
        if tally.first_bad is None:
            tally.first_bad = [self.line, finding.rule, self.store.counted()["error"] == 0]
        self.store.add_finding(self.line, finding)
        tally.bad_lines += 1
        self._structural_error()

    def _formless(self, value: dict[str, object]) -> None:
        if self.tally.formless_keys is None:
            self.tally.formless_keys = [key[:LABEL_LENGTH] for key in list(value)[:10]]
        self.store.add_finding(self.line, _FORMLESS)
        self._structural_error()

    def _structural_error(self) -> None:
        self.structural += 1
        if self.structural >= self.limits.structural_errors:
            self._stop("read.stopped", f"after {self.structural:,} lines that cannot be used")

    def _stop(self, rule: str, why: str) -> None:
        self.tally.is_stopped = True
        reason = f"Checking stopped at line {self.line:,}, {why}. What follows was not looked at."
        cure = "Correct these lines and upload the file again."
        self.store.add_finding(None, Finding(rule, None, "error", reason, cure))

    def _too_long(self, length: int, content: bytes) -> None:
        reason = f"The line has {length:,} bytes; a row may have {self.limits.line:,}."
        cure = "Split the row, or store long content elsewhere."
        self._cannot_read(Finding("read.line_length", None, "error", reason, cure))
        self._place(length, content or b"line at %d" % self.offset, _NOTHING, Flag.UNREADABLE)

    def _place(self, length: int, content: bytes, measured: Measured, flags: int) -> None:
        self.n = n = self.n + 1
        tokens, answer, label = measured.tokens, 0, 0
        if tokens:
            self.tokens += tokens
            earned, answer, label = self.tallier.add(measured)
            flags |= earned
        # Tells rows apart, proves nothing: who makes two rows collide has fooled only themselves.
        digest = xxh3_128(measured.prompt)
        (prompt,) = _SIGNED(digest.digest())
        digest.update(measured.rest or content)
        self.waiting.append(
            (
                n,
                self.line,
                self.offset,
                length,
                new_id(self.salt, n),
                digest.digest(),
                prompt,
                tokens,
                answer,
                flags,
                label,
            )
        )
        self._stop_at_limit(length)

    def _stop_at_limit(self, length: int) -> None:
        """Empty lines count too: they take their time."""
        if self.line >= self.limits.rows and self.offset + length + 1 < self.size:
            self._stop("read.row_limit", f"after {self.line:,} lines, the most a version may have")


_SIGNED = Struct("<q").unpack_from
_SEVERITY_FLAGS = {severity: int(flag) for severity, flag in SEVERITY_FLAGS.items()}
_BOM = Finding(
    "read.bom",
    None,
    "warning",
    "The file begins with a byte order mark; Luthier reads past it. Azure asks for one, OpenAI "
    "advises against it.",
    "Save as UTF-8 without BOM for OpenAI.",
)
_BLANK = Finding(
    "read.blank_line", None, "error", "The line is empty; providers refuse it.", "Delete the line."
)
_FORMLESS = Finding(
    "row.format",
    None,
    "error",
    "The row is in no format Luthier knows.",
    'Write it as a chat row: {"messages": [{"role": "user", "content": "…"}, …]}; or, if it is a '
    "row of a table, read the file differently and say which field is the question.",
)
