"""What people and scripts send to start a job."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from app.core.forms import Form, validated

LARGEST_SPLIT = 0.5
RowId = Annotated[int, Field(ge=1, le=2**53 - 1)]


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
    suffix: str | None = None
    seed: int | None = None

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
    filled.pop("nonce", None)
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
