"""Checks that models/ is complete and holds together."""

import json
import os

import authz
import layout
import overlay
import services
import strip

_CONTAINERS = {"list": ("member",), "map": ("key", "value")}
_LEAVES = {
    "bigdecimal",
    "biginteger",
    "blob",
    "boolean",
    "byte",
    "double",
    "float",
    "integer",
    "long",
    "short",
    "string",
    "timestamp",
}


def model_faults(model):
    """Yield what is wrong with a service model, overlay applied or not."""
    shapes = model["shapes"]
    for name, operation in model["operations"].items():
        http = operation.get("http", {})
        if not (http.get("method") and http.get("requestUri", "").startswith("/")):
            yield f"operation {name}: no HTTP method or path"
        for part in ("input", "output"):
            if part in operation:
                yield from _structure_faults(f"operation {name} {part}", operation[part], shapes)
        for error in operation.get("errors", ()):
            if not shapes.get(error, {}).get("exception"):
                yield f"operation {name}: {error} is no error shape"
    for name, shape in shapes.items():
        yield from _shape_faults(name, shape, shapes)


def _structure_faults(where, reference, shapes):
    if shapes.get(reference["shape"], {}).get("type") != "structure":
        yield f"{where}: {reference['shape']} is no structure"


def _shape_faults(name, shape, shapes):
    kind = shape.get("type")
    if kind != "structure" and kind not in _CONTAINERS and kind not in _LEAVES:
        yield f"shape {name}: unknown type {kind}"
    for part in _CONTAINERS.get(kind, ()):
        if part not in shape:
            yield f"shape {name}: no {part}"
    for target in strip.references(shape):
        if target not in shapes:
            yield f"shape {name}: unknown shape {target}"
    members = shape.get("members", {})
    for member in [*shape.get("required", ()), *filter(None, [shape.get("payload")])]:
        if member not in members:
            yield f"shape {name}: unknown member {member}"


def overlay_faults(model, patch):
    """Yield what is wrong with an overlay, seen against its model."""
    for section in set(patch) - {"service", "operations", "shapes"}:
        yield f"overlay: unknown section {section}"
    entries = [("service", "service", patch["service"])] if "service" in patch else []
    for section in ("operations", "shapes"):
        entries += [(section, name, entry) for name, entry in patch.get(section, {}).items()]
    for section, name, entry in entries:
        if set(entry) != {"reason", "set"} or not entry["reason"]:
            yield f"overlay {name}: needs a reason and a set, nothing else"
        elif section == "operations" and name not in model["operations"]:
            yield f"overlay {name}: no such operation"
        elif section == "shapes" and name not in model["shapes"] and "type" not in entry["set"]:
            yield f"overlay {name}: no such shape, and no whole one"
        elif section != "service":
            yield from _idle_faults(name, model[section].get(name, {}), entry["set"])


def _idle_faults(name, base, patch):
    if overlay.merged(base, patch) == base:
        yield f"overlay {name}: changes nothing"


def operation_faults(needed, models, actions_by_prefix):
    """Yield what is wrong with the operations table of models/authz."""
    for service, operations in needed.items():
        for name in operations:
            if name not in models.get(service, {}).get("operations", {}):
                yield f"authz {service} {name}: no such operation"
        for action in authz.unknown_actions(operations, actions_by_prefix):
            yield f"authz {service}: no such action {action}"


def layout_faults(folder):
    """Yield the files whose text is not the one the tool would write."""
    for place in (folder, os.path.join(folder, "overlay"), os.path.join(folder, "authz")):
        for name in sorted(os.listdir(place)):
            if name.endswith(".json"):
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    text = file.read()
                if text != layout.render(json.loads(text)):
                    yield f"{name}: not laid out as the tool writes"


def _read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def faults(folder):
    """Yield what is wrong with the models in `folder`."""
    models = {}
    for service in services.SERVICES:
        model = _read(os.path.join(folder, f"{service}.json"))
        patch = _read(os.path.join(folder, "overlay", f"{service}.json"))
        models[service] = overlay.apply(model, patch)
        found = [*model_faults(model), *overlay_faults(model, patch)]
        found += [fault for fault in model_faults(models[service]) if fault not in found]
        yield from (f"{service}: {fault}" for fault in found)
    actions_by_prefix = {
        prefix: _read(os.path.join(folder, "authz", f"{prefix}.json"))["actions"]
        for prefix in services.IAM_PREFIXES
    }
    yield from layout_faults(folder)
    needed = _read(os.path.join(folder, "authz", "operations.json"))
    yield from operation_faults(needed, models, actions_by_prefix)
