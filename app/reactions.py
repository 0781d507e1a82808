""" "When this has happened, do that" between domains that do not know each other."""

from app.catalog import recorded, stopping
from app.catalog.service import forget_base_models
from app.connections import hooks, standing
from app.connections import service as connections
from app.connections.practice import add_practice
from app.evaluations import service as evaluations
from app.evaluations.drift.service import key_works as drift_goes_on
from app.evaluations.duels.queries import names_under_way as duels_under_way
from app.evaluations.duels.service import key_works as duels_go_on
from app.evaluations.golden.queries import recorded_in
from app.jobs.hints import heard
from app.jobs.lifetimes import at_work, saved
from app.jobs.queries import names_under_way
from app.jobs.service import go_on
from app.jobs.telling import tell_refused
from app.notices.service import look_soon, watch
from app.projects import service as projects
from app.rescue.queries import names_under_way as rescues_under_way
from app.rescue.service import wake

projects.FURNISH.extend((add_practice, watch))
standing.FORGET.append(forget_base_models)
standing.FORGET.append(wake)
standing.GO_ON.append(go_on)
standing.GO_ON.append(evaluations.key_works)
standing.GO_ON.append(duels_go_on)
standing.GO_ON.append(drift_goes_on)
standing.REFUSED.append(tell_refused)
connections.UNDER_WAY += [
    names_under_way,
    evaluations.names_under_way,
    duels_under_way,
    rescues_under_way,
]
hooks.HEARD.append(heard)
stopping.AT_WORK.append(at_work)
stopping.SAVED.append(saved)
stopping.MOVED.append(look_soon)
recorded.RECORDED.append(recorded_in)
