"""Merges the corrections in models/overlay over the models."""


def merged(base, patch):
    """Return `base` with `patch` over it: objects key by key, anything else replaced."""
    if not (isinstance(base, dict) and isinstance(patch, dict)):
        return patch
    result = dict(base)
    for key, value in patch.items():
        result[key] = merged(result[key], value) if key in result else value
    return result


def apply(model, overlay):
    """Return `model` with all of `overlay` applied; neither is changed."""
    result = dict(model)
    if "service" in overlay:
        result["metadata"] = merged(model["metadata"], overlay["service"]["set"])
    for section in ("operations", "shapes"):
        patches = {name: entry["set"] for name, entry in overlay.get(section, {}).items()}
        result[section] = merged(model[section], patches)
    return result
