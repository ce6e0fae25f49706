"""Bounds on requests in progress and waiting requests."""

import asyncio
import json
import time

from starlette.types import Message, Receive, Scope, Send

from foreseen.serving.overload import LoadShedding


class Application:
    """Handles a request until it is released, and counts those in progress."""

    def __init__(self) -> None:
        self.running = 0
        self.release = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        self.running += 1
        await self.release.wait()
        self.running -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})


async def request(shedding: LoadShedding, path: str = "/rate") -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await shedding({"type": "http", "path": path, "headers": []}, receive, send)
    return sent


def test_requests_beyond_the_bounds_are_refused_at_once() -> None:
    async def overload() -> None:
        application = Application()
        shedding = LoadShedding(application, running=2, waiting=3)
        tasks = [asyncio.create_task(request(shedding)) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert application.running == 2
        begun = time.monotonic()
        start, body = await request(shedding)
        assert time.monotonic() - begun < 0.1
        assert start["status"] == 503
        assert dict(start["headers"])[b"retry-after"].isdigit()
        assert json.loads(body["body"])["type"] == "urn:foreseen:overloaded"
        application.release.set()
        handled = await asyncio.gather(*tasks)
        assert [messages[0]["status"] for messages in handled] == [200] * 5
        assert (await request(shedding))[0]["status"] == 200

    asyncio.run(overload())


def test_static_files_and_checks_are_handled_in_spite_of_overload() -> None:
    async def overload() -> None:
        application = Application()
        shedding = LoadShedding(application, running=1, waiting=0)
        paths = ["/rate", "/static/foreseen.js", "/health", "/ready", "/metrics"]
        # Routes with threads of their own do not wait for others, and others not for them.
        paths += ["/api/v1/session", "/api/v1/me/imports"]
        tasks = [asyncio.create_task(request(shedding, path)) for path in paths]
        await asyncio.sleep(0.01)
        assert application.running == len(paths)
        application.release.set()
        assert all(messages[0]["status"] == 200 for messages in await asyncio.gather(*tasks))

    asyncio.run(overload())


def test_a_request_that_is_cancelled_gives_its_place_to_another() -> None:
    async def cancel() -> None:
        application = Application()
        shedding = LoadShedding(application, running=1, waiting=1)
        tasks = [asyncio.create_task(request(shedding)) for _ in range(2)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        application.release.set()
        assert (await request(shedding))[0]["status"] == 200

    asyncio.run(cancel())
