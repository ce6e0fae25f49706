"""Bounds on connections, of a server with small limits in a thread of the test."""

import socket
import time
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from threading import Thread

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from foreseen.serving.connections import BoundedProtocol, ConnectionLimits
from foreseen.serving.server import listen

LARGE = b"x" * (16 << 20)
Connect = Callable[[], socket.socket]


class SmallLimits(BoundedProtocol):
    limits = ConnectionLimits(
        connections=8,
        head_bytes=4096,
        head_seconds=0.3,
        stalled_seconds=0.3,
        bytes_per_second=1 << 30,
        check_seconds=0.05,
    )


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with the size of the body, or with a large body."""
    received = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        received += len(message["body"])
        if not message["more_body"]:
            break
    body = LARGE if scope["path"] == "/large" else str(received).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[uvicorn.Server, int]]:
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(
            application, http=SmallLimits, lifespan="off", log_level="critical", loop="asyncio"
        )
        running = uvicorn.Server(config)
        thread = Thread(target=running.run, kwargs={"sockets": [listening]})
        port = int(listening.getsockname()[1])
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield running, port
        running.should_exit = running.force_exit = True
        thread.join()


@pytest.fixture
def connect(server: tuple[uvicorn.Server, int]) -> Iterator[Connect]:
    """Open connections; they are closed after the test."""
    opened: list[socket.socket] = []

    def connect_one() -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", server[1]), timeout=5))
        return opened[-1]

    yield connect_one
    for connection in opened:
        connection.close()
    while server[0].server_state.connections:
        time.sleep(0.01)


def respond(connection: socket.socket) -> tuple[int, bytes]:
    """Return status and body of the next response."""
    response = HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


def read_all(connection: socket.socket) -> bytes:
    """Return what is received until the server closes the connection."""
    received = b""
    try:
        while part := connection.recv(1 << 16):
            received += part
    except ConnectionResetError:
        pass
    return received


def test_a_request_within_the_limits_is_handled(connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"POST / HTTP/1.1\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000)
    assert respond(connection) == (200, b"300000")
    # Small chunks have more bytes in their headers than in their content.
    connection.sendall(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
    connection.sendall(b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n")
    assert respond(connection) == (200, b"5000")
    connection.sendall(b"GET / HTTP/1.1\r\nx: " + b"x" * 3000 + b"\r\n\r\n")
    assert respond(connection) == (200, b"0")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nx: " + b"x" * 5000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"x" * 3_000_000,
        b"GET / HTTP/1.1\r\n" + b"x: x\r\n" * 300_000,
        b"GET /" + b"x" * 3_000_000,
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x: x\r\n" * 300_000,
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: " + b"x" * 3_000_000,
    ],
    ids=["complete", "one", "many", "path", "trailers", "trailer"],
)
def test_headers_that_are_too_large_are_refused(connect: Connect, head: bytes) -> None:
    connection = connect()
    try:
        connection.sendall(head)
    except (BrokenPipeError, ConnectionResetError):
        return  # Refused before all was sent.
    response = read_all(connection)
    assert not response or response.startswith(b"HTTP/1.1 431 ")


def test_the_refusal_of_headers_is_a_problem(connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"GET / HTTP/1.1\r\nx: " + b"x" * 5000 + b"\r\n\r\n")
    response = read_all(connection)
    assert b"application/problem+json" in response
    assert b"the headers of a request may have at most 4 KiB" in response


def test_an_invalid_request_is_refused_by_a_problem(connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"\x00\x01\x02\r\n\r\n")
    response = read_all(connection)
    assert response.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in response


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"GET / HT", b"408"),
        (b"GET / HTTP/1.1\r\nx: y\r\n", b"408"),
        (b"POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc", b"408"),
    ],
    ids=["nothing", "line", "request line", "headers", "body"],
)
def test_a_client_that_sends_too_slowly_is_disconnected(
    connect: Connect, sent: bytes, status: bytes
) -> None:
    connection = connect()
    connection.sendall(sent)
    begun = time.monotonic()
    assert read_all(connection)[9:12] == status
    assert 0.2 < time.monotonic() - begun < 3


def test_a_client_that_sends_a_byte_now_and_then_is_disconnected(connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"GET / HTTP/1.1\r\n")
    connection.settimeout(0.05)
    received = b""
    for _ in range(100):
        try:
            if received := connection.recv(1000):
                break
        except TimeoutError:
            connection.sendall(b"x: y\r\n")
    assert received.startswith(b"HTTP/1.1 408 ")


def test_a_client_that_does_not_read_is_disconnected(connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"GET /large HTTP/1.1\r\n\r\n")
    time.sleep(1)
    assert len(read_all(connection)) < len(LARGE)


def test_idle_connections_make_room_for_others(connect: Connect) -> None:
    idle = [connect() for _ in range(20)]
    connection = connect()
    connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert respond(connection) == (200, b"0")
    assert read_all(idle[0]) == b""


def test_connections_beyond_the_limit_are_refused_if_none_is_idle(connect: Connect) -> None:
    busy = [connect() for _ in range(8)]
    for connection in busy:
        connection.sendall(b"POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\n")
    time.sleep(0.1)
    response = read_all(connect())
    assert response.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: " in response
