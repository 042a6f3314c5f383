"""The power is cut at chosen moments of what writes to the card, and the card started again.

A moment is a number of writes: as many as the card has taken when QEMU is killed. What an uncut run writes is counted
first, and the moments are spread over all of it: one at random in each of as many equal parts as there are cuts. So no cut
falls where nothing happens, and a busy machine, on which all takes longer, does not move them. The card takes only a few
writes a second meanwhile, so that a moment between two of them can be met."""

import json
import random
import time

from bench import BOOT_S, KIOSK_S, SLOTS, copy

# Of the card that is to be cut off, in a second.
WRITES_MAX = 25
# How long it takes until all is written. Never reached but by a machine that hangs.
WRITTEN_S = 900
LIST = "kiosk bundle list --json 2>/dev/null"


def cuts_at_first_start(bench):
    """While a card starts for the first time: its data partition and the file system in it grow."""
    fresh, card, memory = bench.card("fresh"), bench.out / "cut.card", bench.out / "ready.memory"
    copy(fresh, card)
    guest = bench.begin(card, "cut-first")
    while guest.writes() == 0 and guest.seconds() < WRITTEN_S:
        time.sleep(0.1)
    first_s = guest.seconds()
    guest.wait_for_shell(BOOT_S)
    guest.until("systemctl is-active apparent", KIOSK_S)
    guest.run("sync")
    whole, whole_s = guest.writes(), guest.seconds()
    guest.kill()
    print(f"     {whole} writes until the kiosk is there, {first_s:.0f} to {whole_s:.0f} s after power-on", flush=True)

    # What comes before the first write is the same each time.
    copy(fresh, card)
    guest = bench.begin(card, "cut-first")
    while guest.writes() == 0 and guest.seconds() < first_s / 2:
        time.sleep(0.1)
    bench.judge.expect("nothing is written before the machine is saved", guest.writes() == 0)
    guest.save(memory)
    for cut in moments(bench, "first", whole):
        copy(fresh, card)
        guest = bench.begin(card, "cut-first", resume=memory)
        guest.slow_down(WRITES_MAX)
        cut.fall(guest, lambda: False)
        cut.judge(bench, bench.start(card, "cut-first"), {"running=a good=a trial= tries=0"}, {1})
        bench.guest.kill()
    cut.count(bench)
    memory.unlink()


def cuts_at_update(bench):
    """While a system is put into the other slot."""
    prepared = Prepared(bench, "update", "true")
    prepared.cut("/usr/lib/apparent/update /tmp/in/good.system",
                 {"running=a good=a trial= tries=0", "running=b good=a trial=b tries=2"}, {1}, "trial=b")


def cuts_at_install(bench):
    """While the third version of a bundle is installed: the first came with the program, the second is in use."""
    prepared = Prepared(bench, "install", "kiosk bundle install /tmp/in/compact-2")
    prepared.cut("kiosk bundle install /tmp/in/compact-3", {"running=a good=a trial= tries=0"}, {2, 3}, "version 3")


class Prepared:
    """A machine that is up and ready, kept as a file, with its card: it goes on from there for each cut."""

    def __init__(self, bench, name, ready):
        self.bench, self.name = bench, name
        self.card, self.memory = bench.out / "ready.card", bench.out / "ready.memory"
        card = bench.trusting_card("cut")
        guest = bench.start(card, f"ready-{name}")
        guest.until("systemctl is-active apparent", KIOSK_S)
        guest.run(ready, KIOSK_S)
        guest.run("sync")
        guest.save(self.memory)
        card.rename(self.card)

    def go_on(self):
        """The machine, and how many writes its card has seen since it was switched on."""
        copy(self.card, card := self.bench.out / "cut.card")
        guest = self.bench.begin(card, f"cut-{self.name}", resume=self.memory)
        guest.slow_down(WRITES_MAX)
        return card, guest, guest.writes()

    def cut(self, command, slots, versions, done):
        """Begins the command again and again, and cuts the power while it runs. It is done where state() says `done`."""
        _, guest, before = self.go_on()
        begun = time.monotonic()
        said = guest.run(command, KIOSK_S)
        whole = guest.writes() - before
        print(f"     {said.splitlines()[-1]}: {whole} writes in {time.monotonic() - begun:.0f} s", flush=True)
        guest.kill()
        for cut in moments(self.bench, self.name, whole):
            card, guest, before = self.go_on()
            guest.serial.sendall(f'{command} >/dev/null 2>&1; echo "@@$?@@"\n'.encode())
            cut.fall(guest, lambda: b"@@0@@" in guest.said, before)
            guest = self.bench.start(card, f"cut-{self.name}")
            cut.judge(self.bench, guest, slots, versions)
            if cut.number == cut.count_of:
                # A system on trial takes no other; then all was done before the cut.
                if done not in state(guest):
                    guest.run(command, KIOSK_S)
                self.bench.judge.expect(f"{self.name}: done again after a cut, it is done", done in state(guest), state(guest))
            guest.kill()
        cut.count(self.bench)
        self.memory.unlink()


def moments(bench, name, whole):
    """A cut in each part of `whole` writes."""
    chance, fell = random.Random(f"{bench.options.seed} {name}"), []
    for number in range(1, bench.options.cuts + 1):
        at = 1 + int(whole * (number - 1 + chance.random()) / bench.options.cuts)
        if bench.options.only in (0, number):
            yield Cut(name, number, bench.options.cuts, min(at, whole), whole, fell)


class Cut:
    """One cut: at the write `at` of `whole`."""

    def __init__(self, name, number, count_of, at, whole, fell):
        self.name, self.number, self.count_of, self.at, self.whole, self.fell = name, number, count_of, at, whole, fell

    def fall(self, guest, is_over, before=0):
        """Waits for the moment and cuts the power."""
        begun = time.monotonic()
        while guest.writes() - before < self.at and not is_over() and time.monotonic() - begun < WRITTEN_S:
            time.sleep(0.002)
        self.seen, self.after_s = guest.writes() - before, time.monotonic() - begun
        self.fell.append(self.seen < self.whole and not is_over())
        guest.kill()

    def judge(self, bench, guest, slots, versions):
        """Whether a machine has come back with a kiosk that shows something and a bundle that holds what it promises."""
        status, said = guest.ask("kiosk bundle verify compact 2>&1", KIOSK_S)
        kiosk = guest.until("systemctl is-active apparent", KIOSK_S)
        data = guest.ask("findmnt -no OPTIONS /data | grep -o '^rw' && ! journalctl -b -u apparent-data | grep 'empty partition'")
        bundles = in_use(guest)
        good = status == 0 and kiosk == "active" and data[0] == 0 and guest.run(SLOTS) in slots
        good = good and bundles and bundles["version"] in versions
        bench.judge.expect(
            f"{self.name}, cut {self.number} at write {self.at} of {self.whole} ({self.seen} seen, {self.after_s:.1f} s): "
            "it starts again with a valid bundle", good,
            f"{state(guest)}; data {data[1] or 'lost'}; kiosk {kiosk}{'' if status == 0 else '; ' + said}")

    def count(self, bench):
        """Said after the last one."""
        print(f"     {sum(self.fell)} of {len(self.fell)} cuts fell before the last write (seed {bench.options.seed})")


def in_use(guest):
    """Of the bundle compact that is in use, what 'kiosk bundle list' says, if none of that name is refused."""
    bundles = [it for it in json.loads(guest.run(LIST, KIOSK_S))["bundles"] if it["name"] == "compact"]
    used = [it for it in bundles if it["in_use"]]
    return used[0] if len(used) == 1 and not any(it["refused"] for it in bundles) else None


def state(guest):
    bundle = in_use(guest)
    return f"{guest.run(SLOTS)}; compact version {bundle['version'] if bundle else 'unknown'} in use"
