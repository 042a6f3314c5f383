# Short names for the scripts: `just demo`, `just test`, …

# Lists what there is.
default:
    @just --list

# Builds kiosk and labels the demo pictures.
demo *options:
    scripts/demo.sh {{ options }}

# kiosk for 64-bit ARM boards.
cross *options:
    scripts/cross-build.sh {{ options }}

# The kernels' tests on emulated ARM processors.
test-arm *options:
    scripts/test-arm.sh {{ options }}

# Formatting, lints, documentation.
check:
    scripts/check.sh

# Every check and every test.
test:
    scripts/test.sh
