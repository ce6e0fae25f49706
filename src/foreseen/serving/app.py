"""The web application: API, pages, health checks and metrics."""

import os
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from foreseen.compute.threads import keep_to_one_thread
from foreseen.serving import api, pages
from foreseen.serving.accounts import Accounts
from foreseen.serving.dependencies import AppContext, now
from foreseen.serving.middleware import BodyLimit, RequestMiddleware
from foreseen.serving.problems import add_handlers, problem
from foreseen.serving.rate_limit import RateLimiter
from foreseen.serving.recommender import Recommender
from foreseen.serving.snapshot import LiveModel
from foreseen.serving.store import Store

STATIC: Final = Path(__file__).parent / "web" / "static"
SHARED_METRICS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder in which several worker processes share their metrics."""
_SIGN_UPS: Final = 100
_SIGN_UP_SECONDS: Final = 3600
_THREADS: Final = 8


def create_app(
    folder: Path,
    store: Store,
    secret: str,
    secure: bool = False,
    admins: Collection[str] = (),
    first_administers: bool = True,
) -> FastAPI:
    """Return the application for a folder of models; it closes the store when it shuts down.

    Args:
        folder: The folder of models.
        store: An open store.
        secret: Signs the session cookies.
        secure: Whether cookies are for HTTPS only.
        admins: Names of the administrators.
        first_administers: Whether the first account to sign up is an administrator too.

    Raises:
        ModelFolderError: If the folder holds no models, or the current version is damaged.
    """
    keep_to_one_thread()
    context = AppContext(
        store=store,
        accounts=Accounts(store, secret, [n.lower() for n in admins], first_administers),
        live=LiveModel(folder),
        recommender=Recommender(),
        secure=secure,
        sign_ups=RateLimiter(store, secret, "sign up", _SIGN_UPS, _SIGN_UP_SECONDS),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        context.store.delete_expired(now())
        # More threads would contend for the cores.
        current_default_thread_limiter().total_tokens = _THREADS
        yield
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
    for router in (*api.ROUTERS, pages.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _add_operations(app, context)
    return app


def _add_operations(app: FastAPI, context: AppContext) -> None:
    """Add the health checks, the metrics and the middleware."""
    registry = CollectorRegistry()
    version = Gauge(
        "foreseen_model_version",
        "Version of the model in use.",
        registry=registry,
        multiprocess_mode="mostrecent",
    )

    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "alive"}

    @app.get("/ready", include_in_schema=False, response_model=None)
    def ready() -> dict[str, Any] | Response:  # pyright: ignore[reportUnusedFunction]
        if not context.store.ready():
            return problem(503, "not-ready", "the database is unavailable")
        return {"status": "ready", "version": context.live.current.version.number}

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:  # pyright: ignore[reportUnusedFunction]
        version.set(context.live.current.version.number)
        text = generate_latest(_of_all_workers(registry))
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    app.add_middleware(BodyLimit)
    app.add_middleware(RequestMiddleware, registry=registry)


def _of_all_workers(registry: CollectorRegistry) -> CollectorRegistry:
    """Return the metrics of all worker processes if there are several, else those of this one."""
    if SHARED_METRICS not in os.environ:
        return registry
    combined = CollectorRegistry()
    MultiProcessCollector(combined)
    return combined
