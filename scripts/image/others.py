"""The kiosk on other ground: in an image of Raspberry Pi OS, and on what QEMU knows of a Raspberry Pi 3."""

import struct
import subprocess
from pathlib import Path

from bench import BOOT_AT, KIOSK_S, copy, judge_face, judge_screen, plug_in, stick
from bundles import used, wait_for_version
from guest import raspi3b, virt_by


def rpios(bench):
    """What scripts/image.sh has made of what stands in for Raspberry Pi OS: its package is configured at the first start,
    settings hold, and a stick is taken."""
    expect, options = bench.judge.expect, bench.options
    card = bench.out / "rpios.card"
    copy(options.rpios, card)
    for name in ("kernel8.img", "initramfs8", "cmdline.txt"):
        subprocess.run(["mcopy", "-o", "-i", f"{card}@@{BOOT_AT}", f"::/{name}", bench.out], check=True)
    machine = virt_by(bench.out / "kernel8.img", bench.out / "initramfs8", (bench.out / "cmdline.txt").read_text().strip())
    bench.set(card, {"language": "de"})
    bench.add(card, bench.updates / "test.pub", "/keys/test.pub")
    guest = bench.start(card, "rpios", *stick(bench.updates / "bundles.img"), machine=machine)
    guest.run("/mnt/camera face.yuyv")
    said = guest.until("dpkg-query -W -f '${Status}' apparent | grep 'ok installed'", KIOSK_S)
    expect("the package is configured at the first start", said, said or guest.run(
        "journalctl -b -u apparent-configure --no-pager -n 20; dpkg-query -W -f '${Status}' apparent"))
    judge_face(bench, guest, "the kiosk starts by itself and sees a face")
    judge_screen(bench, guest, "rpios")
    language = guest.run("grep language /etc/apparent/kiosk.toml")
    expect("the language on the card holds", language == "language = 'de'", language)
    failed = guest.run("systemctl list-units --state=failed --no-legend --plain 'apparent*'; true")
    expect("none of its services has failed", not failed, failed)
    changed = guest.ask("dpkg --verify apparent; dpkg --audit apparent")[1]
    expect("dpkg finds the package whole, but for the settings", changed == "??5?????? c /etc/apparent/kiosk.toml", changed)
    plug_in(guest)
    wait_for_version(guest, 5)
    expect("a bundle on a stick is installed by itself", used(guest, "compact") == "version 5, signed by card-test",
           used(guest, "compact"))
    guest.power_off()
    guest = bench.start(card, "rpios", machine=machine)
    guest.run("/mnt/camera face.yuyv")
    judge_face(bench, guest, "the kiosk starts by itself the next time, too")
    expect("and the package is left alone", guest.run("systemctl show -p ConditionResult --value apparent-configure") == "no"
           and "language = 'de'" in guest.run("cat /etc/apparent/kiosk.toml"))
    guest.power_off()


def raspberry_3(bench):
    """The image on QEMU's Raspberry Pi 3: U-Boot, GRUB and the board's own drivers, up to a face on its framebuffer."""
    card = bench.card("raspi3b")
    # A board's firmware hands the tree to U-Boot, which else looks for it there. Without the watchdog: QEMU's bites as soon
    # as it is wound up (hw/misc/bcm2835_powermgt.c).
    tree = bench.out / "bcm2837-rpi-3-b.dtb"
    tree.write_bytes(Path(bench.options.device_tree).read_bytes().replace(b"brcm,bcm2835-pm", b"none,bcm2835-pm"))
    subprocess.run(["mmd", "-i", f"{card}@@{BOOT_AT}", "::/broadcom"], check=True)
    bench.add(card, tree, f"/broadcom/{tree.name}")
    # Linux finds nothing on QEMU's USB there: the disk of the tests lies in the slot that does not run.
    with card.open("r+b") as slots:
        # Of the third partition in the card's table, the first sector.
        slots.seek(512 * struct.unpack_from("<I", slots.read(512), 446 + 2 * 16 + 8)[0])
        slots.write(Path(bench.options.disk).read_bytes())
    guest = bench.start(card, "raspi3b", machine=raspi3b)
    model = guest.run("tr -d '\\0' </proc/device-tree/model")
    bench.judge.expect("a Raspberry Pi 3 as QEMU knows it starts the image", model.startswith("Raspberry Pi 3"),
                       f"{model}, shell {guest.seconds():.0f} s after power-on")
    guest.run("/mnt/camera face.yuyv")
    judge_face(bench, guest, "the kiosk sees a face there")
    judge_screen(bench, guest, "raspi3b")
    guest.power_off()
