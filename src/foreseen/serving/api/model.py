"""Routes about the model: how it is, and for administrators, what becomes of it."""

from typing import Any

from fastapi import APIRouter

from foreseen.data.canonical import ratings_frame
from foreseen.registry import audit_log as journal
from foreseen.registry import versions as registry
from foreseen.registry.update import update as update_model
from foreseen.serving.api.schemas import BASE, PROBLEMS, VersionIn
from foreseen.serving.dependencies import (
    Admin,
    Service,
    TheService,
    TheWorld,
)
from foreseen.serving.problems import ProblemError
from foreseen.serving.snapshot import World
from foreseen.serving.store import FIRST_ID

router = APIRouter(prefix=f"{BASE}/model", responses=PROBLEMS)


@router.get("")
def model_health(world: TheWorld, service: TheService) -> dict[str, Any]:
    """Tell which version answers, how old it is and what it was measured at."""
    return model_card(world, service)


def model_card(world: World, service: Service) -> dict[str, Any]:
    """Return what there is to tell of the model."""
    folder = service.live.folder
    return {
        "current": world.version.number,
        "ratings": world.model.log.ratings.height,
        "movies": len(world.ids),
        "knowsUntil": world.now,
        "learnedUntil": world.version.until,
        "report": dict(world.model.report),
        "versions": [version.model_dump() for version in registry.versions(folder)],
        "journal": journal.read(folder)[-20:],
    }


@router.post("/update")
def update_the_model(service: TheService, person: Admin) -> dict[str, Any]:  # noqa: ARG001
    """Give the model all ratings of the store; train a challenger if called for."""
    new = ratings_frame(
        (FIRST_ID + user, rated.movie, rated.rating, rated.rated)
        for user, rated in service.store.all_ratings()
    )
    if new.is_empty():
        raise ProblemError(422, "nothing-new", "nobody has rated anything here yet")
    return update_model(service.live.folder, new, whole_from=FIRST_ID).as_json()


@router.post("/promote")
def promote_version(given: VersionIn, service: TheService, person: Admin) -> dict[str, int]:
    """Let a version answer from now on."""
    folder = service.live.folder
    with registry.changing(folder):
        registry.promote(folder, given.version, f"asked for by user {person.user.id}")
    return {"current": given.version}


@router.post("/rollback")
def roll_back(service: TheService, person: Admin) -> dict[str, int]:
    """Go back to the version that answered before."""
    folder = service.live.folder
    with registry.changing(folder):
        number = registry.rollback(folder, f"asked for by user {person.user.id}")
    return {"current": number}
