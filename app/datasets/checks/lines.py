"""Cut a file into blocks of whole lines, on newlines alone, with memory for one line at most."""

from collections.abc import Iterator
from typing import BinaryIO

BLOCK_SIZE = 2**20  # long enough for the tokenizer to run at its full speed


def blocks(file: BinaryIO, line_limit: int) -> Iterator[bytes | int]:
    """Whole lines from where the file stands, 1 MB at a time, newlines included.

    A number stands for a line of so many bytes, newline included, that is longer than
    `line_limit` and was passed over. The last block may lack its newline.
    """
    waiting: list[bytes] = []
    size = 0
    while chunk := file.read(BLOCK_SIZE):
        end = chunk.rfind(b"\n") + 1
        if end:
            waiting.append(chunk[:end])
            yield b"".join(waiting)
            waiting, size = [], 0
        if end < len(chunk):
            waiting.append(chunk[end:])
            size += len(chunk) - end
        if size > line_limit:
            waiting.clear()
            yield size + _pass_over(file)
            size = 0
    if waiting:
        yield b"".join(waiting)


def _pass_over(file: BinaryIO) -> int:
    """Go to the beginning of the next line; how many bytes that was."""
    length = 0
    while chunk := file.readline(BLOCK_SIZE):
        length += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return length
