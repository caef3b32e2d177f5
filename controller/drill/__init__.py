"""`twinmx drill`: a harmless drill where real mail flows, which ends whatever becomes of this command.

Three ends stand one behind the other: this process, which ends the drill at any error or signal; a second
one on the controller, which does so where the first has died; and on the hosts the unit that holds the
fault, which ends it at its time limit though nobody asks.
"""
