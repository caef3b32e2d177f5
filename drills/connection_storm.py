"""Thirty times the usual number of connections, which are held and say nothing.

What a botnet does, or a large sender with a full queue; Postfix's STRESS_README describes it: as soon as
all server processes are busy, new clients wait for a greeting until an old one is timed out.

300 connections from 15 addresses, ten of each to each exchanger, below the 50 that Postfix allows one
address. They are opened over six seconds (all at once, and the kernel's SYN cookies would lose a part of
them) and opened again where the exchanger closes one. The addresses are the lab bridge's for the time of
the drill; the program ends by itself after a quarter of an hour.
"""

import shlex

from drills.lib.model import Drill, Fault, Holds, Where

PROGRAM = """
import asyncio
from contextlib import suppress

EXCHANGERS = ("198.51.100.11", "198.51.100.12")
SOURCES = [f"198.51.100.{last}" for last in range(192, 207)]


async def hold(exchanger, source, begin):
    await asyncio.sleep(begin)
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(exchanger, 25, local_addr=(source, 0))
            with suppress(OSError):
                while await reader.read(1024):
                    pass
            writer.close()
        await asyncio.sleep(1)


async def main():
    ends = [(exchanger, source) for _ in range(10) for source in SOURCES for exchanger in EXCHANGERS]
    holding = [hold(*pair, number / 50) for number, pair in enumerate(ends)]
    with suppress(TimeoutError):
        async with asyncio.timeout(900):
            await asyncio.gather(*holding)


asyncio.run(main())
"""
PID = "build/drills/connection-storm.pid"
SOURCES = "for last in $(seq 192 206); do ip address {} 198.51.100.$last/32 dev twinmx0{}; done"
BEGIN = f"""mkdir -p build/drills
{SOURCES.format("replace", "")}
setsid python3 -c {shlex.quote(PROGRAM)} </dev/null >/dev/null 2>&1 &
echo $! >{PID}"""
END = f"""if test -e {PID}; then
  pid=$(cat {PID})
  if grep -qs open_connection /proc/$pid/cmdline; then kill $pid; fi
  rm {PID}
fi
{SOURCES.format("delete", " 2>/dev/null || true")}"""
OPEN = "ss -Htn state established src 198.51.100.192/28 dport = :25 | wc -l"

DRILL = Drill(
    name="connection-storm",
    says="300 connections are held open and idle, 150 to each exchanger.",
    replays="Postfix, “Postfix Stress-Dependent Configuration”: https://www.postfix.org/STRESS_README.html",
    faults=(Fault(Where.CONTROLLER, BEGIN, END, f'test "$({OPEN})" -ge 250'),),
    holds=Holds(p99=5.0, longest=30.0),
)
