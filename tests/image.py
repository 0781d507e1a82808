"""The files of the container image, put together by the Dockerfile's own lines: no Docker is needed
to see what is missing from it. Standard library alone, so that `.ci` can use it.
"""

import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Stage:
    """What follows one FROM: the base image and the instructions, by name."""

    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """The words of every instruction of that name."""
        return [words for known, words in self.lines if known == name]

    @property
    def environment(self) -> dict[str, str]:
        """What ENV sets."""
        return dict(word.split("=", 1) for words in self.all("ENV") for word in shlex.split(words))


def stages(root: Path = ROOT) -> list[Stage]:
    """The Dockerfile, read."""
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", (root / "Dockerfile").read_text()).splitlines():
        name, _, words = line.strip().partition(" ")
        if name == "FROM":
            found.append(Stage(words))
        elif name and not name.startswith("#"):
            found[-1].lines.append((name, words))
    return found


def build(target: Path, root: Path = ROOT) -> None:
    """Copy into `target` what the last stage's COPY lines bring; what comes from the stage before
    is taken from where the same script leaves it here.
    """
    is_left_out = _left_out(root)
    for words in stages(root)[-1].all("COPY"):
        *sources, where = (word for word in shlex.split(words) if not word.startswith("--"))
        for source in sources:
            relative = source.removeprefix("/luthier/")
            is_from_stage = "--from=" in words
            place = target / where / (Path(relative).name if where.endswith("/") else "")
            for path in _files(root / relative):
                if is_from_stage or not is_left_out(path.relative_to(root).as_posix()):
                    to = (
                        place / path.relative_to(root / relative)
                        if path != root / relative
                        else place
                    )
                    to.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, to)


def _files(place: Path) -> list[Path]:
    if not place.exists():
        raise FileNotFoundError(f"The Dockerfile copies {place}, which is not there.")
    return [path for path in sorted(place.rglob("*")) if path.is_file()] or [place]


def _left_out(root: Path):
    """Whether .dockerignore keeps a path out; its patterns start at the root."""
    patterns = [
        line for line in (root / ".dockerignore").read_text().split() if line[0] not in "#!"
    ]
    rules = [
        re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        for pattern in patterns
    ]
    matched = re.compile(f"(?:{'|'.join(rules)})(?:/.*)?")
    return lambda path: matched.fullmatch(path) is not None
