import json
import subprocess
import sys

from controller.pyinfra import ROOT

# A command that leaves a process behind, which has used 0.3 s of the processor, and lives.
LEAVES = """
import os, signal, time
ready, tell = os.pipe()
if os.fork() == 0:
    while time.process_time() < 0.3: pass
    os.write(tell, b'x')
    os.closerange(0, 3)
    signal.pause()
os.read(ready, 1)
"""
MEASURES = f"""
import json, sys
from bench.noop import _living, adopt_orphans, end_orphans, timed
adopt_orphans()
_, cpu, done = timed([sys.executable, '-c', {LEAVES!r}])
left = len(_living())
_, later, _ = timed(['true'])
end_orphans()
print(json.dumps([done.returncode, cpu, left, later, len(_living())]))
"""


def test_a_process_that_outlives_the_command_counts_and_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURES], cwd=ROOT, capture_output=True, text=True, check=True
    )

    status, cpu, left, later, at_the_end = json.loads(done.stdout)

    assert (status, left, at_the_end) == (0, 1, 0)
    assert cpu >= 0.29
    assert later < 0.2
