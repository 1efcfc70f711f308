"""Native functions, built once per target directory."""

import subprocess
from pathlib import Path

from .traca import TARGET

SOURCE = Path(__file__).parents[1] / "programs" / "native.rs"


def native_program():
    """A statically linked function."""
    binary = TARGET / "xtask" / "native-function"
    if not binary.exists() or binary.stat().st_mtime < SOURCE.stat().st_mtime:
        binary.parent.mkdir(parents=True, exist_ok=True)
        command = [
            "rustc",
            "--edition=2024",
            "-Copt-level=2",
            "-Cstrip=symbols",
            "-Ctarget-feature=+crt-static",
            SOURCE,
            "-o",
            binary,
        ]
        subprocess.run(command, check=True)
    return binary.read_bytes()
