"""Write docs/plan.schema.json from the document itself: `python -m controller.plan.schema`."""

import json

from controller.plan.document import Plan
from controller.pyinfra import ROOT

FILE = ROOT / "docs" / "plan.schema.json"


def render() -> str:
    """The JSON schema (draft 2020-12) of what `twinmx plan --json` prints."""
    schema = Plan.model_json_schema(mode="serialization")
    return (
        json.dumps(schema | {"title": "What `twinmx plan --json` prints"}, indent=1, ensure_ascii=False)
        + "\n"
    )


if __name__ == "__main__":
    FILE.write_text(render())
