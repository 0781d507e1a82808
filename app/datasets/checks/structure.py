"""Go through the rows of a blob once: read, judge, measure and place each of them."""

import hashlib
import operator
import os
from functools import partial
from time import monotonic
from typing import BinaryIO

from app.core.tokens import counter
from app.datasets.checks import kinds
from app.datasets.checks.base import LABEL_LENGTH, LABEL_LIMIT, SYSTEM_LENGTH, SYSTEM_LIMIT, Limits
from app.datasets.checks.identity import new_id
from app.datasets.checks.store import Store
from app.datasets.checks.tallying import Shapes, count_shapes, fresh_shape
from app.datasets.index import Flag
from app.formats.base import Finding, Measured, Unreadable
from app.formats.reading import read_object
from app.formats.registry import FORMATS, format_of

_SKIP = 2**20
_NOTHING = Measured(0, (), (), 0, b"", None, None)


def read_rows(store: Store, file: BinaryIO, limits: Limits, salt: int, until: float) -> bool:
    """Take rows from where the store stands until the clock says stop. True: the file has ended.

    At least one line is taken, so that every call moves on.
    """
    reader = _Rows(store, file, limits, salt)
    file.seek(store.progress.offset)
    if store.progress.offset == 0 and reader.is_no_text():
        return True
    ended = True
    for raw in iter(partial(file.readline, limits.line + 2), b""):
        reader.take(raw)
        if store.tally.is_stopped:
            break
        if monotonic() > until:
            ended = False
            break
    reader.finish()
    return ended


class _Rows:
    """One slice of the pass; its counters live here while it runs, in the store between slices."""

    def __init__(self, store: Store, file: BinaryIO, limits: Limits, salt: int) -> None:
        progress = store.progress
        self.store, self.tally, self.file, self.limits = store, store.tally, file, limits
        self.offset, self.line, self.n = progress.offset, progress.line, progress.rows
        self.tokens, self.structural = progress.tokens, progress.structural
        self.salt = salt
        self.size = os.fstat(file.fileno()).st_size
        self.count = counter()
        self.shapes: Shapes = {}
        self.format = FORMATS[self.tally.format] if self.tally.format else None

    def is_no_text(self) -> bool:
        """Whether the first bytes say that this is no file of rows; a byte order mark is passed."""
        head = self.file.read(kinds.HEAD_LENGTH)
        self.file.seek(0)
        finding = kinds.finding_about(head)
        if finding is not None:
            self.store.add_finding(None, finding)
            self.structural += 1
            self.tally.is_stopped = True
            self.finish()
        elif head.startswith(kinds.BOM):
            self.store.add_finding(1, _BOM)
            self.offset = self.file.seek(len(kinds.BOM))
        return finding is not None

    def take(self, raw: bytes) -> None:
        """One line as it came, newline included; only the beginning of one that is too long."""
        start = self.offset
        length = len(raw)
        self.line += 1
        self.offset += length
        content = raw.strip()
        if length > self.limits.line + 1:
            self._place(start, *self._pass_over(length), _NOTHING, Flag.UNREADABLE)
        elif not content:
            self.store.add_finding(self.line, _BLANK)
        else:
            if raw.endswith(b"\n"):
                length -= 1
            measured = self.format.quick(content, self.count) if self.format else None
            flags = 0
            if measured is None:
                measured, flags = self._slowly(content)
            digest = hashlib.blake2b(content, digest_size=16).digest()
            self._place(start, length, digest, measured, flags)

    def finish(self) -> None:
        """Hand everything to the store."""
        count_shapes(self.shapes, self.tally)
        self.store.save(
            self.store.progress.advanced(
                offset=self.offset,
                line=self.line,
                rows=self.n,
                tokens=self.tokens,
                structural=self.structural,
            )
        )

    def _slowly(self, content: bytes) -> tuple[Measured, int]:
        try:
            value = read_object(content)
        except Unreadable as error:
            self._cannot_read(error.finding)
            return _NOTHING, Flag.UNREADABLE
        if self.format is None and (name := format_of(value)) is not None:
            self.tally.format, self.format = name, FORMATS[name]
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

    def _pass_over(self, length: int) -> tuple[int, bytes]:
        """Skip the rest of a line that is too long; its length, and a hash no other line has."""
        newline = 0
        while not newline and (block := self.file.readline(_SKIP)):
            newline = block.endswith(b"\n")
            self.offset += len(block)
            length += len(block)
        length -= newline
        reason = f"The line has {length:,} bytes; a row may have {self.limits.line:,}."
        cure = "Split the row, or store long content elsewhere."
        self._cannot_read(Finding("read.line_length", None, "error", reason, cure))
        return length, hashlib.blake2b(f"line at {self.offset}".encode(), digest_size=16).digest()

    def _place(
        self, start: int, length: int, digest: bytes, measured: Measured, flags: int
    ) -> None:
        self.n += 1
        tokens = measured.tokens
        if tokens:
            self.tokens += tokens
            flags |= self._tally(measured)
        prompt = hashlib.blake2b(measured.prompt, digest_size=8).digest()
        self.store.add_row(
            (
                self.n,
                self.line,
                start,
                length,
                new_id(self.salt, self.n),
                digest,
                int.from_bytes(prompt, "little", signed=True),
                tokens,
                flags,
            )
        )
        if self.n >= self.limits.rows and self.offset < self.size:
            self._stop("read.row_limit", f"after {self.n:,} rows, the most a version may have")

    def _tally(self, measured: Measured) -> int:
        """Count the row; what it adds to the row's flags."""
        roles = measured.roles
        shape = self.shapes.get(roles)
        if shape is None:
            shape = fresh_shape(self.shapes, self.tally, roles)
        shape[0] += 1
        shape[1] = list(map(operator.add, shape[1], measured.role_tokens))
        tally = self.tally
        tally.trained_messages += measured.trained
        tally.definition_tokens += measured.definition_tokens
        if tally.labels is not None:
            self._label(tally.labels, measured.answer)
        flags: int = shape[2]
        if measured.system is not None:
            self._system(measured.system)
            flags |= Flag.SYSTEM
        if measured.has_tools:
            flags |= Flag.TOOLS
        if measured.has_images:
            flags |= Flag.IMAGES
        if measured.has_weights:
            flags |= Flag.WEIGHTS
        return flags

    def _label(self, labels: dict[str, int], answer: str | None) -> None:
        if answer is None or len(answer) > LABEL_LENGTH or "\n" in answer:
            self.tally.unlabelled += 1
        else:
            labels[answer] = labels.get(answer, 0) + 1
            if len(labels) > LABEL_LIMIT:
                self.tally.labels = None

    def _system(self, text: str) -> None:
        systems = self.tally.systems
        seen = systems.get(text)
        if seen is not None:
            systems[text] = seen + 1
        elif len(text) <= SYSTEM_LENGTH:
            if len(systems) >= SYSTEM_LIMIT:
                for rare in [prompt for prompt, count in systems.items() if count == 1]:
                    del systems[rare]
            if len(systems) < SYSTEM_LIMIT:
                systems[text] = 1


_SEVERITY_FLAGS = {"error": int(Flag.ERROR), "warning": int(Flag.WARNING), "hint": 0}
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
    'Write it as a chat row: {"messages": [{"role": "user", "content": "…"}, …]}.',
)
