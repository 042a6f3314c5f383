"""What all parts of the image's test use: cards, the disk of the tests, where it all is kept, and who judges."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from guest import Guest, raspi3b, virt

MIB = 1 << 20
# Of cross/image/assemble.py and scripts/image.sh: where the partition with the settings begins.
BOOT_AT = MIB
# An emulated processor on a busy machine is slow; a machine that hangs is found out by these, too late rather than falsely.
BOOT_S = 1200
KIOSK_S = 900

SLOTS = "/usr/lib/apparent/slots"
STATUS = "systemctl show -p StatusText --value apparent"
A_FACE = "camera good, [1-9][0-9]* faces"


class Judge:
    """Says of each expectation whether it was met."""

    def __init__(self):
        self.passed = self.failed = 0

    def expect(self, what, is_so, seen=""):
        self.passed, self.failed = self.passed + bool(is_so), self.failed + (not is_so)
        print(f"{'ok  ' if is_so else 'FAIL'} {what}{f': {seen}' if seen != '' else ''}", flush=True)


class Bench:
    """Makes cards and starts machines from them. `options` are those of test.py."""

    def __init__(self, options):
        self.options, self.out, self.judge, self.guest = options, Path(options.out), Judge(), None
        self.updates = Path(options.updates)

    def card(self, name, settings=(), size_mib=2048):
        """A fresh copy of the image, as large as a small card, with these lines of apparent.txt changed."""
        card = self.out / f"{name}.card"
        copy(self.options.image, card)
        os.truncate(card, size_mib * MIB)
        self.set(card, {"serial_shell": "on", **dict(settings)})
        return card

    def set(self, card, settings):
        """Changes apparent.txt, as somebody does with the card in another machine."""
        where = f"{card}@@{BOOT_AT}"
        text = subprocess.run(["mtype", "-i", where, "::/apparent.txt"], check=True, capture_output=True, text=True).stdout
        for key, value in settings.items():
            text, count = re.subn(rf"(?m)^{key} =.*$", f"{key} = {value}", text)
            if count != 1:
                sys.exit(f"apparent.txt has no '{key}'")
        changed = self.out / "apparent.txt"
        changed.write_text(text)
        subprocess.run(["mcopy", "-o", "-i", where, changed, "::/apparent.txt"], check=True)

    def add(self, card, file, path):
        """Puts a file beside the settings."""
        subprocess.run(["mcopy", "-o", "-i", f"{card}@@{BOOT_AT}", file, f"::{path}"], check=True)

    def trusting_card(self, name):
        """A card whose owner trusts who signed the updates."""
        card = self.card(name)
        self.add(card, self.updates / "test.pub", "/keys/test.pub")
        return card

    def start(self, card, name, *extra, machine=virt):
        """The machine, once its shell answers; the disk of the tests is at /mnt, that of the updates, if any, at /tmp/in."""
        guest = self.begin(card, name, *extra, machine=machine)
        guest.wait_for_shell(BOOT_S)
        mount_disks(guest)
        return guest

    def begin(self, card, name, *extra, resume=None, machine=virt):
        """The machine, just switched on, or going on where it was saved in the file `resume`."""
        disks = []
        for disk, file in (("disk", Path(self.options.disk)), ("updates", self.updates / "updates.squashfs")):
            if file.exists() and machine is not raspi3b:
                disks += ["-drive", f"if=none,id={disk},format=raw,readonly=on,file={file}"]
                disks += ["-device", f"virtio-blk-pci,drive={disk}"]
        self.guest = Guest(self.options, card, name, [*disks, *extra], resume, machine)
        return self.guest


def copy(file, to):
    """A copy that has the holes of what it is a copy of."""
    subprocess.run(["cp", "--sparse=always", file, to], check=True)


def stick(file):
    """The options of a machine with a USB socket, and with FILE to be plugged into it by plug_in()."""
    return ["-device", "qemu-xhci,id=usb", "-drive", f"if=none,id=stick,format=raw,readonly=on,file={file}"]


def plug_in(guest):
    """Plugs the stick in."""
    guest.command("device_add", driver="usb-storage", bus="usb.0", drive="stick", id="plugged")


def mount_disks(guest):
    """Of the tests at /mnt, of the updates at /tmp/in. A Raspberry Pi has the first one in the slot that does not run."""
    guest.run("disk=/dev/vdb; [ -e $disk ] || disk=/dev/mmcblk0p3; mount -o ro $disk /mnt; mkdir -p /tmp/in; "
              "[ ! -e /dev/vdc ] || mount -o ro /dev/vdc /tmp/in")


def status_has(guest, words, limit_s=KIOSK_S):
    """The kiosk's status once it has these words in it, else None."""
    return guest.until(f"{STATUS} | grep -E '{words}'", limit_s)


def judge_face(bench, guest, what):
    """Whether the kiosk sees a face, or gets to."""
    seen = status_has(guest, A_FACE)
    bench.judge.expect(what, seen, seen or guest.run(STATUS))
    return seen


def judge_screen(bench, guest, name, limit_s=120, share=0.01):
    """Keeps the screen once a face's figures are on it: of the panel, so much is the chart."""
    end = time.monotonic() + limit_s
    while not (labelled := has_figures(*guest.shot(name), share)) and time.monotonic() < end:
        time.sleep(2)
    bench.judge.expect(f"the screen shows what the face looks like ({name}.png, to be looked at)", labelled)


def has_figures(width, height, rgb, share):
    """Whether the panel on the right has a chart, which is drawn in orange; a notice's bar is far smaller. QEMU shows red and
    blue of its Raspberry Pi 3 the wrong way round."""
    panel = [rgb[3 * (y * width + x):3 * (y * width + x) + 3] for y in range(0, height, 2) for x in range(5 * width // 8, width, 2)]
    orange = sum(min(r, b) < 100 < 140 < g < 210 < max(r, b) for r, g, b in panel)
    return orange > share * len(panel)
