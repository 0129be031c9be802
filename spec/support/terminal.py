"""Types into a program that runs in a pseudo-terminal, and tells what it said and when.

    terminal.py < STEPS

The first line of STEPS is a shell's command, as a JSON string; each further one is a JSON list: ["type", text], ["wait", text, seconds], ["interrupt"], ["run", command]
(by a shell, elsewhere). Prints a JSON list with, for each wait, the seconds that it took or null; then the whole output
and the exit code.
"""
import json
import os
import pty
import select
import subprocess
import sys
import time

command, *steps = [json.loads(line) for line in sys.stdin]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", command])

output, seen, times, code = "", 0, [], None


def read(seconds):
    """Reads what there is; False at the end."""
    global output
    ready, _, _ = select.select([terminal], [], [], seconds)
    if not ready:
        return True
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return False
    output += data.decode("utf-8", "replace")
    return bool(data)


for step in steps:
    if step[0] == "type":
        os.write(terminal, step[1].encode())
    elif step[0] == "run":
        subprocess.run(step[1], shell=True, check=False)
    elif step[0] == "interrupt":
        time.sleep(0.15)  # so that the call is well under way
        while read(0) and select.select([terminal], [], [], 0)[0]:
            pass
        seen = len(output)
        os.write(terminal, b"\x03")
    else:
        began, took = time.monotonic(), None
        while time.monotonic() - began < step[2]:
            at = output.find(step[1], seen)
            if at >= 0:
                took, seen = time.monotonic() - began, at + len(step[1])
                break
            if not read(0.001):
                break
        times.append(took)

deadline, open_still = time.monotonic() + 10, True
while code is None and time.monotonic() < deadline:
    open_still = open_still and read(0.02)
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        code = os.waitstatus_to_exitcode(status)
        while open_still and select.select([terminal], [], [], 0.05)[0]:
            open_still = read(0)
    elif not open_still:
        time.sleep(0.01)
if code is None:
    os.kill(pid, 9)
print(json.dumps({"times": times, "output": output, "code": code}))
