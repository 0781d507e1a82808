"""The messages a judging model is asked with: texts, images and sounds, with places to fill."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Tag

from app.graders.base import JsonObject
from app.graders.template import Template

WORDS = "a text, or an object of type input_text, output_text, input_image or input_audio"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InputText(_Part):
    """A text for the judge."""

    type: Literal["input_text"]
    text: Template
    prompt_cache_breakpoint: JsonObject | None = None


class OutputText(_Part):
    """A text of a model's."""

    type: Literal["output_text"]
    text: Template


class InputImage(_Part):
    """A picture by its address."""

    type: Literal["input_image"]
    image_url: Template
    detail: str | None = None
    file_id: str | None = None


class Sound(_Part):
    """Base64."""

    data: Template
    format: Literal["mp3", "wav"]


class InputAudio(_Part):
    """A sound."""

    type: Literal["input_audio"]
    input_audio: Sound


def _kind(value: Any) -> str:
    """The tag of a content; brackets keep it apart from the names of fields in an error's path."""
    if isinstance(value, (str, list)):
        return "<text>" if isinstance(value, str) else "<list>"
    return f"<{value.get('type') if isinstance(value, dict) else getattr(value, 'type', None)}>"


_which = Discriminator(
    _kind, custom_error_type="content", custom_error_message=f"content must be {WORDS}"
)
Content = Annotated[
    Annotated[Template, Tag("<text>")]
    | Annotated[InputText, Tag("<input_text>")]
    | Annotated[OutputText, Tag("<output_text>")]
    | Annotated[InputImage, Tag("<input_image>")]
    | Annotated[InputAudio, Tag("<input_audio>")],
    _which,
]
Contents = Annotated[
    Annotated[Template, Tag("<text>")]
    | Annotated[InputText, Tag("<input_text>")]
    | Annotated[OutputText, Tag("<output_text>")]
    | Annotated[InputImage, Tag("<input_image>")]
    | Annotated[InputAudio, Tag("<input_audio>")]
    | Annotated[list[Content], Tag("<list>")],
    _which,
]


class JudgeMessage(_Part):
    """One message to the judge."""

    role: Literal["user", "assistant", "system", "developer"]
    content: Contents
    type: Literal["message"] | None = None
