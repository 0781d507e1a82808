"""Every upload in parts: found after a restart, ended after an hour, forgotten after a day."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from app.trainer.files import Described, Files
from app.trainer.limits import Limits
from app.trainer.upload import PENDING, Upload

# For as long a complete or cancel that is sent again is answered as the first was.
KEPT_SECONDS = 86_400


class Uploads:
    """The folder of uploads; what they become lies among the files."""

    def __init__(self, folder: Path, files: Files, limits: Limits) -> None:
        self.files = files
        self.limits = limits
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._by_id = {upload.record.id: upload for upload in _found(folder, files)}

    def begin(self, size: int, about: Described) -> Upload:
        """A new upload of so many bytes."""
        upload = Upload.begun(self._folder, size, about)
        with self._lock:
            self._by_id[upload.record.id] = upload
        return upload

    def get(self, upload_id: str) -> Upload | None:
        """The upload of this id."""
        return self._by_id.get(upload_id)

    def sweep(self) -> None:
        """End what is over, and forget what ended long ago."""
        now = time.time()
        with self._lock:
            uploads = list(self._by_id.values())
        for upload in uploads:
            upload.expire(now)
            record = upload.record
            if record.status != PENDING and now > record.expires_at + KEPT_SECONDS:
                with self._lock:
                    del self._by_id[record.id]
                upload.remove()


def _found(folder: Path, files: Files) -> Iterator[Upload]:
    for path in folder.iterdir():
        try:
            yield Upload.found(path, files)
        except FileNotFoundError:
            shutil.rmtree(path)  # a create that was killed half way: nobody was told of it
