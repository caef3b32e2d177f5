"""What is refused in an exchange's facts: each mistake with file and line, key, value and what is allowed."""

import pytest

from inventory.load import InventoryError, load_exchange
from tests.unit.inventory.bad_facts import TABLE
from tests.unit.inventory.bad_facts.row import ENGINES, Bad
from tests.unit.inventory.files import Files, line_of, spoil


@pytest.mark.parametrize("bad", TABLE.values(), ids=TABLE.keys())
def test_a_mistake_is_told_with_its_line(files: Files, bad: Bad) -> None:
    spoil(files.facts, bad.good, bad.bad)

    with pytest.raises(InventoryError) as refused:
        load_exchange(files.facts)

    where = f"{files.facts}:{line_of(files.facts, bad.at)}: "
    told = [line for line in str(refused.value).splitlines() if line.startswith(where)]
    assert any(bad.says in line for line in told), f"{where}{bad.says}\nis not in:\n{refused.value}"


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        (
            "domains: [alias.example, masked.example]\n",
            "",
            "domains: missing; allowed: a list of one or more",
        ),
        (
            "access:\n  ssh_from: [198.51.100.0/24]\n",
            "",
            "access: missing; allowed: a mapping with the keys ssh_from",
        ),
        ("workers: 3", "workers: 2026-13-45", "not YAML: month must be in 1..12"),
        ("forwarder:", "forwarder: &own\n  again: *own", "an alias (*name) stands inside its own anchor"),
    ],
    ids=["no domains", "no access", "no date", "anchor inside itself"],
)
def test_a_mistake_without_a_line_is_told_with_its_file(files: Files, good: str, bad: str, says: str) -> None:
    spoil(files.facts, good, bad)

    with pytest.raises(InventoryError) as refused:
        load_exchange(files.facts)

    assert str(refused.value).startswith(f"{files.facts}: {says}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; it holds the facts of an exchange"),
        (b"# nothing yet\n", "is empty; it holds the facts of an exchange"),
        (b"- mx1\n- mx2\n", "the file: ['mx1', 'mx2']; allowed: a mapping with the keys domains, exchangers"),
        (b"mx1", "the file: 'mx1'; allowed: a mapping with the keys domains, exchangers"),
        (b"domains: [\xff]\n", "not UTF-8; allowed: YAML in UTF-8"),
    ],
    ids=["empty", "comment alone", "list", "text", "Latin-1"],
)
def test_a_file_of_another_kind_is_refused(files: Files, content: bytes, says: str) -> None:
    files.facts.write_bytes(content)

    with pytest.raises(InventoryError) as refused:
        load_exchange(files.facts)

    assert str(refused.value).startswith(f"{files.facts}: {says}")


def test_a_missing_file_is_told_with_what_it_holds(files: Files) -> None:
    files.facts.unlink()

    with pytest.raises(
        InventoryError, match=r"exchange\.yml: cannot be read: No such file or directory; it holds"
    ):
        load_exchange(files.facts)


def test_a_folder_is_no_file(files: Files) -> None:
    with pytest.raises(InventoryError, match="cannot be read: Is a directory"):
        load_exchange(files.facts.parent)


def test_an_exchange_without_an_active_exchanger_is_refused(files: Files) -> None:
    text = files.facts.read_text().replace("    mx_priority:", "    active: false\n    mx_priority:")
    files.facts.write_text(text)

    with pytest.raises(InventoryError) as refused:
        load_exchange(files.facts)

    line = line_of(files.facts, "exchangers:")
    rule = "exchangers: none of mx1, mx2 is active; allowed: at least one active exchanger"
    assert f"{files.facts}:{line}: {rule}" in str(refused.value)


def test_all_mistakes_are_told_at_once(files: Files) -> None:
    spoil(files.facts, "workers: 3", "workers: 0")
    spoil(files.facts, "answer: 550", "answer: 250")
    spoil(files.facts, "ttl: 300", "ttll: 300")

    with pytest.raises(InventoryError) as refused:
        load_exchange(files.facts)

    told = str(refused.value).splitlines()
    assert [line.split(": ")[1] for line in told] == ["forwarder.workers", "rate_limits.answer", "dns.ttll"]


def test_a_wrong_entry_does_not_make_its_list_too_short_as_well(files: Files) -> None:
    spoil(files.facts, ENGINES, "[clamav]")

    with pytest.raises(InventoryError) as refused:
        load_exchange(files.facts)

    assert len(str(refused.value).splitlines()) == 1
