"""A converge of the forwarder that ended between its files and its restart."""

from roles import forwarder
from roles.lib.files import checked_files
from roles.lib.site import this_site

checked_files("forwarder", forwarder.render_files(this_site()))
