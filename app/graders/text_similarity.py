"""`text_similarity`: how near two texts are, from 0 to 1."""

from typing import Literal

from app.graders.base import Answer, Case, Grader, Ungradable
from app.graders.similarity import METRICS, longest
from app.graders.template import Template, filled

Metric = Literal[
    "fuzzy_match",
    "bleu",
    "gleu",
    "meteor",
    "cosine",
    "rouge_1",
    "rouge_2",
    "rouge_3",
    "rouge_4",
    "rouge_5",
    "rouge_l",
]


class TextSimilarity(Grader):
    """The similarity of two texts by one of OpenAI's metrics.

    `pass_threshold` is read and kept: evaluations ask for it, the score does not.
    """

    type: Literal["text_similarity"]
    input: Template
    reference: Template
    evaluation_metric: Metric
    pass_threshold: float | None = None

    def obstacle(self) -> str | None:
        if self.evaluation_metric == "cosine":
            return "The metric 'cosine' is read and kept, but not run: it needs embeddings."
        return None

    def value(self, case: Case, answer: Answer) -> float:
        if reason := self.obstacle():
            raise Ungradable("other_error", reason)
        given = filled(self.input, case, answer)
        wanted = filled(self.reference, case, answer)
        limit = longest(self.evaluation_metric)
        if max(len(given), len(wanted)) > limit:
            reason = f"'{self.evaluation_metric}' compares texts up to {limit:,} characters."
            raise Ungradable("other_error", reason)
        return METRICS[self.evaluation_metric](given, wanted)
