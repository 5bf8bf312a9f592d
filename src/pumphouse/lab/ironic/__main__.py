"""The process of Ironic: ``python -m pumphouse.lab.ironic ROOT ironic PORT`` becomes one of Ironic's environment."""

import os
import sys
from pathlib import Path

from pumphouse.lab.engines.ironic import IRONIC, directory
from pumphouse.lab.environments import environment_of

SCRIPT = Path(__file__).parent.parent / "process" / "bare_metal.py"


def main() -> None:
    """Become it."""
    python = str(environment_of(IRONIC) / "bin" / "python")
    tools = directory(Path(sys.argv[1])) / "bin"
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    os.execve(python, [python, str(SCRIPT), *sys.argv[1:]], environment)  # noqa: S606


if __name__ == "__main__":
    main()
