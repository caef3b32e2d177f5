"""What people see of a drill: a page of each run, a page of a pair, PNGs, the index of all runs, tables.

Everything is made from `Record`s alone, so a report can be made anew long after the run. A page is one file
that needs nothing but itself: it is mailed, printed, and pasted into post-mortems. Nothing else imports
matplotlib.
"""

from drills.lib.report.index import write_index
from drills.lib.report.page import write, write_pair
from drills.lib.report.place import place
from drills.lib.report.plots import png, png_pair
from drills.lib.report.table import markdown, table

__all__ = ["markdown", "place", "png", "png_pair", "table", "write", "write_index", "write_pair"]
