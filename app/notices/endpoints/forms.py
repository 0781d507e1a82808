"""What people and scripts send about endpoints."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from app.core.addresses import UnsafeUrl, check_receiver
from app.core.forms import Form, Name
from app.notices.models import EndpointKind, Topic


def _callable(url: SecretStr) -> SecretStr:
    try:
        check_receiver(url.get_secret_value())
    except UnsafeUrl as error:
        raise ValueError(str(error)) from error
    return url


# Secret, because Slack's addresses are.
Address = Annotated[SecretStr, Field(min_length=1, max_length=2000), AfterValidator(_callable)]
Topics = Annotated[list[Topic], Field(min_length=1, max_length=len(Topic))]


class WithTopics(Form):
    """A page sends each topic as a box of its own, `topic_dates=yes`; a script sends `topics`."""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, sent: Any) -> Any:
        if not isinstance(sent, dict):
            return sent
        boxes = {name for name in sent if name in BOXES}
        if not boxes:
            return sent
        rest = {name: value for name, value in sent.items() if name not in boxes}
        return {**rest, "topics": [topic for box, topic in BOXES.items() if box in boxes]}


BOXES = {f"topic_{topic.value}": topic for topic in Topic}


class EndpointForm(WithTopics):
    """A new endpoint: what it takes, where it is, and what it is sent."""

    name: Name
    kind: EndpointKind = EndpointKind.WEBHOOK
    url: Address
    topics: Topics

    @field_validator("topics", mode="after")
    @classmethod
    def _each_once(cls, topics: list[Topic]) -> list[Topic]:
        return sorted(set(topics))


class EndpointChange(Form):
    """What is to be different; what is left out stays. `is_on` switches it on or off."""

    name: Name | None = None
    url: Address | None = None
    topics: Topics | None = None
    is_on: bool | None = None


class EndpointEdit(WithTopics):
    """The page's form: name and topics as they shall be, and an address where it is a new one."""

    name: Name
    url: Address | None = None
    topics: Topics


class RotateForm(Form):
    """Whether the old secret goes on signing for a day beside the new one."""

    keeps_old: bool = True
