//! `kiosk run` keeps and sends no picture: everything it writes, and every way out that it opens, is watched
//! and must be on a short list.

use std::path::Path;

use super::camera::Make;
use super::live::{end, pictures_come, run};
use super::screen::Layout;
use super::shots::{face, jpeg, moving};
use super::watch::Deed;

/// What goes out of it in all; no picture of a face that anybody could recognise is so small.
const WRITTEN_MAX_BYTES: u64 = 4096;

#[test]
fn no_picture_leaves_the_kiosk() {
    let pictures = moving(&face("astronaut.jpg", 640, 480), 30);
    let shots = pictures.iter().map(|picture| jpeg(picture).into()).collect();
    let Some(mut board) = run(Make::new(b"MJPG", (640, 480), shots), Layout::BITS_32) else {
        return;
    };
    pictures_come(&board, 60);
    end(&mut board);
    let (seen, written_bytes) =
        board.with(|system| (system.deeds.seen.clone(), system.deeds.written_bytes));
    println!("{written_bytes} bytes written; {seen:#?}");
    assert!(
        seen.contains(&Deed { what: "open", target: "/dev/fb0".into() }),
        "nothing was watched"
    );
    for deed in &seen {
        assert!(is_allowed(deed), "{deed:?}; see the list in this test");
    }
    assert!(written_bytes <= WRITTEN_MAX_BYTES, "{written_bytes} bytes were written");
}

fn is_allowed(Deed { what, target }: &Deed) -> bool {
    let is = |names: &[&str]| names.contains(&target.as_str());
    match *what {
        // The screen, and what the camera and the console are told.
        "open" => {
            is(&["/dev/fb0", "/dev/video0", "/dev/tty0", "/dev/null"]) || is_kernel_note(target)
        }
        // Standard output and error, which the test keeps in files; the console's cursor; who wakes whom.
        "write" => {
            let name = Path::new(target).file_name().unwrap_or_default();
            name == "out"
                || name == "err"
                || is(&["/memfd:apparent-console (deleted)", "anon_inode:[eventfd]"])
                || is_kernel_note(target)
        }
        // A signal handler wakes its own process.
        "send" | "socket" => target.starts_with("socket:[") || target == "unix",
        _ => false,
    }
}

/// Which kernel is fastest on this processor, kept in the cache folder; it is written under another name first.
fn is_kernel_note(path: &str) -> bool {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("apparent");
    Path::new(path).parent() == Some(&dir) && path.contains("kernel.json")
}
