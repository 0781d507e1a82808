"""What a person sends about their choices: a box for each thing and way, there when it is on."""

from typing import Any

from pydantic import create_model

from app.core.forms import Form
from app.notices.choices.defaults import Ways
from app.notices.models import About

BOXES = {(about, way): f"{about.value}_{way}" for about in About for way in Ways._fields}
_OFF: Any = (bool, False)
ChoicesForm = create_model("ChoicesForm", __base__=Form, **dict.fromkeys(BOXES.values(), _OFF))


def chosen_in(form: Form) -> dict[About, Ways]:
    """What the boxes say."""
    on = form.model_dump()
    return {about: Ways(*(on[BOXES[about, way]] for way in Ways._fields)) for about in About}
