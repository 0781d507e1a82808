"""The datasets that come with Luthier, loaded as if a person had uploaded them."""

from app.core import storage
from app.core.database import unit_of_work
from app.datasets import service
from app.datasets.report import EXAMPLE, EXAMPLE_FOLDER

TRAINING, HELD_OUT = "Banking77 intents", "Banking77 held-out"


def load_banking77(project_id: int, actor_id: int) -> int:
    """Store the training and the held-out questions as two datasets; the id of the training
    version.
    """
    training = storage.save_file(EXAMPLE_FOLDER / "train.jsonl")
    held_out = storage.save_file(EXAMPLE_FOLDER / "validation.jsonl")
    with unit_of_work() as session:
        measures = service.receive_upload(
            session,
            project_id=project_id,
            actor_id=actor_id,
            blob=held_out,
            file_name="validation.jsonl",
            name=HELD_OUT,
            licence=EXAMPLE.licence,
        )
        version = service.receive_upload(
            session,
            project_id=project_id,
            actor_id=actor_id,
            blob=training,
            file_name="train.jsonl",
            name=TRAINING,
            licence=EXAMPLE.licence,
        )
        version.dataset.held_out_id = measures.dataset_id
        return version.id
