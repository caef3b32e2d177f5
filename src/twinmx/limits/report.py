"""Read the statistics back: who received how much of late."""

from collections import Counter
from typing import Any, NamedTuple

from valkey.asyncio import Valkey

from twinmx.limits.statistics import RECEIVED, REFUSED, Kind, bucket


class Row(NamedTuple):
    """Messages that came for one name: accepted, and refused by a limit."""

    name: str
    received: int
    refused: int

    @property
    def messages(self) -> int:
        """All that came."""
        return self.received + self.refused


class Top(NamedTuple):
    """The names with most messages, the most first; `total` is of all names, `rest` of those not kept."""

    rows: list[Row]
    total: Row
    rest: Row

    def share(self, row: Row) -> float:
        """How much of all messages came for `row`, from 0 to 1."""
        return row.messages / self.total.messages if self.total.messages else 0.0


async def read(client: Valkey, kind: Kind, minutes: int, now: int) -> Counter[str]:
    """The added fields of the minute `now` and of the `minutes` before it; raises what the client raises."""
    async with client.pipeline(transaction=False) as pipeline:
        for minute in range(now - minutes, now + 1):
            pipeline.hgetall(bucket(kind, minute))
        hashes: list[dict[bytes, bytes]] = await pipeline.execute()
    added: Counter[str] = Counter()
    for fields in hashes:
        for field, number in fields.items():
            added[field.decode("utf-8", "replace")] += int(number)
    return added


def top(added: Counter[str], most: int) -> Top:
    """The `most` names with most messages among `added`."""
    names = {field[1:] for field in added} - {""}
    rows = [row_of(name, added) for name in names]
    rows.sort(key=lambda row: (-row.messages, row.name))
    return Top(
        [row for row in rows if row.messages > 0][:most],
        Row("", *(_sum(added, mark) for mark in (RECEIVED, REFUSED))),
        row_of("", added),
    )


def row_of(name: str, added: Counter[str]) -> Row:
    """What `added` says of one name."""
    return Row(name, max(0, added[RECEIVED + name]), max(0, added[REFUSED + name]))


def _sum(added: Counter[str], mark: str) -> int:
    return max(0, sum(number for field, number in added.items() if field.startswith(mark)))


def as_json(found: Top) -> dict[str, Any]:
    """The same for programs."""
    return {
        "total": _numbers(found.total),
        "rest": _numbers(found.rest),
        "rows": [
            {"name": row.name, **_numbers(row), "share": round(found.share(row), 4)} for row in found.rows
        ],
    }


def _numbers(row: Row) -> dict[str, int]:
    return {"received": row.received, "refused": row.refused}
