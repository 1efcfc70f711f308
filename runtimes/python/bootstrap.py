"""Lambda's Python runtime: asks the Runtime API for invocations and hands them to the function's handler.

Started with `-S`, so that packages installed on the machine are not visible to the function, which sees its own code,
its layers, what the runtime offers and the standard library, as on Lambda.
"""

import os
import site
import sys

RUNTIME_DIRECTORY = os.path.dirname(os.path.abspath(__file__))


def search_path(own_path):
    """The module search path of a function: its code, its layers, the runtime, then what the interpreter had."""
    version = "python%d.%d" % sys.version_info[:2]
    first = [
        os.environ.get("LAMBDA_TASK_ROOT", os.getcwd()),
        "/opt/python/lib/%s/site-packages" % version,
        "/opt/python",
        RUNTIME_DIRECTORY,
    ]
    return first + [entry for entry in own_path if entry and entry not in first]


def prepare_interpreter():
    """Restores what `-S` left out and a function may rely on: `exit`, `help`, and the user's `sitecustomize`."""
    site.setquit()
    site.setcopyright()
    site.sethelper()
    if os.environ.get("PYTHONPATH", RUNTIME_DIRECTORY) != RUNTIME_DIRECTORY:
        site.execsitecustomize()


if __name__ == "__main__":
    parked = os.environ.pop("_TRACA_PARKED", None)
    if parked is not None:
        from traca_runtime import parking

        parking.park(int(parked))
    sys.path = search_path(sys.path)
    prepare_interpreter()
    from traca_runtime import loop

    loop.run(os.environ["_HANDLER"], os.environ["AWS_LAMBDA_RUNTIME_API"])
