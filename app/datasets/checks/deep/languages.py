"""The languages of answers, on a sample: a mix that nobody meant, or not that of the question."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck, Said
from app.datasets.derived.base import Part
from app.datasets.index import open_index
from app.formats.base import Finding, Text

SAMPLE = 500  # rows, evenly spread; 0.1 ms each
_SHORTEST = 40  # letters; of less nobody can tell
_READ = 300
_SURE = 0.8
_RARE = 0.1
_FEWEST = 20


class Languages(DeepCheck):
    """What languages answers are in, by py3langid, and whether they are those of the questions."""

    name = "languages"

    def look(self, rows: Sequence[Said], part: Part) -> Iterator[Located]:
        """A hint for a sampled row whose answer is in another language than its question."""
        step = self.kept.get("step") or self.kept.setdefault("step", _step(part.index))
        answers: dict[str, int] = self.kept.setdefault("answers", {})
        first: dict[str, int] = self.kept.setdefault("first", {})
        for row in rows:
            if row.n % step:
                continue
            asked, answered = _last(row, "user"), _last(row, "assistant")
            language = _language(answered)
            if language is None or answered is None:
                continue
            answers[language] = answers.get(language, 0) + 1
            first.setdefault(language, row.line)
            if (question := _language(asked)) not in {None, language}:
                yield row.line, _another(answered.field, str(question), language)

    def end(self, part: Part) -> Iterator[Located]:
        """One hint for each language that only a few answers are in."""
        counts = Counter[str](self.kept.get("answers", {}))
        told = counts.total()
        if told < _FEWEST:
            return
        (usual, most), *others = counts.most_common()
        for language, count in others:
            if count <= _RARE * told:
                yield self.kept["first"][language], _rare(language, count, told, usual, most)


def language_of(text: str) -> str | None:
    """The ISO 639 code of the language a text is in, or None where that is not sure."""
    text = text[:_READ]
    if sum(map(str.isalpha, text)) < _SHORTEST:
        return None
    language, share = _identifier().classify(text)
    return str(language) if share >= _SURE else None


def _step(path: Path) -> int:
    with open_index(path) as index:
        return max(index.row_count // SAMPLE, 1)


def _language(text: Text | None) -> str | None:
    return language_of(text.text) if text is not None else None


def _last(row: Said, role: str) -> Text | None:
    return next((text for text in reversed(row.texts) if text.role == role), None)


@cache
def _identifier() -> Any:
    # Half a second and 100 MB: only the worker that needs it pays.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _another(field: str, question: str, answer: str) -> Finding:
    reason = f'The question is in "{question}", the answer in "{answer}" (ISO 639 codes).'
    cure = "Answer in the language of the question, unless the model is to translate."
    return Finding("language.answer", field, "hint", reason, cure)


def _rare(language: str, count: int, told: int, usual: str, most: int) -> Finding:
    reason = (
        f'{count} of {told} sampled answers whose language is clear are in "{language}", '
        f'{most} in "{usual}" (ISO 639 codes).'
    )
    cure = "Add rows in that language if the model is to speak it; else translate or drop them."
    return Finding("language.rare", None, "hint", reason, cure)
