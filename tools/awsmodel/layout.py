"""Writes JSON so that one change of AWS is one changed line of the file."""

import json


def _compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def render(document):
    """Render a document: an entry holding objects or lists gets one line for each of its own."""
    parts = []
    for key, value in document.items():
        if isinstance(value, dict) and any(isinstance(v, (dict, list)) for v in value.values()):
            lines = ",\n".join(
                f"{_compact(name)}:{_compact(entry)}" for name, entry in value.items()
            )
            parts.append(f"{_compact(key)}:{{\n{lines}\n}}")
        else:
            parts.append(f"{_compact(key)}:{_compact(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write(path, document):
    """Write `document` to `path` in the layout of `render`; return its size in bytes."""
    data = render(document).encode("utf-8")
    with open(path, "wb") as file:
        file.write(data)
    return len(data)
