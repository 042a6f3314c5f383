"""Boots the emulated PC of scripts/test-drm.sh, takes pictures of its screen when it asks for them, and judges what
it tells: the part of that script that runs and tells. Standard library only."""

import argparse
import json
import re
import socket
import struct
import subprocess
import sys
import tarfile
import threading
import time
import zlib
from pathlib import Path

# How long a kiosk may take to show its first picture.
PATIENCE_S = 60
def parse():
    parser = argparse.ArgumentParser()
    for name in ("qemu", "kernel", "initrd", "out", "gpu", "accel"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--seconds", type=float, default=900)
    return parser.parse_args()


class Guest:
    """A running QEMU: its serial line, which is what the guest says, and its monitor."""

    def __init__(self, options, out):
        device = {"bochs": "bochs-display", "virtio-gpu": "virtio-gpu-pci"}[options.gpu]
        self.out, monitor = out, out / "monitor"
        disk = out / "disk.tar"
        with disk.open("wb") as file:
            file.truncate(64 << 20)
        append = f"console=ttyS0 loglevel=3 panic=-1 drm_driver={options.gpu}"
        self.process = subprocess.Popen(
            [options.qemu, "-M", "q35", "-accel", options.accel, "-cpu", "max", "-smp", "2", "-m", "1024"]
            + ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"]
            + ["-qmp", f"unix:{monitor},server=on,wait=off", "-device", f"{device},xres=1024,yres=768"]
            + ["-drive", f"if=none,id=disk,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=disk"]
            + ["-kernel", options.kernel, "-initrd", options.initrd, "-append", append],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # A guest that hangs must not hang whoever waits for it.
        self.timer = threading.Timer(options.seconds, self.process.kill)
        self.timer.start()
        self.monitor_path, self.monitor = monitor, None

    def lines(self):
        with (self.out / "serial.log").open("w") as log:
            for line in self.process.stdout:
                line = line.decode("utf-8", "replace").rstrip("\r\n")
                log.write(f"{line}\n")
                log.flush()
                yield line
        self.timer.cancel()
        self.process.wait()

    def shot(self, name):
        """The screen as NAME.ppm, once it is not black; tells the guest to go on."""
        if self.monitor is None:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(30)
            connection.connect(str(self.monitor_path))
            self.monitor = connection.makefile("rw")
            self.monitor.readline()
            self.command("qmp_capabilities")
        path, until = self.out / f"{name}.ppm", time.monotonic() + PATIENCE_S
        self.command("screendump", filename=str(path))
        while not any(read_ppm(path)[2]) and time.monotonic() < until:
            time.sleep(0.2)
            self.command("screendump", filename=str(path))
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def command(self, name, **arguments):
        self.monitor.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.monitor.flush()
        while True:
            answer = json.loads(self.monitor.readline())
            if "error" in answer:
                raise RuntimeError(f"{name}: {answer['error']}")
            if "return" in answer:
                return


def read_ppm(path):
    """Width, height and RGB bytes."""
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data := path.read_bytes())
    return int(head[1]), int(head[2]), data[head.end():]


def read_png(path):
    """Width, height and RGB bytes of a PNG as `kiosk` writes them: 8 bits, RGB, not interlaced."""
    data, at, packed = path.read_bytes(), 8, b""
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert (depth, color, interlaced) == (8, 2, 0), f"{path} is not of 8 bits RGB"
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    raw, above, rows = zlib.decompress(packed), bytearray(3 * width), []
    for begin in range(0, len(raw), 3 * width + 1):
        above = unfilter(raw[begin], bytearray(raw[begin + 1 : begin + 1 + 3 * width]), above)
        rows.append(above)
    return width, height, b"".join(rows)


def unfilter(kind, row, above):
    """PNG (W3C recommendation of 2003), section 9.2."""
    for i in range(len(row)):
        left, up, corner = (row[i - 3], above[i], above[i - 3]) if i >= 3 else (0, above[i], 0)
        if kind == 1:
            row[i] = (row[i] + left) & 255
        elif kind == 2:
            row[i] = (row[i] + up) & 255
        elif kind == 3:
            row[i] = (row[i] + (left + up) // 2) & 255
        elif kind == 4:
            guess = left + up - corner
            far = [abs(guess - near) for near in (left, up, corner)]
            row[i] = (row[i] + (left, up, corner)[far.index(min(far))]) & 255
    return row


def write_png(path, width, height, rgb):
    rows = b"".join(b"\0" + rgb[begin : begin + 3 * width] for begin in range(0, len(rgb), 3 * width))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        file += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(file)


class Judge:
    """Says of each expectation whether it was met."""

    def __init__(self):
        self.passed = self.failed = 0

    def expect(self, what, is_so, seen=""):
        self.passed, self.failed = self.passed + bool(is_so), self.failed + (not is_so)
        print(f"{'ok  ' if is_so else 'FAIL'} {what}{f': {seen}' if seen != '' else ''}", flush=True)


def main():
    options = parse()
    out = Path(options.out)
    guest, told, logs, begun = Guest(options, out), {}, [], time.monotonic()
    ended = False
    for line in guest.lines():
        kind, _, rest = line.removeprefix("@@ ").partition(" ") if line.startswith("@@ ") else ("", "", "")
        if kind == "shot":
            guest.shot(rest)
        elif kind == "is":
            key, _, value = rest.partition(" ")
            told[key] = value.strip()
        elif kind == "log":
            logs.append(rest)
        ended |= kind == "end"
    took = time.monotonic() - begun
    (out / "kiosks.log").write_text("\n".join(logs) + "\n")
    if not ended:
        tail = (out / "serial.log").read_text().splitlines()[-12:]
        sys.exit("the emulated PC did not come to its end; it said last:\n  " + "\n  ".join(tail))
    judge = Judge()
    judge_run(judge, told, "\n".join(logs))
    judge_pictures(judge, out)
    print(f"kernel {told['kernel']}, {told['driver']}, {told['connector']}; {took:.0f} s")
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(1 if judge.failed else 0)


def judge_run(judge, told, logs):
    def said(name, text):
        return any(line.startswith(f"{name} ") and text in line for line in logs.splitlines())

    def unless(*troubles):
        return not set(troubles) & told.keys()

    before, seen = told["before"], "800x600 kiosk 1"
    is_other = not before.startswith("800x600 ") and before.endswith(" 1")
    judge.expect("the console is in another mode than the kiosk will be", is_other, before)
    judge_flips(judge, told)
    judge.expect("the mode is as it was when the kiosk has ended", told["moving.after"] == before, told["moving.after"])
    judge.expect("a second kiosk says who draws", said("two", "the desktop or another program draws on /dev/dri/card0"))
    took = f"{told['takeover_ms']} ms after the first was asked to end"
    judge.expect("it takes over by itself", unless("one.told", "two.told") and said("two", "has let go"), took)
    judge.expect("a pulled cable is noticed", unless("unplugged") and said("two", "no display is connected"))
    judge.expect("the mode is set again when it is back", unless("plugged") and told["plugged.state"] == seen)
    judge.expect("that the card was taken away is noticed", unless("dropped", "three.told", "lost") and said("two", "has taken"))
    judge.expect("it is drawn on again when it is free", told["regained.state"] == seen, told["regained.state"])
    judge.expect("the mode is as it was when all have ended", told["after"] == before, told["after"])
    judge.expect("the display is off while nobody is there", unless("idle.on", "idle.off"))
    judge.expect("it is on when somebody comes", unless("idle.woken"))
    judge.expect("the mode is as it was then, too", told["idle.after"] == before, told["idle.after"])
    for name in ("moving", "one", "two", "three", "idle"):
        judge.expect(f"kiosk {name} ends well", told[f"{name}.status"] == "0", told[f"{name}.status"])


def judge_flips(judge, told):
    summary = json.loads(told["moving.summary"])
    flips, screens, seconds = int(told["moving.flips"]), summary["screens"], summary["seconds"]
    rate = f"{flips} flips, {screens} screens in {seconds:.1f} s: {flips / seconds:.1f} flips a second"
    judge.expect("a moving picture flips a page for each screen", flips > 1 and abs(flips - screens) <= 1, rate)
    buffers = told["moving.buffers"]
    judge.expect("both buffers are seen in turn", len(buffers.split()) == 2, f"framebuffers {buffers}")


SHOTS = {"one": "one", "one-again": "one", "two": "two", "two-again": "two", "three": "one", "two-regained": "two"}


def judge_pictures(judge, out):
    with tarfile.open(out / "disk.tar") as tar:
        tar.extractall(out)
    (out / "disk.tar").unlink()
    shots = {}
    for path in sorted(out.glob("*.ppm")):
        shots[path.stem] = read_ppm(path)
        write_png(path.with_suffix(".png"), *shots[path.stem])
        path.unlink()
    canvases = {name: read_png(out / name / "screen-000001.png") for name in ("one", "two")}
    judge.expect("the two canvases differ", canvases["one"] != canvases["two"])
    for name, canvas in SHOTS.items():
        shot, canvas = shots[name], canvases[canvas]
        size = f"{canvas[0]}x{canvas[1]}"
        differing = sum(a != b for a, b in zip(shot[2], canvas[2])) if shot[:2] == canvas[:2] else "all"
        judge.expect(f"screen {name} is the canvas, byte for byte", shot == canvas, f"{size}, {differing} bytes differ")
    size = "{}x{}".format(*shots["console-again"][:2])
    judge.expect("the console is as it was, byte for byte", shots["console-again"] == shots["console"], size)


main()
