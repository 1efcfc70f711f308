"""AWS's command line, set up for a platform under test."""

import json
import subprocess
import sys
from pathlib import Path

from .traca import PATIENCE_SECONDS, environment

# Installed beside the interpreter that runs the tests.
PROGRAM = Path(sys.executable).with_name("aws")


def aws_cli(clients, *arguments):
    """Runs a command as the root of the clients' account. What it prints, read as JSON; `None` if it prints nothing."""
    done = subprocess.run(
        [PROGRAM, "--endpoint-url", clients.endpoint, "--region", clients.region, "--output", "json", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        env=environment(AWS_ACCESS_KEY_ID=clients.account, AWS_SECRET_ACCESS_KEY="secret"),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None
