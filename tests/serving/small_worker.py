"""A worker with a small application, in a module that its process imports in no time."""

import os
import time

from starlette.types import ASGIApp, Receive, Scope, Send

from foreseen.serving.worker import STARTUP_FAILURE, WorkerConfig


class SmallWorker(WorkerConfig):
    """Dies while a file "broken" exists; its application responds with the id of the process."""

    def create_app(self) -> ASGIApp:
        if (self.folder / "mistake").exists():
            self.failure_file.write_text("input:the folder holds no model", encoding="utf-8")
            raise SystemExit(STARTUP_FAILURE)
        if (self.folder / "broken").exists():
            os._exit(1)
        return respond_with_process


async def respond_with_process(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond at once, or after a second in which nothing else runs."""
    if scope["type"] != "http":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/busy":
        time.sleep(1.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
