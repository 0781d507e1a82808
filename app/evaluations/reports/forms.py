"""What people send about a run's cases."""

from typing import Annotated

from fastapi import Request
from pydantic import Field
from starlette.datastructures import FormData

from app.core.errors import ProductError
from app.core.forms import Form, Name, form_read, validated

LONGEST_CHOSEN = 8_000


class CollectForm(Form):
    """Where cases go: the collection's name. `chosen` are the numbers of those picked; without any,
    all that match the address.
    """

    collection: Name
    chosen: Annotated[str, Field(max_length=LONGEST_CHOSEN)] = ""


async def picked(request: Request) -> CollectForm:
    """The form as it is sent; each box that is ticked comes under the same name. Raises WrongInput
    naming each field, and ProductError where another one stands twice.
    """
    sent = await form_read(request) or FormData()
    values: dict[str, object] = {}
    for name, value in sent.multi_items():
        if name in values and name != "chosen":
            raise ProductError(f"The field {name!r} was sent twice.")
        values[name] = value
    values.pop("csrf", None)
    chosen = ",".join(str(one) for one in sent.getlist("chosen"))
    return validated(CollectForm, {**values, "chosen": chosen})
