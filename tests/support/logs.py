"""What functions have logged."""

from .traca import eventually


def events(clients, group, pattern=""):
    """The events of a log group that match; none while it does not exist."""
    logs = clients("logs")
    try:
        pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern))
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event for page in pages for event in page["events"]]


def wait_for(clients, function, text):
    """Waits until a function has logged a text. The messages that contain it."""
    found = eventually(lambda: events(clients, f"/aws/lambda/{function.name}", f'"{text}"'), f"{text} in the log")
    return [event["message"] for event in found]
