"""Bundles that come to a kiosk from outside: signed, unsigned, damaged on the card, on a stick, and as large as they get."""

import json
import time

from bench import A_FACE, KIOSK_S, judge_face, judge_screen, plug_in, status_has, stick
from guest import virt_with_dot_products

STORE = "/var/lib/apparent/bundles"
STICK_IS_DONE = "! systemctl list-units --state=activating --no-legend 'apparent-stick@*' | grep ."
# One face takes the pair of full-size nets minutes on an emulated processor that shares this machine.
PAIR_S = 2400


def bundles(bench):
    """One is installed and the next; an unsigned one is refused; the newest is damaged; a stick brings another."""
    expect = bench.judge.expect
    guest = bench.start(bench.trusting_card("bundles"), "bundles", *stick(bench.updates / "bundles.img"))
    guest.run("/mnt/camera face.yuyv")
    for version in (2, 3):
        guest.run(f"kiosk bundle install /tmp/in/compact-{version}", KIOSK_S)
    expect("a signed bundle is installed", used(guest, "compact") == "version 3, signed by test", used(guest, "compact"))

    for name in ("compact-unsigned", "compact-strange"):
        status, said = guest.ask(f"kiosk bundle install /tmp/in/{name} 2>&1", KIOSK_S)
        expect(f"a bundle that is {name[8:]} is refused by name, and the former stays in use",
               status and name in said and "sign" in said and used(guest, "compact") == "version 3, signed by test", said)
    # As somebody would who holds the card, and not the key.
    guest.run(f"rm {STORE}/compact/SHA256SUMS.minisig")
    judge_stand_in(bench, guest, "unsigned", "SHA256SUMS")
    guest.run(f"cp /tmp/in/compact-3/SHA256SUMS.minisig {STORE}/compact/")

    guest.run(f"echo damaged | dd of={STORE}/compact/compact.onnx bs=1 seek=800000 conv=notrunc status=none")
    guest.run("sync; echo 3 >/proc/sys/vm/drop_caches")
    judge_stand_in(bench, guest, "damaged", "compact.onnx")

    plug_in(guest)
    wait_for_version(guest, 5)
    expect("a bundle on a stick is installed by itself", used(guest, "compact") == "version 5, signed by test",
           used(guest, "compact"))
    said = guest.until("journalctl -b -u 'apparent-stick@*' --no-pager -o cat | grep 'compact-unsigned'", 300)
    expect("and an unsigned one beside it is refused by name", said, said or "")
    guest.until(STICK_IS_DONE, 300)
    judge_face(bench, guest, "the kiosk goes on with it by itself, and sees a face")
    said = last_start(guest)
    expect("nothing stands in for it", "stands in" not in said and "bundle compact" in said, said.splitlines()[-1])
    guest.power_off()


def judge_stand_in(bench, guest, what, file):
    """Starts the kiosk anew and looks whether the version before the one in use is used, and whether that is told."""
    guest.run("systemctl restart apparent", KIOSK_S)
    judge_face(bench, guest, f"where the bundle in use is {what}, the kiosk sees a face")
    said = next((line for line in last_start(guest).splitlines() if "stands in" in line), "")
    bench.judge.expect(f"the one before the {what} one stands in for it, which the log tells",
                       f"{file}" in said and ".previous/compact stands in" in said
                       and used(guest, "compact") == "version 2, signed by test", said)
    judge_screen(bench, guest, f"stand-in-{what}")


def last_start(guest):
    """What the kiosk has logged since it was started last."""
    return guest.run("journalctl --no-pager -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value apparent)")


def used(guest, name):
    """Which bundle of that name is in use."""
    listed = json.loads(guest.run("kiosk bundle list --json 2>/dev/null", KIOSK_S))["bundles"]
    found = [f"version {it['version']}, signed by {it['signed_by']}" for it in listed if it["name"] == name and it["in_use"]]
    return "; ".join(found) or "none"


def wait_for_version(guest, version):
    """Until that of the bundle compact is in use, or too long."""
    guest.until(f"readlink {STORE}/compact | grep compact-{version}-", KIOSK_S)


def pair(bench):
    """The pair of full-size nets comes on a stick, and labels a face within 1 GB."""
    expect = bench.judge.expect
    guest = bench.start(bench.trusting_card("pair"), "pair", *stick(bench.updates / "pair.img"), machine=virt_with_dot_products)
    guest.run("/mnt/camera face.yuyv")
    judge_face(bench, guest, "the kiosk sees a face")
    begun = time.monotonic()
    plug_in(guest)
    guest.until(f"test -L {STORE}/vgg-face && {STICK_IS_DONE}", PAIR_S, 5)
    expect("the pair of full-size nets on a stick is installed by itself", used(guest, "vgg-face") == "version 1, signed by test",
           f"{used(guest, 'vgg-face')}, {guest.run(f'du -smL {STORE}/vgg-face | cut -f1')} MB, "
           f"in {time.monotonic() - begun:.0f} s; {guest.run('journalctl -b -u apparent-stick@* --no-pager -o cat | tail -n 3')}")

    # What the owner would write beside the settings. What was made for boards is too impatient for an emulated processor: a
    # watchdog, and the time after which a face that was not found again is another.
    guest.run("mount -o remount,rw /boot; printf '[models]\\nbundle = \"vgg-face\"\\nsignatures_required = true\\n[faces]\\n"
              f"lost_after_ms = {1000 * PAIR_S}\\n' "
              ">/boot/kiosk.toml; mount -o remount,ro /boot; mkdir -p /run/systemd/system/apparent.service.d; "
              f"printf '[Service]\\nWatchdogSec={PAIR_S}\\nTimeoutStartSec={PAIR_S}\\n' "
              ">/run/systemd/system/apparent.service.d/slow.conf; systemctl daemon-reload; "
              "systemctl stop apparent; systemctl restart apparent-settings")
    begun = time.monotonic()
    guest.run("systemctl start apparent", PAIR_S)
    seen = status_has(guest, A_FACE, PAIR_S)
    expect("a machine of 1 GB labels a face by them", seen and "bundle vgg-face" in last_start(guest),
           f"{seen or last_start(guest)}, {time.monotonic() - begun:.0f} s after the kiosk's start; memory at most "
           f"{int(guest.run('cat /sys/fs/cgroup/system.slice/apparent.service/memory.peak')) >> 20} MiB of "
           f"{guest.run('free -m | sed -n 2p').split()[1]}")
    # The ages of random weights are a few thin bars.
    judge_screen(bench, guest, "pair", PAIR_S, share=0.005)
    expect("it has not been started again", guest.run("systemctl show -p NRestarts --value apparent") == "0")
    guest.power_off()
