#!/bin/busybox sh
# shellcheck shell=dash
#
# The first program of the emulated PC of scripts/test-drm.sh: shows screens by DRM as somebody would who tries what
# can go wrong, and tells what came of it. Lines that begin with @@ are read by guest.py:
#   @@ shot NAME      take a picture of the screen, and answer with a line
#   @@ is KEY VALUE   what was seen
#   @@ log NAME LINE  what a kiosk said
# Commands of busybox; the files in /out end up on the disk.

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t debugfs debug /sys/kernel/debug
mount -t tracefs trace /sys/kernel/tracing
# No echo of the answers that come in.
stty -echo -F /dev/ttyS0
exec </dev/ttyS0 >/dev/ttyS0 2>&1
export PATH=/bin HOME=/tmp APPARENT_BUNDLES=/bundles
mkdir -p /out
driver=$(sed 's/.*drm_driver=\([^ ]*\).*/\1/' /proc/cmdline)
modprobe virtio_pci && modprobe virtio_blk && modprobe "$driver"

is() { echo "@@ is $*"; }

shot() {
    echo "@@ shot $1"
    read -r _
}

now_ms() { awk '{ print int($1 * 1000) }' /proc/uptime; }

# within SECONDS COMMAND…: waits until it is so.
within() {
    local end=$(($(now_ms) + $1 * 1000))
    shift
    until "$@"; do
        [ "$(now_ms)" -lt $end ] || return 1
        sleep 0.1
    done
}

# What the kernel says about the display: mode, whose buffer, whether it is on.
state() {
    local state=/sys/kernel/debug/dri/0/state
    local mode user active
    mode=$(sed -n 's/^\tmode: "\([^"]*\)".*/\1/p' $state | head -n 1)
    user=$(sed -n 's/^\t\tallocated by = //p' $state | head -n 1)
    active=$(sed -n 's/^\tactive=//p' $state | head -n 1)
    # One of its threads has opened the card again.
    [ "$user" != render ] || user=kiosk
    echo "${mode:-none} ${user:-nobody} ${active:-0}"
}
state_is() { [ "$(state)" = "$1" ]; }
says() { grep -q "$2" "/tmp/$1.log"; }
ended() { ! kill -0 "$1" 2>/dev/null; }

# start NAME OPTIONS…: a kiosk, whose number is then in $pid.
start() {
    local name=$1
    shift
    # shellcheck disable=SC2086 # these are words
    $kiosk "$@" >"/tmp/$name.json" 2>"/tmp/$name.log" &
    pid=$!
}

# stop NAME PID
stop() {
    kill -TERM "$2"
    within 60 ended "$2" || is stuck "$1"
    wait "$2"
    is "$1.status" $?
    tell "$1"
}

tell() {
    sed "s/^/@@ log $1 /" "/tmp/$1.log"
    is "$1.summary" "$(cat /tmp/"$1".json)"
}

drm=drm@800x600
# One thread for the networks leaves the other processor for drawing.
kiosk="kiosk run --seconds 600 --json --loop --detector finder --threads 1"

is driver "$driver"
is kernel "$(uname -r)"
for connector in /sys/class/drm/card0-*; do break; done
is connector "${connector##*card0-}"
is modes "$(sort -u "$connector/modes" | tr '\n' ' ')"
printf '\033[2J\033[H\033[?25lThis is the console, without a cursor.\n' >/dev/tty0
is before "$(state)"
shot console

# The same screens as files.
for name in one two; do
    start "$name" --fps 0.01 --source "/pictures/$name.jpg" --size 800x600 --display "png:/out/$name"
    within 60 test -e "/out/$name/screen-000001.png" || is "$name.canvas" no
    stop "$name" $pid >/dev/null
done

# 1. A moving picture, as fast as it goes. The kernel counts what it tells of done flips to programs.
trace=/sys/kernel/tracing
echo 1 >$trace/events/drm/drm_vblank_event_delivered/enable
start moving --source pattern: --fps 60 --display "$drm"
within 60 state_is "800x600 kiosk 1" || is moving.state "$(state)"
# Both buffers are seen in turn.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    sed -n 's/^\tfb=//p' /sys/kernel/debug/dri/0/state | head -n 1
    sleep 0.11
done | sort | uniq -c | awk '{ print $2 }' | tr '\n' ' ' >/tmp/buffers
sleep 6
is moving.buffers "$(cat /tmp/buffers)"
stop moving $pid
echo 0 >$trace/events/drm/drm_vblank_event_delivered/enable
is moving.flips "$(grep drm_vblank_event_delivered: $trace/trace | grep -vcE 'file=(0+|\(null\)),')"
is moving.after "$(state)"

# 2. A picture that stands still, and another program that wants to draw too: another user, who may not ask for it.
start one --fps 0.01 --source /pictures/one.jpg --display "$drm"
first=$pid
within 60 says one "a display is" || is one.told no
is one.state "$(state)"
shot one
chmod 666 /dev/dri/card0
echo 'guest:x:1000:1000::/tmp:/bin/sh' >/etc/passwd
echo 'guest:x:1000:' >/etc/group
chmod 1777 /tmp
su -s /bin/sh guest -c "exec $kiosk --fps 0.01 --source /pictures/two.jpg --display $drm" \
    >/tmp/two.json 2>/tmp/two.log &
second=$!
within 60 says two "another program draws" || is two.warned no
shot one-again
begun=$(now_ms)
stop one $first
within 60 says two "let go" || is two.told no
within 60 state_is "800x600 kiosk 1"
is takeover_ms $(($(now_ms) - begun))
shot two

# 3. The cable is pulled and put back.
echo off >"$connector/status"
within 60 says two "no display is connected" || is unplugged no
echo detect >"$connector/status"
within 60 says two "seen again" || is plugged no
is plugged.state "$(state)"
shot two-again

# 4. The card is taken from it, as on a change of consoles, and left to somebody else for a while.
# It stands still meanwhile, else it would have the card back at once.
kill -STOP $second
drop-master $second || is dropped no
start three --fps 0.01 --source /pictures/one.jpg --display "$drm"
third=$pid
within 60 says three "a display is" || is three.told no
sleep 1
kill -CONT $second
within 60 says two "has taken" || is lost no
shot three
stop three $third
sleep 2
is regained.state "$(state)"
shot two-regained
stop two $second
is after "$(state)"
shot console-again

# 5. Nobody is there: the display is off; somebody comes: it is on.
printf '[idle]\nafter_s = 2\nfps = 2\n[faces]\ndetect_every = 1\n' >/tmp/idle.toml
start idle --config /tmp/idle.toml --source /pictures/idle --fps 0.5 --display "$drm"
within 60 state_is "800x600 kiosk 1" || is idle.on "$(state)"
within 60 state_is "none nobody 0" || is idle.off "$(state)"
# Networks take long on an emulated processor.
within 300 state_is "800x600 kiosk 1" || is idle.woken "$(state)"
stop idle $pid
is idle.after "$(state)"

tar -cf /dev/vda -C /out .
sync
is uptime_ms "$(now_ms)"
echo "@@ end"
poweroff -f
