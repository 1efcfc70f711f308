"""Fetches the protocol test cases of botocore's source distribution (Apache-2.0) and prints the directory they are in.

They are kept in a cache directory outside the checkout: $XDG_CACHE_HOME/traca (default ~/.cache/traca). The version is the
one that models/ were derived from, so cases and models are of one age.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

CASES = "/tests/unit/protocols/"


def botocore_version():
    text = (pathlib.Path(__file__).resolve().parent.parent / "models" / "VERSION").read_text()
    return re.search(r"botocore\s*[=: ]+\s*([0-9.]+)", text).group(1)


def fetch(version, target):
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, "--dest", work, f"botocore=={version}"], check=True, stdout=sys.stderr)
        archive = next(pathlib.Path(work).glob("botocore-*.tar.gz"))
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = pathlib.Path(tempfile.mkdtemp(dir=target.parent))
        with tarfile.open(archive) as source:
            for member in source:
                _, found, path = member.name.partition(CASES)
                folder, _, name = path.rpartition("/")
                if not (found and member.isfile() and folder in ("input", "output") and name.endswith(".json")):
                    continue
                (staging / folder).mkdir(exist_ok=True)
                (staging / folder / name).write_bytes(source.extractfile(member).read())
        try:
            staging.rename(target)
        except OSError:
            # Another process was faster.
            shutil.rmtree(staging)


def main():
    version = botocore_version()
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    target = cache / "traca" / f"protocol-cases-{version}"
    if not target.is_dir():
        fetch(version, target)
    print(target)


if __name__ == "__main__":
    main()
