//! Which system calls of a program are asked about first, as a seccomp filter; see seccomp(2).

#![allow(unsafe_code, reason = "prctl and seccomp have no safe wrapper")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use libc::{c_long, sock_filter};

/// Calls that reach for devices and files, wait for devices, or let bytes out of the program.
const ASKED: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_readlinkat,
    libc::SYS_statx,
    libc::SYS_ppoll,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_sendfile,
    libc::SYS_splice,
    libc::SYS_vmsplice,
    libc::SYS_copy_file_range,
    libc::SYS_io_uring_setup,
    libc::SYS_memfd_create,
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
];

/// The kinds of `ioctl` that are asked about: of cameras, framebuffers, consoles, SPI, GPIO and I2C.
const IOCTLS: &[u8] = b"VFKk\xB4\x07";

// Where `struct seccomp_data` has them. Both kinds of machine begin with the low half of an argument.
const NUMBER_AT: u32 = 0;
const ARCH_AT: u32 = 4;
const REQUEST_AT: u32 = 16 + 8;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xC000_00B7;

/// Puts the filter on this thread and all it will start; its questions are read from what is returned.
pub(crate) fn install() -> io::Result<OwnedFd> {
    let mut code = program();
    let length = u16::try_from(code.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: code.as_mut_ptr() };
    // SAFETY: both calls take what they are documented to take, and `code` outlives them.
    let listener = unsafe {
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &program)
    };
    let fd = i32::try_from(listener).map_err(io::Error::other)?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made it, for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A program is a list of statements; jumps only go forward.
fn program() -> Vec<sock_filter> {
    let ask = ret(libc::SECCOMP_RET_USER_NOTIF);
    let allow = ret(libc::SECCOMP_RET_ALLOW);
    let mut code = vec![load(ARCH_AT), skip_if(ARCH, 1), allow, load(NUMBER_AT)];
    code.extend(ASKED.iter().flat_map(|&call| [skip_unless(number(call), 1), ask]));
    code.extend([skip_if(number(libc::SYS_ioctl), 1), allow, load(REQUEST_AT)]);
    code.extend([(libc::BPF_RSH, 8), (libc::BPF_AND, 0xFF)].map(|(op, k)| calculate(op, k)));
    code.extend(IOCTLS.iter().flat_map(|&kind| [skip_unless(kind.into(), 1), ask]));
    code.push(allow);
    code
}

fn load(at: u32) -> sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at)
}

fn calculate(operation: u32, by: u32) -> sock_filter {
    statement(libc::BPF_ALU | operation | libc::BPF_K, by)
}

fn ret(action: u32) -> sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, action)
}

fn skip_if(value: u32, count: u8) -> sock_filter {
    sock_filter { jt: count, ..compare(value) }
}

fn skip_unless(value: u32, count: u8) -> sock_filter {
    sock_filter { jf: count, ..compare(value) }
}

fn compare(value: u32) -> sock_filter {
    statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value)
}

#[allow(clippy::cast_possible_truncation, reason = "operations are numbers below 256")]
fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).expect("system calls have small numbers")
}
