import shutil
from pathlib import Path

from lab.image import CONTEXT, tag_of


def test_the_tag_follows_every_input(tmp_path: Path) -> None:
    context = tmp_path / "image"
    shutil.copytree(CONTEXT, context)
    tags = {tag_of(context, None), tag_of(context, "debian:trixie")}

    (context / "rootfs" / "extra").write_text("x")
    tags.add(tag_of(context, None))
    (context / "rootfs" / "extra").write_text("y")
    tags.add(tag_of(context, None))
    (context / "rootfs" / "extra").rename(context / "rootfs" / "other")
    tags.add(tag_of(context, None))

    assert len(tags) == 5


def test_the_same_inputs_give_the_same_tag(tmp_path: Path) -> None:
    shutil.copytree(CONTEXT, tmp_path / "image")

    assert tag_of(tmp_path / "image", None) == tag_of(CONTEXT, None)
