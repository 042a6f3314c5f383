// GLIBC 2.35 gave hypot and hypotf a new version, which differs in not setting errno. A program linked against
// it would not load on 2.34, so their first versions are called instead (linked with --wrap=hypot,hypotf).

    .symver first_hypot, hypot@GLIBC_2.17
    .symver first_hypotf, hypotf@GLIBC_2.17
    .globl __wrap_hypot, __wrap_hypotf

__wrap_hypot:
    b first_hypot

__wrap_hypotf:
    b first_hypotf
