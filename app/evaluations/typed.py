"""What people type into the pages' flat fields, read as the forms that scripts send."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from app.core.errors import FieldError, WrongInput
from app.core.forms import Form, validated
from app.evaluations.forms import EvaluationForm, RunForm

T = TypeVar("T", bound=Form)
CODE = re.compile(r"(\d{1,16}):(.+)", re.ASCII | re.DOTALL)
SETTINGS = ("system", "temperature", "top_p", "max_tokens", "seed", "per_minute", "at_once")
BOTH = "Choose the rows pasted here as the source above, or empty this box."
NO_ROWS = "Paste some rows, or choose a dataset above."
NOBODY = "Choose at least one who answers."
NO_MODEL = "A connection's id, a colon and a model are needed."
# Where a field stands on the page, by where it stands in the form.
BOXES = (
    (re.compile(r"^prompt\.\d+\.content$|^prompt$"), "prompt_user"),
    (re.compile(r"^graders(\.\d+)?$"), "graders"),
    (re.compile(r"^contestants\.\d+\.shots\.version_id$"), "shots_version"),
    (re.compile(r"^contestants\.\d+\.shots\.k$"), "shots_k"),
    (re.compile(r"^contestants\.\d+\.shots\.seed$"), "shots_seed"),
    (re.compile(r"^contestants\.\d+\.people\.cases$"), "people_cases"),
    (re.compile(r"^contestants(\..*)?$"), "contestants"),
    (re.compile(r"^settings\."), ""),
)


def evaluation_form(values: Mapping[str, str]) -> EvaluationForm:
    """The page's fields as an EvaluationForm. Raises WrongInput naming the boxes."""
    filled = {name: value.strip() for name, value in values.items() if value.strip()}
    graders = [name.partition(".")[2] for name in filled if name.startswith("grader.")]
    prompt = [
        {"role": role, "content": values[name]}
        for role, name in (("system", "prompt_system"), ("user", "prompt_user"))
        if name in filled
    ]
    rule = filled.get("pass_rule", "all")
    if rule.startswith("only.") and rule.removeprefix("only.") in graders:
        rule = str(graders.index(rule.removeprefix("only.")))
    given: dict[str, Any] = {
        name: filled[name] for name in ("name", "rows", "seed", "field") if name in filled
    }
    source = filled.get("version_id", "")
    if source:
        if "pasted" in filled:
            raise WrongInput.field("pasted", BOTH)
        given["version_id"] = source
    elif "pasted" in filled:
        given["pasted"] = values["pasted"]
        given.pop("rows", None)
    else:
        raise WrongInput.field("pasted", NO_ROWS)
    if prompt:
        given["prompt"] = prompt
    return _boxed(EvaluationForm, {**given, "graders": graders, "pass_rule": rule})


def run_form(values: Mapping[str, str]) -> RunForm:
    """The page's fields as a RunForm. Raises WrongInput naming the boxes."""
    filled = {name: value.strip() for name, value in values.items() if value.strip()}
    contestants = [*_ready_made(filled), *_others(filled), *_recorded(filled)]
    if "people" in filled:
        contestants.append({"people": {"cases": filled.get("people_cases")}})
    if not contestants:
        raise WrongInput.field("contestants", NOBODY)
    chosen: dict[str, Any] = {name: filled[name] for name in SETTINGS if name in filled}
    chosen["fresh"] = "fresh" in filled
    given: dict[str, Any] = {
        name: filled[name] for name in ("repeats", "cap_usd") if name in filled
    }
    once = [one for at, one in enumerate(contestants) if one not in contestants[:at]]
    return _boxed(RunForm, {**given, "contestants": once, "settings": chosen})


def _ready_made(filled: Mapping[str, str]) -> list[dict[str, Any]]:
    """A tuned model beside its base, as it is and with examples."""
    found = []
    if "base" in filled and "zero_shot" in filled:
        found.append(_model(filled["base"]))
    if "base" in filled and "few_shot" in filled:
        shots = {
            "version_id": filled.get("shots_version"),
            "k": filled.get("shots_k", "5"),
            "way": filled.get("shots_way", "seeded"),
            "seed": filled.get("shots_seed", "1"),
        }
        found.append({**_model(filled["base"]), "shots": shots})
    if "tuned" in filled and "use_tuned" in filled:
        found.append(_model(filled["tuned"]))
    return found


def _others(filled: Mapping[str, str]) -> list[dict[str, Any]]:
    found = [_model(code) for name, code in filled.items() if name.startswith("model.")]
    if "other_model" in filled:
        model = {"model": filled["other_model"]}
        found.append({"connection_id": filled.get("other_connection"), **model})
    return found


def _recorded(filled: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"recorded_id": value} for name, value in filled.items() if name.startswith("recorded.")
    ]


def _model(code: str) -> dict[str, Any]:
    read = CODE.fullmatch(code)
    if read is None:
        raise WrongInput.field("contestants", NO_MODEL)
    return {"connection_id": int(read[1]), "model": read[2]}


def _boxed(model: type[T], given: Mapping[str, Any]) -> T:
    try:
        return validated(model, given)
    except WrongInput as error:
        raise boxed(error) from error


def boxed(error: WrongInput) -> WrongInput:
    """The same, each slip under the box that it was typed into."""
    found = [FieldError(_box(one.field), one.message) for one in error.errors]
    return WrongInput(error.message, errors=found)


def _box(field: str) -> str:
    for pattern, name in BOXES:
        if found := pattern.match(field):
            return name or field[found.end() :]
    return field
