"""Reduces a botocore service model to the facts a server needs.

Every level is an allow-list: a key that botocore adds later stays out until it is
named here, so prose cannot slip in.
"""

_METADATA = (
    "apiVersion",
    "auth",
    "awsQueryCompatible",
    "endpointPrefix",
    "globalEndpoint",
    "jsonVersion",
    "protocol",
    "protocols",
    "serviceId",
    "signatureVersion",
    "signingName",
    "targetPrefix",
    "xmlNamespace",
)

_OPERATION = (
    "http",
    "input",
    "output",
    "errors",
    "auth",
    "authtype",
    "deprecated",
    "endpoint",
    "eventStream",
    "httpChecksum",
    "httpChecksumRequired",
    "idempotent",
    "requestcompression",
    "unsignedPayload",
)

# Keys of a shape, in the order they are written.
_SHAPE = (
    "type",
    "required",
    "members",
    "member",
    "key",
    "value",
    "payload",
    "enum",
    "min",
    "max",
    "pattern",
    "sensitive",
    "union",
    "document",
    "streaming",
    "eventstream",
    "event",
    "error",
    "exception",
    "fault",
    "retryable",
    "synthetic",
    "wrapper",
    "box",
    "flattened",
    "sparse",
    "jsonvalue",
    "locationName",
    "timestampFormat",
    "xmlNamespace",
    "xmlOrder",
)

# Keys of a reference to a shape: an input, an output, a member of anything.
_REFERENCE = (
    "shape",
    "location",
    "locationName",
    "queryName",
    "resultWrapper",
    "payload",
    "enum",
    "box",
    "eventheader",
    "eventpayload",
    "flattened",
    "hostLabel",
    "idempotencyToken",
    "jsonvalue",
    "streaming",
    "timestampFormat",
    "xmlAttribute",
    "xmlNamespace",
)


def _keep(source, keys):
    return {key: source[key] for key in keys if key in source}


def strip_reference(reference):
    """Strip one reference to a shape."""
    return _keep(reference, _REFERENCE)


def strip_shape(shape):
    """Strip one shape; the order of its members is kept."""
    result = _keep(shape, _SHAPE)
    if "members" in result:
        result["members"] = {
            name: strip_reference(member) for name, member in shape["members"].items()
        }
    for part in ("member", "key", "value"):
        if part in result:
            result[part] = strip_reference(shape[part])
    return result


def strip_operation(operation):
    """Strip one operation; its errors become a list of shape names."""
    result = _keep(operation, _OPERATION)
    for part in ("input", "output"):
        if part in result:
            result[part] = strip_reference(operation[part])
    if "errors" in result:
        names = (error["shape"] for error in operation["errors"])
        result["errors"] = list(dict.fromkeys(names))
    return result


def outside_operation(operation):
    """Return what is kept of an operation outside the modelled part of its service."""
    return {"http": operation["http"], "part": "outside"}


def references(shape):
    """Yield the name of every shape that `shape` refers to."""
    for member in shape.get("members", {}).values():
        yield member["shape"]
    for part in ("member", "key", "value"):
        if part in shape:
            yield shape[part]["shape"]


def _roots(operations):
    for operation in operations.values():
        for part in ("input", "output"):
            if part in operation:
                yield operation[part]["shape"]
        yield from operation.get("errors", ())


def _reachable(roots, shapes):
    seen = set()
    pending = list(roots)
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending.extend(references(shapes[name]))
    return seen


def strip_model(model, is_inside=lambda name: True):
    """Strip a whole service model.

    Operations for which `is_inside(name)` is false keep their HTTP binding alone. Shapes
    that no kept operation reaches are dropped, except error shapes: a service raises
    some of those from operations that do not list them.
    """
    operations = {
        name: strip_operation(operation) if is_inside(name) else outside_operation(operation)
        for name, operation in sorted(model["operations"].items())
    }
    shapes = model["shapes"]
    exceptions = (name for name, shape in shapes.items() if shape.get("exception"))
    kept = _reachable([*_roots(operations), *exceptions], shapes)
    return {
        "metadata": _keep(model["metadata"], _METADATA),
        "operations": operations,
        "shapes": {name: strip_shape(shapes[name]) for name in sorted(kept)},
    }
