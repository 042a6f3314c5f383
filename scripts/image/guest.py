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


class Guest:
    """A running QEMU. `options` has qemu, uefi and out; `card` is the image that it starts from and changes."""

    def __init__(self, options, card, name, extra=(), memory_mib=1024):
        self.out, self.name, self.begun = Path(options.out), name, time.monotonic()
        self.log = (self.out / f"{name}.log").open("wb")
        monitor, serial = self.out / f"{name}.qmp", self.out / f"{name}.tty"
        for path in (monitor, serial):
            path.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [options.qemu, "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", str(memory_mib)]
            + ["-accel", "tcg,thread=multi", "-nodefaults", "-no-user-config", "-display", "none", "-bios", options.uefi]
            + ["-chardev", f"socket,id=tty,path={serial},server=on,wait=off", "-serial", "chardev:tty"]
            + ["-qmp", f"unix:{monitor},server=on,wait=off", "-device", "virtio-gpu-pci,xres=800,yres=600"]
            + ["-drive", f"if=none,id=card,format=raw,file={card}", "-device", "virtio-blk-pci,drive=card,bootindex=0"]
            + ["-device", "virtio-rng-pci", *extra],
            stdin=subprocess.DEVNULL, stderr=self.log)
        self.serial, self.monitor = connect(serial, self.process), connect(monitor, self.process).makefile("rw")
        self.said, self.read_from = b"", 0
        threading.Thread(target=self.listen, daemon=True).start()
        self.monitor.readline()
        self.command("qmp_capabilities")

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
                return
        raise Dead(f"{self.name}: the monitor hung up")

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
