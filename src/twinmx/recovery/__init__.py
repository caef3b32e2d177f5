"""What the controller has a host do when mail or state must outlive a host: save, restore, hand over, adopt.

`python -m twinmx.recovery` is called over SSH by `twinmx backup`, `restore`, `evacuate` and `adopt-queue`
(controller/recovery), never by a person.
"""
