"""Starts an image as a whole machine under QEMU, and judges what it does: the part of scripts/test-image.sh that runs and
tells. Standard library only."""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

from guest import Dead, Guest

MIB = 1 << 20
# Of cross/image/assemble.py and scripts/image.sh: where the partition with the settings begins.
BOOT_AT = MIB
# An emulated processor on a busy machine is slow; a machine that hangs is found out by these, too late rather than falsely.
BOOT_S = 1200
KIOSK_S = 900


def parse():
    parser = argparse.ArgumentParser()
    for name in ("qemu", "uefi", "out", "image", "disk", "updates"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--kiosk", help="the kiosk of this machine, whose answers are compared")
    parser.add_argument("--cuts", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("parts", nargs="*")
    return parser.parse_args()


class Judge:
    """Says of each expectation whether it was met."""

    def __init__(self):
        self.passed = self.failed = 0

    def expect(self, what, is_so, seen=""):
        self.passed, self.failed = self.passed + bool(is_so), self.failed + (not is_so)
        print(f"{'ok  ' if is_so else 'FAIL'} {what}{f': {seen}' if seen != '' else ''}", flush=True)


class Bench:
    """What all parts use: cards, the disk of the tests, and where it all is kept."""

    def __init__(self, options):
        self.options, self.out, self.judge, self.guest = options, Path(options.out), Judge(), None

    def card(self, name, settings=(), size_mib=2048):
        """A fresh copy of the image, as large as a small card, with these lines of apparent.txt changed."""
        card = self.out / f"{name}.card"
        subprocess.run(["cp", "--sparse=always", self.options.image, card], check=True)
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

    def start(self, card, name, *extra):
        """The machine, once its shell answers; the disk of the tests is at /mnt."""
        guest = self.begin(card, name, *extra)
        guest.wait_for_shell(BOOT_S)
        guest.run("mount -o ro /dev/vdb /mnt")
        return guest

    def begin(self, card, name, *extra, memory_mib=1024):
        disk = ["-drive", f"if=none,id=disk,format=raw,readonly=on,file={self.options.disk}"]
        disk += ["-device", "virtio-blk-pci,drive=disk"]
        self.guest = Guest(self.options, card, name, [*disk, *extra], memory_mib)
        return self.guest


STATUS = "systemctl show -p StatusText --value apparent"


def status_has(guest, words, limit_s=KIOSK_S):
    """The kiosk's status once it has these words in it, else None."""
    return guest.until(f"{STATUS} | grep -E '{words}'", limit_s)


def uptime_s(guest):
    return float(guest.run("cut -d' ' -f1 /proc/uptime"))


def first_start(bench):
    """A card that was just written: the kiosk comes up by itself, sees somebody, and lives through what happens to cameras."""
    expect = bench.judge.expect
    card = bench.card("first")
    guest = bench.start(card, "first")
    up = uptime_s(guest)
    guest.run("/mnt/camera face.yuyv")
    expect("a card that was just written starts", True, f"shell {up:.0f} s after the kernel, {guest.seconds():.0f} s after power-on")
    seen = status_has(guest, "camera good, [1-9][0-9]* faces")
    expect("the kiosk starts by itself and sees a face", seen, seen or guest.run(STATUS))
    first = guest.run("journalctl -b -u apparent -o short-monotonic --no-pager | tail -n 20; true")
    print(f"     first labelled face within {uptime_s(guest):.0f} s of the kernel, {guest.seconds():.0f} s of power-on "
          "(both of an emulated processor that shares this machine)")
    (bench.out / "first.journal").write_text(guest.run("journalctl -b --no-pager -o short-monotonic"))
    if not seen:
        print(first)
    time.sleep(10)
    judge_screen(bench, guest, "face")
    failed = guest.run("systemctl --failed --no-legend --plain; true")
    expect("no service has failed", not failed, failed)
    expect("the root is read-only", guest.ask("touch /x")[0] != 0 and guest.ask("touch /etc/x")[0] != 0)
    size = int(guest.run("df -P -m /data | awk 'NR == 2 { print $2 }'"))
    expect("the data have grown to fill the card", size > 1600, f"{size} MiB of a card of 2048")
    expect("there is no network and nobody listens",
           guest.run("ls /sys/class/net") == "lo" and not guest.run("ss -lntuH; true"))
    cameras(bench, guest)
    same_answer(bench, guest)
    guest.power_off()
    return card


def judge_screen(bench, guest, name):
    width, height, rgb = guest.shot(name)
    colours = len({rgb[at:at + 3] for at in range(0, len(rgb), 3 * 17)})
    bench.judge.expect(f"the screen shows a picture ({name}.png, to be looked at)", colours > 500,
                       f"{width}x{height}, {colours} colours")


def cameras(bench, guest):
    """Pulled out and plugged in again."""
    guest.run("/mnt/camera off")
    lost = status_has(guest, "camera (lost|missing|none|silent|gone)", 300)
    bench.judge.expect("a camera that is unbound is missed", lost, lost or guest.run(STATUS))
    judge_notice(bench, guest)
    guest.run("/mnt/camera face.yuyv")
    back = status_has(guest, "camera good, [1-9][0-9]* faces")
    bench.judge.expect("bound again, it shows a face again, with no restart", back and
                       guest.run("systemctl show -p NRestarts --value apparent") == "0", back or guest.run(STATUS))


def judge_notice(bench, guest):
    time.sleep(5)
    guest.shot("no-camera")


def same_answer(bench, guest):
    """One picture, two kinds of processor."""
    guest.run("systemctl stop apparent")
    there = guest.run("kiosk analyze --json /mnt/face.png", KIOSK_S)
    (bench.out / "face.board.json").write_text(there)
    if not bench.options.kiosk:
        print("     without --kiosk: the answer is not compared with this machine's")
        return
    picture = Path(bench.options.disk).parent / "disk" / "face.png"
    here = subprocess.run([bench.options.kiosk, "analyze", "--json", picture], check=True, capture_output=True, text=True).stdout
    here, there = answers(here), answers(there)
    bench.judge.expect("the same PNG has the same answer here and there", here and here == there, there)


def answers(printed):
    """Of each face, what it looks like."""
    found = []

    def walk(value):
        if isinstance(value, dict):
            if "age" in value or "apparent_age_years" in value:
                found.append({key: value[key] for key in sorted(value) if re.search("age|gender", key)})
            else:
                for inner in value.values():
                    walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    for line in printed.splitlines():
        if line.startswith(("{", "[")) and line.rstrip().endswith(("}", "]")):
            walk(json.loads(line))
    if not found:
        walk(json.loads(printed))
    return found


def settings(bench):
    """What a text file on the card changes, and what nonsense in it does not."""
    expect = bench.judge.expect
    card = bench.card("settings", {"language": "de", "hostname": "kiosk-7", "display": "auto"})
    guest = bench.start(card, "settings")
    guest.run("/mnt/camera face.yuyv")
    expect("its name is as told", guest.run("cat /proc/sys/kernel/hostname") == "kiosk-7")
    seen = status_has(guest, "camera good, [1-9][0-9]* faces")
    expect("it sees a face", seen, seen or "")
    time.sleep(10)
    judge_screen(bench, guest, "german")
    guest.power_off()
    bench.set(card, {"language": "$(reboot -f)", "hostname": "a b; reboot", "camera": "it's"})
    guest = bench.start(card, "nonsense")
    expect("nonsense in the settings is told and left out", guest.run("cat /proc/sys/kernel/hostname") == "apparent"
           and "is not understood" in guest.run("journalctl -b -u apparent-settings --no-pager"))
    guest.power_off()


SLOTS = "/usr/lib/apparent/slots"


def updates(bench):
    """Systems that come from outside: those that nobody trusted has signed, a broken one, and a good one on a stick."""
    expect, files = bench.judge.expect, Path(bench.options.updates)
    card = bench.card("updates")
    bench.add(card, files / "test.pub", "/keys/test.pub")
    guest = bench.start(card, "updates", *updates_disk(files), "-device", "qemu-xhci,id=usb",
                        "-drive", f"if=none,id=stick,format=raw,readonly=on,file={files / 'stick.img'}")
    guest.run("mkdir -p /tmp/in && mount -o ro /dev/vdc /tmp/in")
    expect("slot a runs and is good", guest.run(SLOTS) == "running=a good=a trial= tries=0", guest.run(SLOTS))
    for name in ("unsigned", "strange", "tampered"):
        status, said = guest.ask(f"/usr/lib/apparent/update /tmp/in/{name}.system 2>&1")
        expect(f"a system that is {name} is refused", status == 1 and "refused" in said, said)
    expect("nothing is on trial then", guest.run(SLOTS) == "running=a good=a trial= tries=0", guest.run(SLOTS))

    said = guest.run("/usr/lib/apparent/update /tmp/in/broken.system", KIOSK_S)
    expect("a system whose kiosk is broken, but which is signed, is put on trial",
           guest.run(SLOTS) == "running=a good=a trial=b tries=3", said)
    guest.serial.sendall(b"systemctl reboot\n")
    seen = []
    for _ in range(4):
        guest.wait_for_shell(BOOT_S)
        seen.append(guest.run(SLOTS))
        if "running=a" in seen[-1]:
            break
    expect("it is tried three times, then the former one runs again", [line[:9] for line in seen]
           == ["running=b"] * 3 + ["running=a"], "; ".join(seen))

    guest.run("mount -o ro /dev/vdb /mnt; /mnt/camera face.yuyv")
    expect("whose kiosk shows a face", status_has(guest, "camera good, [1-9][0-9]* faces"))
    guest.command("device_add", driver="usb-storage", bus="usb.0", drive="stick", id="plugged")
    guest.wait_for_shell(BOOT_S)
    line = guest.run(SLOTS)
    expect("a system on a stick is put on trial by itself", line.startswith("running=b good=a trial=b"), line)
    guest.run("mount -o ro /dev/vdb /mnt; /mnt/camera face.yuyv")
    confirmed = guest.until(f"{SLOTS} | grep good=b", KIOSK_S, 5)
    expect("it is good once its kiosk has shown pictures for half a minute", confirmed, confirmed or guest.run(
        "journalctl -b -u apparent-confirm --no-pager -n 5; " + SLOTS))
    guest.power_off()
    guest = bench.start(card, "updated")
    expect("it runs after the next start, too", guest.run(SLOTS) == "running=b good=b trial= tries=0", guest.run(SLOTS))
    guest.power_off()


def updates_disk(files):
    return ["-drive", f"if=none,id=updates,format=raw,readonly=on,file={files / 'updates.squashfs'}",
            "-device", "virtio-blk-pci,drive=updates"]


def cuts_at_first_start(bench):
    """The power is cut while a card starts for the first time, and again while it starts for the second."""
    chance = random.Random(bench.options.seed)
    for number in range(1, bench.options.cuts + 1):
        card = bench.card("cut")
        # The kernel takes over after a few seconds; the data grow in the minute after.
        guest = bench.begin(card, "cut")
        after = chance.uniform(2, 90)
        time.sleep(after)
        guest.kill()
        judge_alive(bench, bench.start(card, "cut"), f"first start, cut {number} after {after:.1f} s").power_off()


def cuts_at_update(bench):
    """The power is cut while a system is put into the other slot."""
    cuts(bench, "update", "/usr/lib/apparent/update /tmp/in/good.system")


def cuts_at_install(bench):
    """The power is cut while a bundle is installed."""
    cuts(bench, "install", "kiosk bundle install /tmp/in/bundle")


def cuts(bench, name, command):
    """Begins a command on the same card again and again, and cuts the power while it runs."""
    chance, files = random.Random(bench.options.seed), Path(bench.options.updates)
    card = bench.card(f"cut-{name}")
    bench.add(card, files / "test.pub", "/keys/test.pub")
    ready = "mkdir -p /tmp/in && mount -o ro /dev/vdc /tmp/in"
    guest = bench.start(card, f"cut-{name}", *updates_disk(files))
    guest.run(ready)
    begun = time.monotonic()
    print(f"     {guest.run(command, KIOSK_S)}")
    whole = time.monotonic() - begun
    for number in range(1, bench.options.cuts + 1):
        after = chance.uniform(0, whole)
        guest.serial.sendall(f"{command} >/dev/null 2>&1 &\n".encode())
        time.sleep(after)
        guest.kill()
        guest = bench.start(card, f"cut-{name}", *updates_disk(files))
        judge_alive(bench, guest, f"{name}, cut {number} after {after:.1f} of {whole:.1f} s")
        guest.run(ready)
    guest.power_off()


def judge_alive(bench, guest, what):
    """Whether a machine has come back with a kiosk and a bundle that holds what it promises."""
    status, bundle = guest.ask("kiosk bundle verify compact", KIOSK_S)
    state = guest.until("systemctl is-active apparent", KIOSK_S)
    bench.judge.expect(f"{what}: it starts again with a valid bundle", status == 0 and state,
                       f"{guest.run(SLOTS)}; data {guest.run('findmnt -no OPTIONS /data | cut -c1-2')}; kiosk {state}"
                       if status == 0 else bundle)
    return guest


PARTS = {"first": first_start, "settings": settings, "updates": updates}
CUTS = {"cuts-first": cuts_at_first_start, "cuts-update": cuts_at_update, "cuts-install": cuts_at_install}


def main():
    options = parse()
    bench = Bench(options)
    for name in options.parts or [*PARTS, *(CUTS if options.cuts else ())]:
        print(f"--   {name}", flush=True)
        try:
            (PARTS | CUTS)[name](bench)
        except Dead as dead:
            bench.judge.expect(f"{name} comes to its end", False, dead)
        finally:
            if bench.guest:
                bench.guest.kill()
            for card in bench.out.glob("*.card"):
                card.unlink()
    print(f"{bench.judge.passed} passed, {bench.judge.failed} failed")
    sys.exit(1 if bench.judge.failed else 0)


main()
