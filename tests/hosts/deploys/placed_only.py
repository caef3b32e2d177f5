"""A converge of the programs that ended between their files and their restart."""

from roles import forwarder, gate
from roles.lib.files import checked_files
from roles.lib.site import this_site

checked_files("forwarder", forwarder.render_files(this_site()))
checked_files("gate", gate.render_files(this_site()))
