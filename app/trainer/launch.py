"""Where a run's child finds its files; the server resolves ids to paths at launch and passes them along."""

import os

import msgspec

from app.trainer.folder import RunFolder

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
    def read(cls, folder: RunFolder) -> "LaunchFile":
        """In the child. Raises KeyError when the child was not started by a trainer's server."""
        return msgspec.json.decode(os.environ[VARIABLE], type=cls)
