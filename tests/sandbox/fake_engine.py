"""Stands for docker and podman: notes what it is called with, and runs the first process as it is.

It knows the mounts of the command, so the first process finds its files where they really are.
``FAKE_ENGINE`` is the folder for its notes.
"""

from __future__ import annotations

import csv
import ctypes
import itertools
import json
import os
import signal
import sys
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
HOME = Path(os.environ["FAKE_ENGINE"])


def say(text):
    sys.stdout.write(f"{text}\n")


def main(words):
    with (HOME / "calls").open("a") as calls:
        calls.write(json.dumps(words) + "\n")
    match words:
        case ["--version"]:
            say("fake 1")
        case ["image", "inspect", image]:
            if image != "agent:1":
                sys.exit(f"Error: no such image: {image}")
        case ["inspect", *_, name]:
            say((HOME / name).read_text())
        case ["kill", "--signal", "KILL", name]:
            if not (HOME / name).exists():
                sys.exit("no such container")
            os.kill(int((HOME / name).read_text()), 9)
        case ["run", *options]:
            sys.exit(run(options))
        case _:
            sys.exit(f"unknown command {words}")


def run(options):
    if (HOME / "broken").exists():
        sys.stderr.write("Error: no space left\n")
        return 125
    image = options.index("agent:1")
    name = options[options.index("--name") + 1]
    places = {}
    for option, value in itertools.pairwise(options):
        if option == "--mount":
            fields = dict(part.partition("=")[::2] for part in next(csv.reader([value])))
            places[fields["target"]] = fields["source"]
    control = Path(places["/.jail"])
    spec = json.loads((control / "spec.json").read_text())
    spec["socket"] = places["/.jail/gateway.sock"]
    (control / "spec.json").write_text(json.dumps(spec))
    words = [word.replace("/.jail", str(control)) for word in options[image + 1 :]]
    # What is left without its first process comes to this one.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    may_go, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(may_go, 1)
        os.execv(sys.executable, [sys.executable, *words])
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    (HOME / name).write_text(str(pid))
    os.write(go, b"x")  # only now: who hears that it has started may ask for it, and stop it
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    main(sys.argv[1:])
