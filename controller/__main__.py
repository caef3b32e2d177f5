"""`python -m controller`, which bin/twinmx calls: the command line of the controller."""

from controller.cli import app
from inventory.masking import mask_output

mask_output()
app(prog_name="twinmx")
