""" "When this has happened, do that" between domains that do not know each other."""

from app.catalog.service import forget_base_models
from app.connections import service as connections
from app.connections import standing
from app.connections.practice import add_practice
from app.jobs.queries import names_under_way
from app.projects import service as projects

projects.FURNISH.append(add_practice)
standing.FORGET.append(forget_base_models)
connections.UNDER_WAY.append(names_under_way)
