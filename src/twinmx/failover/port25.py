"""Port 25 closed to the world for a time, by a table of our own in the kernel's packet filter.

New connections are refused at once (a sender then goes on to the next MX); sessions under way go on, and so
do the exchangers, whose canaries show when the host is well again. The set's element has a timeout, so that
the port opens by itself when nobody renews it (nft(8), SETS). The table of the firewall role stays as it is.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

TABLE = "twinmx_drain"
NFT_SECONDS = 3.0
_OPEN = f"destroy table inet {TABLE}\n"
_CLOSED = """table inet {table} {{
  set closed {{ type inet_service; flags timeout; elements = {{ 25 timeout {milliseconds}ms }} }}
  set exempt4 {{ type ipv4_addr; {exempt4} }}
  set exempt6 {{ type ipv6_addr; {exempt6} }}
  chain input {{
    type filter hook input priority filter - 1; policy accept;
    iif lo accept
    ip saddr @exempt4 accept
    ip6 saddr @exempt6 accept
    ct state new tcp dport @closed reject with tcp reset
  }}
}}
"""


class PortError(Exception):
    """The packet filter cannot be changed."""


def rules(seconds: float | None, exempt: Iterable[IPv4Address | IPv6Address]) -> str:
    """What `nft -f -` is given: port 25 closed for `seconds`, or open with None. One transaction."""
    if seconds is None:
        return _OPEN
    addresses = sorted(set(exempt), key=str)
    elements = {
        version: ", ".join(str(address) for address in addresses if address.version == version)
        for version in (4, 6)
    }
    sets = {
        f"exempt{version}": f"elements = {{ {listed} }}" if listed else ""
        for version, listed in elements.items()
    }
    return _OPEN + _CLOSED.format(table=TABLE, milliseconds=max(1, int(seconds * 1000)), **sets)


async def apply(seconds: float | None, exempt: Iterable[IPv4Address | IPv6Address]) -> None:
    """Close port 25 for `seconds`, or open it with None; raises `PortError`."""
    try:
        process = await asyncio.create_subprocess_exec(
            "nft",
            "-f",
            "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise PortError(f"nft: {error.strerror}") from error
    try:
        async with asyncio.timeout(NFT_SECONDS):
            _, errors = await process.communicate(rules(seconds, exempt).encode())
    except TimeoutError:
        raise PortError(f"nft took more than {NFT_SECONDS:g} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise PortError(f"nft: {errors.decode(errors='replace').strip()[:300]}")
