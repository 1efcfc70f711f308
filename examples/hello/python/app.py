"""Greets, and tells a little of where it runs."""
import logging
import platform

logging.getLogger().setLevel(logging.INFO)


def handler(event, context):
    logging.info("greeting %s", event["name"])
    return {
        "greeting": f"Hello, {event['name']}!",
        "function": context.function_name,
        "runtime": f"Python {platform.python_version()}",
        "remaining_milliseconds": context.get_remaining_time_in_millis(),
    }
