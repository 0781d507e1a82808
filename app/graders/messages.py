"""The messages a judging model is asked with: texts, images and sounds, with places to fill."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Tag

from app.graders.base import Answer, Case, JsonObject, Ungradable
from app.graders.template import Template, filled

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


MOST = 400_000
"""Characters of all that a judge is told about one answer."""


def chat_messages(
    told: Sequence[JudgeMessage], case: Case, answer: Answer, ending: str
) -> tuple[JsonObject, ...]:
    """The messages with their places filled, in the shape of chat completions; `ending` stands at
    the end of the last that is the user's. Raises Ungradable.
    """
    said = [_message(one, case, answer) for one in told]
    if said[-1]["role"] != "user":
        said.append({"role": "user", "content": ending})
    elif isinstance(before := said[-1]["content"], str):
        said[-1]["content"] = f"{before}\n\n{ending}"
    else:
        before.append({"type": "text", "text": ending})
    return fitting(said)


def fitting(said: Sequence[JsonObject]) -> tuple[JsonObject, ...]:
    """The same, where a judge may be told so much. Raises Ungradable."""
    if sum(len(str(one["content"])) for one in said) > MOST:
        reason = f"What the judge would be told is longer than {MOST:,} characters."
        raise Ungradable("other_error", reason)
    return tuple(said)


def _message(one: JudgeMessage, case: Case, answer: Answer) -> JsonObject:
    role = "system" if one.role == "developer" else one.role  # which every service knows
    if isinstance(one.content, list):
        return {"role": role, "content": [_part(part, case, answer) for part in one.content]}
    part = _part(one.content, case, answer)
    return {"role": role, "content": part["text"] if part["type"] == "text" else [part]}


def _part(content: Any, case: Case, answer: Answer) -> JsonObject:
    match content:
        case InputImage():
            image = {"url": filled(content.image_url, case, answer), "detail": content.detail}
            return {"type": "image_url", "image_url": {k: v for k, v in image.items() if v}}
        case InputAudio():
            sound = content.input_audio
            data = {"data": filled(sound.data, case, answer), "format": sound.format}
            return {"type": "input_audio", "input_audio": data}
    text = content if isinstance(content, str) else content.text
    return {"type": "text", "text": filled(text, case, answer)}
