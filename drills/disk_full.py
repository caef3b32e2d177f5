"""The disk under the queue of an exchanger is full.

On 29 August 2023 all of Toyota's plants in Japan stood, for want of disk space on the servers that take
orders, and on those that should have stood in for them: The Guardian, "Toyota blames factory shutdown in
Japan on 'insufficient disk space'". Postfix foresees it: below `queue_minfree` it puts off new mail
(postconf(5)), and senders try the next exchanger.

The inbound queue of the first exchanger is put on a small file system, and a filler takes whatever is freed
there. The move costs a restart of Postfix, at the begin and at the end.
"""

from drills.lib.model import Drill, Fault, Holds, Where

SPOOL = "/var/spool/postfix"
SMALL = "/mnt/drill"
MOVED = "/var/lib/drill-queue-moved"
FILLER = "drill-filler.service"
MEGABYTES = 200
"""More than `queue_minfree`, below which Postfix refuses before the disk is full."""

RESTART_SLOTS = 160
"""Deliveries to forwarders and around postfix-out that a restart of both instances can interrupt."""

RELEASE = """release() {
  for attempt in $(seq 20); do
    mountpoint -q "$1" || return 0
    umount "$1" || sleep 0.5
  done
  return 1
}"""
FILL = (
    f"while :; do dd if=/dev/zero bs=64k oflag=append conv=notrunc of={SMALL}/filler 2>/dev/null; "
    "sleep 1; done"
)
BEGIN = f"""systemctl stop postfix.service
mkdir -p {SMALL}
mount -t tmpfs -o size={MEGABYTES}m drill {SMALL}
cp -a {SPOOL}/. {SMALL}/
touch {MOVED}
mount --bind {SMALL} {SPOOL}
systemctl start postfix@out.service postfix.service
systemd-run --quiet --collect --unit {FILLER} sh -c '{FILL}'"""
END = f"""{RELEASE}
systemctl stop {FILLER} 2>/dev/null || true
rm -f {SMALL}/filler
if test -e {MOVED} && mountpoint -q {SMALL}; then
  systemctl stop postfix.service
  release {SPOOL}
  find {SPOOL} -mindepth 1 -delete
  cp -a {SMALL}/. {SPOOL}/
fi
rm -f {MOVED}
release {SMALL}
rmdir {SMALL} 2>/dev/null || true
systemctl start postfix@out.service postfix.service"""

DRILL = Drill(
    name="disk-full",
    says="No byte is left under the inbound queue of the first exchanger.",
    replays=(
        "The Guardian, “Toyota blames factory shutdown in Japan on 'insufficient disk space'”, 2023-09-06: "
        "https://www.theguardian.com/business/2023/sep/06/"
        "toyota-blames-factory-shutdown-in-japan-on-insufficient-disk-space"
    ),
    faults=(Fault(Where.FIRST, BEGIN, END, f"df --output=pcent {SPOOL} | grep -Eq '(99|100)%'"),),
    holds=Holds(
        p99=5.0,
        alerts=("DiskFull",),
        act="drain mx1",
        slots=2 * RESTART_SLOTS,
    ),
)
