"""`text_similarity`: how near two texts are, from 0 to 1."""

from typing import Literal

from app.graders.base import Answer, Case, Measure, Score, Ungradable
from app.graders.settings import setting
from app.graders.similarity import METRICS, longest
from app.graders.template import Template, filled
from app.graders.texts import ANSWER, GIVEN, REFERENCE, WANTED

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


class TextSimilarity(Measure):
    """The similarity of two texts by one of OpenAI's metrics."""

    title = "Text similarity"
    purpose = "How near the text is to the reference, from 0 to 1."

    type: Literal["text_similarity"]
    input: Template = setting("template", "Text to grade", GIVEN, example=ANSWER)
    reference: Template = setting("template", "Compared with", WANTED, example=REFERENCE)
    evaluation_metric: Metric = setting(
        "choice",
        "Measured by",
        "ROUGE and BLEU count the words two texts share, fuzzy match their letters.",
        example="rouge_l",
        choices={
            "fuzzy_match": "Fuzzy match: letters, word order forgiven",
            "bleu": "BLEU: shared runs of 1 to 4 words, precision",
            "gleu": "GLEU: shared runs of 1 to 4 words, the lower of precision and recall",
            "meteor": "METEOR: equal words and stems, in order (without synonyms)",
            "cosine": "Cosine of embeddings (not run here)",
            "rouge_1": "ROUGE-1: shared words",
            "rouge_2": "ROUGE-2: shared pairs of words",
            "rouge_3": "ROUGE-3: shared runs of 3 words",
            "rouge_4": "ROUGE-4: shared runs of 4 words",
            "rouge_5": "ROUGE-5: shared runs of 5 words",
            "rouge_l": "ROUGE-L: the longest run of words in the same order",
        },
    )

    def obstacle(self) -> str | None:
        if self.evaluation_metric == "cosine":
            return "The metric 'cosine' is read and kept, but not run: it needs embeddings."
        return None

    def score(self, case: Case, answer: Answer) -> Score:
        if reason := self.obstacle():
            raise Ungradable("other_error", reason)
        given = filled(self.input, case, answer)
        wanted = filled(self.reference, case, answer)
        limit = longest(self.evaluation_metric)
        if max(len(given), len(wanted)) > limit:
            reason = f"'{self.evaluation_metric}' compares texts up to {limit:,} characters."
            raise Ungradable("other_error", reason)
        return Score(METRICS[self.evaluation_metric](given, wanted))
