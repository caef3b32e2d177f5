"""Units of roles: loaded from where they shall be, active, started at boot, as they were when loaded."""

from collections.abc import Collection, Iterator, Mapping

from twinmx.drift.asking import owned, run
from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest, Unit

SHOWN = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,FragmentPath,DropInPaths"
GENERATED = "/run/systemd/generator"

Properties = Mapping[str, str]


def check(manifest: Manifest) -> Iterator[Finding]:
    """What is not as it shall be."""
    text = run("systemctl", "show", "--property", SHOWN, "--", *manifest.units) if manifest.units else ""
    seen = parse_show(text)
    sources = {path for properties in seen.values() for path in files_of(properties)}
    unknown = {path for path in sources - manifest.files.keys() if not path.startswith(GENERATED)}
    yield from judge(manifest, seen, unknown - owned(sorted(unknown)))


def parse_show(text: str) -> dict[str, dict[str, str]]:
    """The answer of `systemctl show` by unit."""
    found = {}
    for block in text.strip().split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in properties:
            found[properties["Id"]] = properties
    return found


def files_of(properties: Properties) -> list[str]:
    """Where a unit was loaded from, and its drop-ins."""
    paths = [properties.get("FragmentPath", ""), *properties.get("DropInPaths", "").split()]
    return [path for path in paths if path]


def judge(manifest: Manifest, seen: Mapping[str, Properties], strange: Collection[str]) -> Iterator[Finding]:
    """strange: files of units that neither the manifest nor a package has."""
    for name, wanted in manifest.units.items():
        for problem in _problems(wanted, seen.get(name, {})):
            yield Finding(kind="unit", name=name, problem=problem)
    for path in sorted(strange):
        of = sorted(name for name, properties in seen.items() if path in files_of(properties))
        yield Finding(kind="unit", name=path, problem=f"not ours, and {', '.join(of)} is loaded from it")


def _problems(wanted: Unit, found: Properties) -> Iterator[str]:
    load, active = found.get("LoadState", "not-found"), found.get("ActiveState", "inactive")
    if load != "loaded":
        yield f"it is {load}"
        return
    if wanted.active and active != "active":
        yield f"it is {active}"
    if wanted.at_boot and found.get("UnitFileState") != "enabled":
        yield f"it does not start at boot: {found.get('UnitFileState') or 'no file'}"
    if found.get("NeedDaemonReload") == "yes":
        yield "its files were changed after it was loaded"
