//! What a program did that could bring bytes out of it.

use std::collections::BTreeSet;

use libc::c_long;

use super::notify::Call;

/// One such deed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deed {
    /// In a word: `open`, `write`, `socket`, …
    pub(crate) what: &'static str,
    /// On what: a path, or what the descriptor stands for.
    pub(crate) target: String,
}

/// All deeds, each once, and how many bytes were written in all.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    pub(crate) seen: BTreeSet<Deed>,
    pub(crate) written_bytes: u64,
}

impl Deeds {
    /// Notes that a file was opened, where it can be written through that.
    pub(crate) fn note_open(&mut self, path: &str, flags: u64) {
        let writes = i32::try_from(flags & 0xFFFF_FFFF).is_ok_and(|flags| {
            flags & libc::O_ACCMODE != libc::O_RDONLY
                || flags & (libc::O_CREAT | libc::O_TRUNC) != 0
        });
        if writes {
            self.note("open", path.to_owned());
        }
    }

    /// Notes any other call that could bring bytes out; those that could not are passed over.
    pub(crate) fn note_call(&mut self, call: &Call) {
        let on_file = |what| (what, call.file(call.args[0]));
        let (what, target) = match call.number {
            libc::SYS_write | libc::SYS_pwrite64 => {
                self.written_bytes += call.args[2];
                on_file("write")
            }
            libc::SYS_writev | libc::SYS_pwritev | libc::SYS_pwritev2 => {
                self.written_bytes += vector_bytes(call);
                on_file("write")
            }
            libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_sendmmsg => on_file("send"),
            libc::SYS_connect => on_file("connect"),
            libc::SYS_socket => ("socket", family(call.args[0])),
            libc::SYS_sendfile | libc::SYS_splice | libc::SYS_vmsplice => on_file("splice"),
            libc::SYS_copy_file_range => on_file("copy"),
            libc::SYS_memfd_create => ("memfd", String::new()),
            number => match other(number) {
                Some(what) => (what, String::new()),
                None => return,
            },
        };
        self.note(what, target);
    }

    fn note(&mut self, what: &'static str, target: String) {
        self.seen.insert(Deed { what, target });
    }
}

fn other(number: c_long) -> Option<&'static str> {
    (number == libc::SYS_io_uring_setup).then_some("io_uring")
}

fn family(number: u64) -> String {
    match i32::try_from(number) {
        Ok(libc::AF_UNIX) => "unix".to_owned(),
        _ => format!("family {number}"),
    }
}

/// How many bytes the parts of a `writev` have together.
fn vector_bytes(call: &Call) -> u64 {
    let part = |n| call.read::<[u64; 2]>(call.args[1] + 16 * n).map_or(0, |[_, length]| length);
    (0..call.args[2]).map(part).sum()
}
