"""Starts an image as a whole machine under QEMU, and judges what it does: the part of scripts/test-image.sh that runs and
tells. Standard library only."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench import A_FACE, BOOT_S, KIOSK_S, SLOTS, STATUS, Bench, judge_face, judge_screen, mount_disks, plug_in, status_has, stick
from bundles import bundles, pair, used
from cuts import cuts_at_first_start, cuts_at_install, cuts_at_update
from guest import Dead
from others import raspberry_3, rpios


def parse():
    parser = argparse.ArgumentParser()
    for name in ("qemu", "uefi", "out", "image", "disk", "updates"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--kiosk", help="the kiosk of this machine, whose answers are compared")
    parser.add_argument("--rpios", help="the kiosk in an image of Raspberry Pi OS, or of what stands in for it")
    parser.add_argument("--u-boot", help="of QEMU's Raspberry Pi 3")
    parser.add_argument("--device-tree", help="of the same")
    parser.add_argument("--cuts", type=int, default=0)
    parser.add_argument("--only", type=int, default=0, help="of the cuts, only the one of this number")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("parts", nargs="+")
    return parser.parse_args()


def quick(bench):
    """A card that was just written comes up by itself, shows a face and answers as this machine does."""
    guest = begin_first(bench)
    judge_screen(bench, guest, "face")
    same_answer(bench, guest)
    guest.kill()


def begin_first(bench):
    guest = bench.start(bench.card("first"), "first")
    up = uptime_s(guest)
    guest.run("/mnt/camera face.yuyv")
    bench.judge.expect("a card that was just written starts", True,
                       f"shell {up:.0f} s after the kernel, {guest.seconds():.0f} s after power-on")
    judge_face(bench, guest, "the kiosk starts by itself and sees a face")
    print(f"     first labelled face within {uptime_s(guest):.0f} s of the kernel, {guest.seconds():.0f} s of power-on "
          "(both of an emulated processor that shares this machine)")
    (bench.out / "first.journal").write_text(guest.run("journalctl -b --no-pager -o short-monotonic"))
    return guest


def uptime_s(guest):
    return float(guest.run("cut -d' ' -f1 /proc/uptime"))


def first_start(bench):
    """A card that was just written: the kiosk comes up by itself, sees somebody, and lives through what happens to cameras."""
    expect = bench.judge.expect
    guest = begin_first(bench)
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


def cameras(bench, guest):
    """Pulled out and plugged in again."""
    guest.run("/mnt/camera off")
    lost = status_has(guest, "camera (lost|missing|none|silent|gone)", 300)
    bench.judge.expect("a camera that is unbound is missed", lost, lost or guest.run(STATUS))
    time.sleep(5)
    guest.shot("no-camera")
    guest.run("/mnt/camera face.yuyv")
    back = status_has(guest, A_FACE)
    bench.judge.expect("bound again, it shows a face again, with no restart", back and
                       guest.run("systemctl show -p NRestarts --value apparent") == "0", back or guest.run(STATUS))


def same_answer(bench, guest):
    """One picture, two kinds of processor."""
    guest.run("systemctl stop apparent")
    there = guest.run("kiosk analyze --json /mnt/face.png", KIOSK_S)
    (bench.out / "face.board.json").write_text(there)
    if not bench.options.kiosk:
        print("     without --kiosk: the answer is not compared with this machine's")
        return
    picture = Path(bench.options.disk).parent / "disk" / "face.png"
    # Wherever that kiosk was built, with the bundles of these sources.
    bundles_here = {**os.environ, "APPARENT_BUNDLES": str(Path(__file__).resolve().parents[2] / "models" / "bundles")}
    here = subprocess.run([bench.options.kiosk, "analyze", "--json", picture], check=True, capture_output=True, text=True,
                          env=bundles_here).stdout
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
    judge_face(bench, guest, "it sees a face")
    judge_screen(bench, guest, "german")
    guest.power_off()
    bench.set(card, {"language": "$(reboot -f)", "hostname": "a b; reboot", "camera": "it's"})
    guest = bench.start(card, "nonsense")
    expect("nonsense in the settings is told and left out", guest.run("cat /proc/sys/kernel/hostname") == "apparent"
           and "is not understood" in guest.run("journalctl -b -u apparent-settings --no-pager"))
    guest.power_off()


def updates(bench):
    """Systems that come from outside: those that nobody trusted has signed, a broken one, and a good one on a stick."""
    expect = bench.judge.expect
    card = bench.trusting_card("updates")
    guest = bench.start(card, "updates", *stick(bench.updates / "stick.img"))
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

    mount_disks(guest)
    guest.run("/mnt/camera face.yuyv")
    judge_face(bench, guest, "whose kiosk shows a face")
    plug_in(guest)
    guest.wait_for_shell(BOOT_S)
    line = guest.run(SLOTS)
    expect("a system on a stick is put on trial by itself", line.startswith("running=b good=a trial=b"), line)
    expect("and the bundle beside it is installed", used(guest, "compact") == "version 4, signed by test", used(guest, "compact"))
    mount_disks(guest)
    guest.run("/mnt/camera face.yuyv")
    confirmed = guest.until(f"{SLOTS} | grep good=b", KIOSK_S, 5)
    expect("it is good once its kiosk has shown pictures for half a minute", confirmed, confirmed or guest.run(
        "journalctl -b -u apparent-confirm --no-pager -n 5; " + SLOTS))
    guest.power_off()
    guest = bench.start(card, "updated")
    expect("it runs after the next start, too", guest.run(SLOTS) == "running=b good=b trial= tries=0", guest.run(SLOTS))
    guest.power_off()


PARTS = {
    "quick": quick, "first": first_start, "settings": settings, "updates": updates, "bundles": bundles, "pair": pair,
    "rpios": rpios, "raspi3b": raspberry_3,
    "cuts-first": cuts_at_first_start, "cuts-update": cuts_at_update, "cuts-install": cuts_at_install,
}


def main():
    options = parse()
    # Whoever ends this ends its machine, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    bench = Bench(options)
    for name in options.parts:
        print(f"--   {name}", flush=True)
        begun = time.monotonic()
        try:
            PARTS[name](bench)
        except Dead as dead:
            bench.judge.expect(f"{name} comes to its end", False, dead)
        finally:
            if bench.guest:
                bench.guest.kill()
            for card in bench.out.glob("*.card"):
                card.unlink()
        print(f"     {name} took {time.monotonic() - begun:.0f} s", flush=True)
    print(f"{bench.judge.passed} passed, {bench.judge.failed} failed")
    sys.exit(1 if bench.judge.failed else 0)


main()
