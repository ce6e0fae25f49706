"""The web application: API, pages, health checks and metrics."""

import os
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from foreseen.compute.threads import keep_to_one_thread
from foreseen.serving import api, pages, reference
from foreseen.serving.accounts import Accounts
from foreseen.serving.alerts import DriftAlerts, DriftGauges, Webhook
from foreseen.serving.api.description import describe_api
from foreseen.serving.dependencies import AppContext, OptionalUser, now
from foreseen.serving.hosts import AllowedHosts, is_local
from foreseen.serving.imports import Imports
from foreseen.serving.live_model import LiveModel
from foreseen.serving.middleware import BodyLimit, RequestMiddleware
from foreseen.serving.overload import RUNNING, LoadShedding
from foreseen.serving.paths import EncodedSlashes
from foreseen.serving.posters import PATH as POSTERS
from foreseen.serving.posters import TMDB_PATH, PosterFiles, Posters
from foreseen.serving.problem_handlers import add_handlers
from foreseen.serving.problems import ProblemError, problem
from foreseen.serving.rate_limit import RateLimiter
from foreseen.serving.recommender import Recommender
from foreseen.serving.store import Store
from foreseen.serving.tmdb import TmdbConfig, TmdbPosters
from foreseen.serving.transfer import CachedStaticFiles, Compression, HeadRequests
from foreseen.serving.worker import SHARED_METRICS

STATIC: Final = Path(__file__).parent / "web" / "static"
_SIGN_UPS: Final = 100
_SIGN_UP_SECONDS: Final = 3600
_RETRY_SECONDS: Final = 5
_THREADS: Final = RUNNING + 4
"""For the requests in progress, and for static files, health checks and metrics."""


def create_app(
    folder: Path,
    store: Store,
    secret: str,
    secure: bool = False,
    admins: Collection[str] = (),
    first_administers: bool = True,
    allowed_hosts: Collection[str] = (),
    posters: Path | None = None,
    tmdb: TmdbConfig | None = None,
    webhook: Webhook | None = None,
) -> FastAPI:
    """Return the application for a folder of models; it closes the store when it shuts down.

    Args:
        folder: The folder of models.
        store: An open store.
        secret: Signs the session cookies.
        secure: Whether users connect by HTTPS only.
        admins: Names of the administrators.
        first_administers: Whether the first account to sign up is an administrator too.
        allowed_hosts: Names under which the server may be addressed; any if there are none.
        posters: A folder with posters, see `foreseen.serving.posters`; None without.
        tmdb: How the posters of other movies are fetched from TMDB; None without.
        webhook: Where to send alerts about drift; None without.

    Raises:
        ModelFolderError: If the folder holds no models, or none is sound.
        StoreError: If the database is unavailable.
    """
    keep_to_one_thread()
    store.delete_expired(now())
    fetched = None if tmdb is None else TmdbPosters(tmdb)
    context = AppContext(
        store=store,
        accounts=Accounts(store, secret, [n.lower() for n in admins], first_administers),
        live=LiveModel(folder),
        recommender=Recommender(),
        secure=secure,
        sign_ups=RateLimiter(store, secret, "sign up", _SIGN_UPS, _SIGN_UP_SECONDS),
        imports=Imports(store, secret),
        posters=Posters(posters, fetched) if posters or fetched else None,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        current_default_thread_limiter().total_tokens = _THREADS
        alerts = None if webhook is None else DriftAlerts(folder, webhook)
        yield
        if alerts is not None:
            alerts.close()
        if fetched is not None:
            fetched.close()
        context.live.close()
        context.store.close()

    app = FastAPI(
        title="Foreseen",
        version="1",
        summary="Movie recommendations from ratings.",
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = context
    add_handlers(app)
    for router in (*api.ROUTERS, pages.router, reference.router):
        app.include_router(router)
    app.mount("/static", CachedStaticFiles(directory=STATIC), name="static")
    if tmdb is not None:
        app.mount(TMDB_PATH, PosterFiles(directory=tmdb.folder, check_dir=False), name="tmdb")
    if posters is not None:
        app.mount(POSTERS, PosterFiles(directory=posters, check_dir=False), name="posters")
    _add_operations(app, context, allowed_hosts)
    describe_api(app, api.ROUTERS)
    return app


def _add_operations(app: FastAPI, context: AppContext, allowed_hosts: Collection[str]) -> None:
    """Add the health checks, the metrics and the middleware."""
    registry = CollectorRegistry()
    version = Gauge(
        "foreseen_model_version",
        "Version of the model in use.",
        registry=registry,
        multiprocess_mode="mostrecent",
    )
    drift = DriftGauges(registry)

    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "alive"}

    @app.get("/ready", include_in_schema=False, response_model=None)
    def ready() -> dict[str, Any] | Response:  # pyright: ignore[reportUnusedFunction]
        if not context.store.ready():
            return problem(503, "not-ready", "the database is unavailable", _RETRY_SECONDS)
        status: dict[str, Any] = {
            "status": "ready",
            "version": context.live.current.version.number,
        }
        return {**status, "degraded": True} if context.live.fault else status

    @app.get("/metrics", include_in_schema=False)
    def metrics(request: Request, current: OptionalUser) -> Response:  # pyright: ignore[reportUnusedFunction]
        if not is_local(request) and (current is None or current.user.role != "admin"):
            detail = "send an administrator's API token, or connect from this machine"
            raise ProblemError(403, "admins-only", detail)
        version.set(context.live.current.version.number)
        drift.set(context.live.folder)
        text = generate_latest(_of_all_workers(registry))
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    # The last one is the first that handles a request.
    app.add_middleware(EncodedSlashes)
    app.add_middleware(LoadShedding)
    app.add_middleware(BodyLimit)
    app.add_middleware(AllowedHosts, names=allowed_hosts)
    app.add_middleware(Compression)
    app.add_middleware(HeadRequests)
    app.add_middleware(RequestMiddleware, registry=registry, secure=context.secure)


def _of_all_workers(registry: CollectorRegistry) -> CollectorRegistry:
    """Return the metrics of all worker processes if there are several, else those of this one."""
    if SHARED_METRICS not in os.environ:
        return registry
    combined = CollectorRegistry()
    MultiProcessCollector(combined)
    return combined
