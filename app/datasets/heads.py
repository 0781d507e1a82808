"""What stands above the pages of a version."""

from fastapi import Request

from app.datasets.index import Index
from app.datasets.models import DatasetVersion, VersionStatus
from app.datasets.training import is_trained_on
from app.datasets.views import VersionHead
from app.projects.access import role_here


def head_of(request: Request, version: DatasetVersion, opened: Index) -> VersionHead:
    """Which version it is, and how much stands in its tabs."""
    return VersionHead(
        project_id=version.project_id,
        dataset_name=version.dataset.name,
        version_id=version.id,
        number=version.number,
        status=version.status,
        rows=opened.row_count,
        findings=sum(group.count for group in opened.finding_groups()),
        can_train=version.status == VersionStatus.READY
        and is_trained_on(version.format)
        and role_here(request).may("spend"),
    )
