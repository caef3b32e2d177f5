"""The lab hosts' image: a minimal Debian 13 server, made on this machine or from an image that is named.

Its tag is a hash of everything it is made from, so a changed input gives a new image and an unchanged
one costs nothing.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

from lab.command import attempt
from lab.engine import docker, install
from lab.errors import LabError
from lab.settings import IMAGE, LABEL, ROOT, base_image

CONTEXT = ROOT / "lab" / "image"
RELEASE = "trixie"
BOOTSTRAP = [
    "mmdebstrap",
    "--variant=minbase",
    "--include=ca-certificates",
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # mmdebstrap copies these from the machine it runs on
    '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
    RELEASE,
    "-",
]


def _inputs(context: Path) -> list[bytes]:
    files = sorted(path for path in context.rglob("*") if path.is_file())
    return [part for path in files for part in (str(path.relative_to(context)).encode(), path.read_bytes())]


def tag_of(context: Path, base: str | None) -> str:
    """The image's name and tag, from the build context and what it starts from."""
    digest = hashlib.sha256()
    for part in (base or "\n".join(BOOTSTRAP)).encode(), *_inputs(context):
        digest.update(len(part).to_bytes(8, "big") + part)
    return f"{IMAGE}:{digest.hexdigest()[:12]}"


def current() -> str:
    """The tag of the image that the present inputs make."""
    return tag_of(CONTEXT, base_image())


def bootstrapped() -> str:
    """The tag of the minimal Debian that the image is made from where no other is named."""
    return f"{IMAGE}-base:{hashlib.sha256(repr(BOOTSTRAP).encode()).hexdigest()[:12]}"


def exists(tag: str) -> bool:
    """Whether the engine has this image."""
    return attempt(["docker", "image", "inspect", tag]).returncode == 0


def _bootstrap(tag: str) -> None:
    """Pipe a minimal Debian into `docker import`, under `tag`."""
    if shutil.which("mmdebstrap") is None:
        install(["mmdebstrap"])
    source = subprocess.Popen(BOOTSTRAP, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if source.stdout is None or source.stderr is None:
        raise LabError("mmdebstrap was started without pipes")
    target = subprocess.Popen(
        ["docker", "import", "--change", f"LABEL {LABEL}=base", "-", tag],
        stdin=source.stdout,
        stdout=subprocess.DEVNULL,
    )
    source.stdout.close()
    said = source.stderr.read().decode(errors="replace")
    if source.wait() or target.wait():
        tail = "\n".join(said.strip().splitlines()[-15:])
        raise LabError(
            f"mmdebstrap of Debian {RELEASE} failed:\n{tail}",
            "the machine must reach a Debian mirror, or TWINMX_IMAGE must name a Debian 13 image",
        )


def build(tag: str) -> None:
    """Make the image `tag`; a minute when it is bootstrapped. Raises LabError with the builder's words."""
    base = base_image() or bootstrapped()
    if base == bootstrapped() and not exists(base):
        _bootstrap(base)
    arguments = ["build", "-q", "--label", f"{LABEL}=image", "--build-arg", f"BASE={base}"]
    docker(*arguments, "-t", tag, str(CONTEXT))


def remove_others(*kept: str) -> None:
    """Remove the lab's images but for `kept` and what those stand on; one that is in use stays."""
    listed = docker("images", "--filter", f"label={LABEL}", "--format", "{{.Repository}}:{{.Tag}}")
    for tag in listed.split():
        if tag not in kept:
            attempt(["docker", "image", "rm", tag])
