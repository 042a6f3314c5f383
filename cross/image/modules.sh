# shellcheck shell=bash
# Sourced by scripts/image.sh: which of Debian's kernel modules the image holds. What they need comes along.

# In the RAM disk: what it takes to reach the card.
# shellcheck disable=SC2034 # read by scripts/image.sh
modules_to_boot=(bcm2835 mmc_block sdhci-iproc squashfs virtio_blk virtio_mmio virtio_pci)

# In the system beside those.
# shellcheck disable=SC2034 # read by scripts/image.sh
modules_to_run=(
    # file systems: the data, the settings, a stick
    ext4 vfat fat crc32c_generic nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 loop autofs4
    # USB and what is plugged in
    dwc2 xhci-pci xhci-hcd pcie-brcmstb reset-raspberrypi usb-storage uas sd_mod usbhid hid-generic
    # displays, and panels, buttons and lights on buses
    vc4 v3d virtio-gpu bochs panel-simple panel-raspberrypi-touchscreen rpi-panel-attiny-regulator tc358762 gpio-backlight
    pwm_bl pwm-bcm2835 spi-bcm2835 spi-bcm2835aux spidev i2c-bcm2835 i2c-dev i2c-brcmstb gpio-raspberrypi-exp leds-gpio
    # cameras
    uvcvideo bcm2835-v4l2
    # heat, clock rate, chance, watchdogs
    bcm2835_thermal bcm2711_thermal raspberrypi-cpufreq raspberrypi-hwmon bcm2835-rng iproc-rng200 bcm2835_wdt
    i6300esb virtio-rng
    # networks, which are off until somebody turns them on
    genet smsc95xx lan78xx microchip bcm-phy-lib broadcom bcm7xxx r8152 ax88179_178a asix cdc_ether virtio_net brcmfmac
)

# copy_modules FROM TO NAME…: these modules of the tree FROM and what they need, with the lists that udev reads. What
# is in the kernel itself, or has no module in this one, is passed over: kernels differ.
copy_modules() {
    local version from to
    version=$(basename "$1"/lib/modules/*)
    from=$1/lib/modules/$version to=$2/lib/modules/$version
    [ -e "$from/modules.dep" ] || depmod -b "$1" "$version"
    mkdir -p "$to"
    local name pattern
    for name in "${@:3}"; do
        pattern=${name//[-_]/[-_]}
        grep -E "/$pattern\.ko:" "$from/modules.dep" || true
    done | tr -d : | tr ' ' '\n' | sort -u | (cd "$from" && xargs cp --parents -t "$to")
    cp "$from"/modules.{builtin,builtin.modinfo,order} "$to/"
    depmod -b "$2" "$version"
}
