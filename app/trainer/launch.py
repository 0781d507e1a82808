"""Where a run's child finds its files: the server turns ids into paths at launch."""

import os

import msgspec

VARIABLE = "LUTHIER_TRAINER_LAUNCH"


class LaunchFile(msgspec.Struct, frozen=True, kw_only=True):
    """Paths on this machine; none of them need exist any more once the rows are compiled."""

    training_file: str
    validation_file: str | None = None
    start_from: str | None = None

    def environment(self) -> dict[str, str]:
        """How it travels to the child."""
        return {VARIABLE: msgspec.json.encode(self).decode()}

    @classmethod
    def read(cls) -> "LaunchFile":
        """In the child. Raises KeyError when the child was not started by a trainer's server."""
        return msgspec.json.decode(os.environ[VARIABLE], type=cls)
