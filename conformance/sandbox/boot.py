"""The first lines inside the sandbox: limits that cannot be raised again, then the script.

This text runs in the sandbox's interpreter, before any line of the script. It is a program of its
own and imports nothing of this package.
"""

from __future__ import annotations

SCRIPT = "script.py"

_BOOT = """
def boot(name, limits):
    import resource, sys
    for limit, most in limits:
        resource.setrlimit(getattr(resource, limit), (most, most))
    with open(name, encoding="utf-8") as file:
        text = file.read()
    show = sys.excepthook
    def shown(kind, error, trace):
        # Our own two frames tell the script's author nothing.
        trace = trace and trace.tb_next and trace.tb_next.tb_next
        show(kind, error.with_traceback(trace), trace)
    sys.excepthook = shown
    sys.argv[:] = [name]
    main = sys.modules["__main__"].__dict__
    builtins = main["__builtins__"]
    main.clear()
    main.update(__name__="__main__", __file__=name, __builtins__=builtins)
    exec(compile(text, name, "exec"), main)
"""


def boot_text(limits: dict[str, int]) -> str:
    """Return the program to give to ``python -c``, with limits by ``RLIMIT_…`` name."""
    return f"{_BOOT}\nboot({SCRIPT!r}, {list(limits.items())!r})\n"
