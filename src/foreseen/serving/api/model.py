"""Routes for the model: its status and, for administrators, updates and versions."""

from typing import Any

from fastapi import APIRouter, Request

from foreseen.data.canonical import ratings_frame
from foreseen.data.encoding import USER_LIMIT
from foreseen.messages import Message
from foreseen.registry import audit_log, recovery, versions
from foreseen.serving.api.schemas import BASE, PROBLEMS, VersionIn
from foreseen.serving.dependencies import Admin, AppContext, Context, CurrentUser, Snapshot
from foreseen.serving.languages import language_of
from foreseen.serving.problems import ProblemError
from foreseen.serving.snapshot import ModelSnapshot

router = APIRouter(prefix=f"{BASE}/model", responses=PROBLEMS)


@router.get("")
def get_model_status(snapshot: Snapshot, context: Context) -> dict[str, Any]:
    """Return the current version, its validation error, all versions and the latest events."""
    return model_status(snapshot, context)


def model_status(snapshot: ModelSnapshot, context: AppContext) -> dict[str, Any]:
    """Return the status of the model.

    `learnedUntil` is the first second after the ratings that the current version is trained on,
    `knowsUntil` that after all ratings of its log. `degraded` is true while the folder's current
    version is damaged and an earlier one is in use.
    """
    folder = context.live.folder
    return {
        "current": snapshot.version.number,
        "degraded": bool(context.live.fault),
        "ratings": snapshot.model.log.ratings.height,
        "movies": len(snapshot.ids),
        "knowsUntil": snapshot.now,
        "learnedUntil": snapshot.version.until,
        "report": dict(snapshot.model.report),
        "versions": [version.model_dump() for version in versions.list_versions(folder)],
        "journal": audit_log.read(folder)[-20:],
    }


@router.post("/update")
def update_from_store(
    request: Request,
    context: Context,
    current: Admin,  # noqa: ARG001
) -> dict[str, Any]:
    """Add all ratings of the database to the model, detect drift, train a challenger if needed."""
    # Imported here because the statistics of an update take a quarter of a second to import.
    from foreseen.registry.update import update_accounts

    new = ratings_frame(
        (USER_LIMIT + user, rated.movie, rated.rating, rated.rated)
        for user, rated in context.store.all_ratings()
    )
    if new.is_empty():
        raise ProblemError(422, "no-ratings", Message("the database contains no ratings yet"))
    update = update_accounts(context.live.folder, new)
    decision = language_of(request.scope).translate(update.decision)
    return update.as_json() | {"decision": decision}


@router.post("/promote")
def promote_version(body: VersionIn, context: Context, current: Admin) -> dict[str, int]:
    """Make a version the current one."""
    folder = context.live.folder
    with versions.write_lock(folder):
        versions.promote(folder, body.version, _requested_by(current))
    return {"current": body.version}


@router.post("/rollback")
def roll_back(context: Context, current: Admin) -> dict[str, int]:
    """Return to the version that was current before."""
    folder = context.live.folder
    with versions.write_lock(folder):
        number = recovery.rollback(folder, _requested_by(current))
    return {"current": number}


def _requested_by(current: CurrentUser) -> Message:
    """Return the reason that the audit log gives."""
    return Message("requested by user %(user)s", user=current.user.id)
