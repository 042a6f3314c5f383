"""A machine of the boards' kind under QEMU, started from a card's image: its serial line, on which the image's root shell
answers, and its monitor. Standard library only."""

import json
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path


class Dead(Exception):
    """The machine ended, or did not answer in time."""


def virt(options, card):
    """QEMU's own machine, started by UEFI, as an image of ours starts."""
    return virt_parts(card) + ["-bios", options.uefi]


def virt_with_dot_products(options, card):
    """The same with the processor of a Raspberry Pi 5: for large nets it executes a third of the instructions."""
    return virt_parts(card, "cortex-a76") + ["-bios", options.uefi]


def virt_by(kernel, ram_disk, command_line):
    """The same, where a kernel is started as the firmware of a Raspberry Pi starts one."""
    return lambda options, card: virt_parts(card) + ["-kernel", kernel, "-initrd", ram_disk, "-append", command_line]


def virt_parts(card, processor="cortex-a72"):
    return (["-M", "virt", "-cpu", processor, "-smp", "2", "-m", "1024", "-nodefaults", "-no-user-config"]
            + ["-device", "virtio-gpu-pci,xres=800,yres=600", "-device", "virtio-rng-pci", "-serial", "chardev:tty"]
            + ["-drive", f"if=none,id=card,format=raw,file={card}", "-device", "virtio-blk-pci,drive=card,bootindex=0"])


def raspi3b(options, card):
    """What QEMU knows of a Raspberry Pi 3: no firmware, so that its U-Boot and device tree are given."""
    return (["-M", "raspi3b", "-kernel", options.u_boot, "-dtb", options.device_tree, "-serial", "null", "-serial", "chardev:tty"]
            + ["-drive", f"if=sd,id=card,format=raw,file={card}"])


class Guest:
    """A running QEMU. `options` has qemu, uefi and out; `card` is the image that it starts from and changes. With
    `resume`, it goes on from where save() left a machine of the same parts."""

    def __init__(self, options, card, name, extra=(), resume=None, machine=virt):
        self.out, self.name, self.begun = Path(options.out), name, time.monotonic()
        self.log = (self.out / f"{name}.log").open("wb")
        monitor, serial = self.out / f"{name}.qmp", self.out / f"{name}.tty"
        for path in (monitor, serial):
            path.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [options.qemu, *machine(options, card), "-accel", "tcg,thread=multi", "-display", "none", *extra]
            + ["-chardev", f"socket,id=tty,path={serial},server=on,wait=off", "-qmp", f"unix:{monitor},server=on,wait=off"]
            + (["-incoming", f"exec:cat {resume}"] if resume else []),
            stdin=subprocess.DEVNULL, stderr=self.log)
        self.serial, self.monitor = connect(serial, self.process), connect(monitor, self.process).makefile("rw")
        self.said, self.read_from = b"", 0
        threading.Thread(target=self.listen, daemon=True).start()
        self.monitor.readline()
        self.command("qmp_capabilities")
        if resume:
            self.wait_for_status("query-status", "paused", "prelaunch")
            self.command("cont")

    def listen(self):
        """Keeps what the serial line says."""
        while block := self.receive():
            self.log.write(block)
            self.log.flush()
            self.said += block

    def receive(self):
        try:
            return self.serial.recv(65536)
        except OSError:
            return b""

    def seconds(self):
        """Since the machine was switched on."""
        return time.monotonic() - self.begun

    def wait(self, pattern, limit_s):
        """Until the serial line says what matches, after what was waited for before; the match."""
        until = time.monotonic() + limit_s
        while True:
            if match := re.compile(pattern).search(self.said, self.read_from):
                self.read_from = match.end()
                return match
            if self.process.poll() is not None:
                raise Dead(f"{self.name}: QEMU ended with {self.process.returncode} before it said {pattern}")
            if time.monotonic() > until:
                raise Dead(f"{self.name}: nothing that matches {pattern} within {limit_s} s; it said last:\n"
                           + self.said[-800:].decode("utf-8", "replace"))
            time.sleep(0.05)

    def wait_for_shell(self, limit_s=900):
        """Until the root shell on the serial line answers."""
        self.wait(rb"# $", limit_s)
        self.run("stty -echo -onlcr columns 1000; PS1=; cd /")

    def run(self, command, limit_s=300):
        """What a command prints; fails where it does."""
        status, printed = self.ask(command, limit_s)
        if status:
            raise Dead(f"{self.name}: '{command}' ended with {status}: {printed}")
        return printed

    def ask(self, command, limit_s=300):
        """A command's exit status and what it prints."""
        begin = self.read_from
        self.serial.sendall(command.encode() + b'; echo "@@$?@@"\n')
        match = self.wait(rb"@@(\d+)@@\r?\n", limit_s)
        return int(match[1]), self.said[begin:match.start()].decode("utf-8", "replace").replace("\r", "").strip()

    def until(self, command, limit_s, every_s=1.0):
        """Asks until a command succeeds; what it prints then, or None if it did not in time."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            status, printed = self.ask(command)
            if status == 0:
                return printed
            time.sleep(every_s)
        return None

    def command(self, name, **arguments):
        """To the monitor."""
        self.monitor.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.monitor.flush()
        while line := self.monitor.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{name}: {answer['error']}")
            if "return" in answer:
                return answer["return"]
        raise Dead(f"{self.name}: the monitor hung up")

    def wait_for_status(self, question, *answers):
        """Until the monitor answers so."""
        while (status := self.command(question).get("status")) not in answers:
            if status == "failed":
                raise Dead(f"{self.name}: {question}: failed")
            time.sleep(0.02)

    def save(self, file):
        """Stops the machine for good and keeps its memory and processors in a file; the card is kept by who copies it."""
        self.command("stop")
        self.command("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        self.command("migrate", uri=f"exec:cat >{file}")
        self.wait_for_status("query-migrate", "completed")
        self.kill()

    def slow_down(self, writes_max):
        """The card takes at most so many writes a second from now on."""
        self.command("block_set_io_throttle", device="card", bps=0, bps_rd=0, bps_wr=0, iops=0, iops_rd=0, iops_wr=writes_max)

    def writes(self):
        """How many times the card was written to so far."""
        drives = self.command("query-blockstats")
        return next(drive["stats"]["wr_operations"] for drive in drives if drive.get("device") == "card")

    def shot(self, name):
        """The screen as NAME.png; its width, height and RGB bytes."""
        path = self.out / f"{name}.ppm"
        self.command("screendump", filename=str(path))
        size = read_ppm(path)
        path.unlink()
        write_png(self.out / f"{name}.png", *size)
        return size

    def kill(self):
        """The power is cut."""
        self.process.kill()
        self.process.wait()
        self.serial.close()
        self.log.flush()

    def power_off(self, limit_s=300):
        """As somebody would who has a shell; the power is cut if that takes too long."""
        self.serial.sendall(b"systemctl poweroff\n")
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            pass
        self.kill()


def connect(path, process):
    """To a socket that QEMU is about to open."""
    until = time.monotonic() + 60
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
            return connection
        except OSError:
            connection.close()
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"QEMU did not start: {' '.join(map(str, process.args))}")
            time.sleep(0.05)


def read_ppm(path):
    """Width, height and RGB bytes."""
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data := path.read_bytes())
    return int(head[1]), int(head[2]), data[head.end():]


def write_png(path, width, height, rgb):
    """RGB bytes as a PNG."""
    rows = b"".join(b"\0" + rgb[begin:begin + 3 * width] for begin in range(0, len(rgb), 3 * width))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        file += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(file)
