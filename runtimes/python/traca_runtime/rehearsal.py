"""The function of a rehearsal."""


def handler(event, _context):
    """Answers its event."""
    return event
