""" "When this has happened, do that" between domains that do not know each other."""

from app.connections.practice import add_practice
from app.projects import service as projects

projects.FURNISH.append(add_practice)
