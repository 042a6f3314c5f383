#!/bin/sh
# camera PICTURE.yuyv: plugs a camera in, in front of which is what the picture shows. camera off: unplugs it.
set -eu
if [ -e /run/feeder ]; then
    kill "$(cat /run/feeder)" 2>/dev/null || true
    rm /run/feeder
    sleep 1
fi
bound=/sys/bus/platform/drivers/vivid/vivid.0
if [ "$1" = off ]; then
    echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
    exit
fi
if [ ! -e /sys/module/vivid ]; then
    modprobe -d /mnt vivid n_devs=1 node_types=0x101 num_inputs=1 input_types=3 num_outputs=1 output_types=1 no_error_inj=1
elif [ ! -e $bound ]; then
    echo vivid.0 >/sys/bus/platform/drivers/vivid/bind
fi
# Which is which: the output first takes what the capture gives.
for node in /sys/class/video4linux/video*; do
    case "$(cat "$node/name")" in
    *-vid-cap) in=/dev/$(basename "$node") ;;
    *-vid-out) out=/dev/$(basename "$node") ;;
    esac
done
/mnt/v4l2-ctl -d "$in" -c loop_video=1,osd_text_mode=2
/mnt/v4l2-ctl -d "$out" --set-fmt-video-out=width=1280,height=720,pixelformat=YUYV \
    --stream-out-mmap=4 --stream-from="/mnt/$1" --stream-loop >/run/feeder.log 2>&1 </dev/null &
echo $! >/run/feeder
