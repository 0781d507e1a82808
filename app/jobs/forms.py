"""What people and scripts send to start a job."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from app.core.errors import WrongInput
from app.core.forms import Form, Printable, validated

LARGEST_SPLIT = 0.5


def _not_a_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("A whole number is needed.")  # noqa: TRY004 - it is told by field
    return value


Whole = Annotated[int, BeforeValidator(_not_a_truth)]
RowId = Annotated[Whole, Field(ge=1, le=2**53 - 1)]


class JobForm(Form):
    """A fine-tuning job. Hyperparameters carry OpenAI's names; each is "auto" or a number."""

    connection_id: RowId
    base_model: Annotated[str, Field(min_length=1, max_length=255)]
    method: str = "supervised"
    training_version_id: RowId
    validation_version_id: RowId | None = None
    validation_split: (
        Annotated[float, Field(ge=0, le=LARGEST_SPLIT, allow_inf_nan=False)] | None
    ) = None
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    suffix: Printable | None = None
    seed: Whole | None = None

    @field_validator("validation_split")
    @classmethod
    def _one_kind_of_validation(cls, split: float | None, info: ValidationInfo) -> float | None:
        if split and info.data.get("validation_version_id"):
            raise ValueError("Take a validation version or a split, not both.")
        return split or None


def job_form(values: Mapping[str, str]) -> JobForm:
    """The form's flat fields as a JobForm. A parameter has NAME_mode (auto or number) and NAME
    beside it.

    Raises WrongInput naming the fields as the form does.
    """
    filled = {name: value.strip() for name, value in values.items() if value.strip()}
    how = filled.pop("validation", "version" if "validation_version_id" in filled else "none")
    if how != "version":
        filled.pop("validation_version_id", None)
    if how != "split":
        filled.pop("validation_split", None)
    for beside in ("nonce", "from"):
        filled.pop(beside, None)
    if how not in {"none", "version", "split"}:
        raise WrongInput.field("validation", "Choose none, a version or a split.")
    if "hyperparameters" in filled:
        raise WrongInput.field("hyperparameters", "There is no such field.")
    modes = {
        name.removesuffix("_mode"): filled.pop(name)
        for name in list(filled)
        if name.endswith("_mode")
    }
    dials: dict[str, Any] = {}
    for name, mode in modes.items():
        number = filled.pop(name, "")
        dials[name] = "auto" if mode == "auto" else number
    return validated(JobForm, {**filled, "hyperparameters": dials})
