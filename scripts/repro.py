"""Run the pipeline: `dvc repro`, with this environment's programs first on the path."""

import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Return DVC's exit status."""
    programs = Path(sys.executable).parent
    path = os.pathsep.join([str(programs), str(programs / "Scripts"), os.environ.get("PATH", "")])
    Path("work/evaluation").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "dvc", "repro", *sys.argv[1:]]
    return subprocess.call(command, env={**os.environ, "PATH": path})


if __name__ == "__main__":
    sys.exit(main())
