// Usage: drop-master PID: takes the graphics card from a process, as a change of consoles does.
//
// The process shares its open file by pidfd_getfd(2), so that it need not know.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DRM_IOCTL_DROP_MASTER _IO('d', 0x1f)

int main(int argc, char **argv) {
    int process = argc == 2 ? (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0) : -1;
    for (int number = 3; process >= 0 && number < 256; number++) {
        char name[64], target[64] = "";
        snprintf(name, sizeof name, "/proc/%s/fd/%d", argv[1], number);
        if (readlink(name, target, sizeof target - 1) < 0 || strncmp(target, "/dev/dri/card", 13) != 0)
            continue;
        int shared = (int)syscall(SYS_pidfd_getfd, process, number, 0);
        if (shared >= 0 && ioctl(shared, DRM_IOCTL_DROP_MASTER, 0) == 0)
            return 0;
    }
    perror("drop-master");
    return 1;
}
