"""The one list of modules with tables: import it, and every foreign key finds its table."""

from app.auth import models as auth
from app.budgets import models as budgets
from app.catalog import models as catalog
from app.collections import models as collections
from app.connections import models as connections
from app.core import heartbeat, instance
from app.core.orm import Base
from app.datasets import models as datasets
from app.evaluations import models as evaluations
from app.evaluations import models_judges as evaluation_judges
from app.evaluations.after import models as after
from app.evaluations.byhand import models as byhand
from app.evaluations.calibration import models as calibration
from app.evaluations.drift import models as drift
from app.evaluations.duels import models as duels
from app.evaluations.golden import models as golden
from app.evaluations.people import models as people
from app.evaluations.reports import models as evaluation_reports
from app.evaluations.worst import models as worst_cases
from app.grading import models as grading
from app.jobs import models as jobs
from app.notices import models as notices
from app.playground import models as playground
from app.projects import models as projects
from app.rescue import models as rescue
from app.upkeep import models as upkeep

MODULES = (
    auth,
    projects,
    connections,
    datasets,
    collections,
    catalog,
    grading,
    notices,
    budgets,
    jobs,
    evaluations,
    evaluation_judges,
    golden,
    evaluation_reports,
    worst_cases,
    people,
    byhand,
    duels,
    calibration,
    after,
    drift,
    playground,
    rescue,
    heartbeat,
    instance,
    upkeep,
)

metadata = Base.metadata
