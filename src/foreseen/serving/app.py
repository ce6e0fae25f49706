"""The application: API, pages, health, metrics, put together."""

import logging
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
from foreseen.serving.body_limit import BodyLimit
from foreseen.serving.dependencies import Service, now
from foreseen.serving.middleware import Watch
from foreseen.serving.problems import add_handlers, problem
from foreseen.serving.rate_limit import Limiter
from foreseen.serving.recommender import Recommender
from foreseen.serving.snapshot import LiveWorld
from foreseen.serving.store import Store

STATIC: Final = Path(__file__).parent / "web" / "static"
SHARED_METRICS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names, where several processes answer, the folder in which they share their figures."""
_LOG: Final = logging.getLogger("foreseen.serving")
_SIGN_UPS: Final = 100
_THREADS: Final = 8
_SIGN_UP_SECONDS: Final = 3600


def create_app(
    folder: Path,
    store: Store,
    secret: str,
    secure: bool = False,
    admins: Collection[str] = (),
    first_administers: bool = True,
) -> FastAPI:
    """Return an application over a folder of models and a store; it closes the store at its end.

    Args:
        folder: The folder of models.
        store: Open.
        secret: What cookies are signed with.
        secure: Whether cookies are for HTTPS only.
        admins: Names of those who administer.
        first_administers: Whether whoever signs up first does, too.

    Raises:
        ModelFolderError: If there is no model in the folder.
    """
    keep_to_one_thread()
    service = Service(
        store=store,
        accounts=Accounts(store, secret, [n.lower() for n in admins], first_administers),
        live=LiveWorld(folder),
        recommender=Recommender(),
        secure=secure,
        sign_ups=Limiter(store, secret, "sign up", _SIGN_UPS, _SIGN_UP_SECONDS),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        service.store.forget_expired(now())
        # More threads than this only wait for each other.
        current_default_thread_limiter().total_tokens = _THREADS
        yield
        service.live.close()
        service.store.close()

    app = FastAPI(
        title="Foreseen",
        version="1",
        summary="Rate movies; see what you would give the others.",
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    add_handlers(app)
    for router in (*api.ROUTERS, pages.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _add_operations(app, service)
    return app


def _add_operations(app: FastAPI, service: Service) -> None:
    """Add health, metrics, and what stands around every request."""
    registry = CollectorRegistry()
    version = Gauge(
        "foreseen_model_version",
        "The version that answers.",
        registry=registry,
        multiprocess_mode="mostrecent",
    )

    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "alive"}

    @app.get("/ready", include_in_schema=False, response_model=None)
    def ready() -> dict[str, Any] | Response:  # pyright: ignore[reportUnusedFunction]
        if not service.store.ready():
            return problem(503, "not-ready", "the database does not answer")
        return {"status": "ready", "version": service.live.current.version.number}

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:  # pyright: ignore[reportUnusedFunction]
        version.set(service.live.current.version.number)
        found = generate_latest(_of_all_workers(registry))
        return Response(found, media_type=CONTENT_TYPE_LATEST)

    app.add_middleware(BodyLimit)
    app.add_middleware(Watch, registry=registry)


def _of_all_workers(own: CollectorRegistry) -> CollectorRegistry:
    """Return the figures of all processes that answer, where there are several."""
    if SHARED_METRICS not in os.environ:
        return own
    everyone = CollectorRegistry()
    MultiProcessCollector(everyone)
    return everyone
