"""Who becomes an administrator, by the options of `foreseen serve`."""

import os
from pathlib import Path

import httpx
from tests.serving.api.calls import PASSWORD
from tests.serving.conftest import start_server


def test_behind_a_proxy_only_named_accounts_become_administrators(folder: Path) -> None:
    with start_server(folder, "--behind-https", "--admin", "root") as server:
        roles = {
            name: httpx.post(
                f"{server.address}/api/v1/accounts", json={"name": name, "password": PASSWORD}
            ).json()["role"]
            for name in ("first", "root")
        }
        # A server that is ready ends on SIGTERM; Windows has none.
        if os.name != "nt":
            assert server.terminate() == 0
    assert roles == {"first": "viewer", "root": "admin"}
