//! What systemd hears of a run.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// All that is sent until a run ends. It is taken while it comes: a socket holds no more than ten messages.
fn messages(socket: &UnixDatagram, program: &mut Child) -> Vec<String> {
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut buffer = [0; 4096];
    let mut messages = Vec::new();
    loop {
        // Asked first, so that what was sent before the end is still taken.
        let ended = program.try_wait().unwrap();
        while let Ok(length) = socket.recv(&mut buffer) {
            messages.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
        if let Some(status) = ended {
            assert!(status.success());
            return messages;
        }
    }
}

#[test]
fn systemd_hears_that_it_is_ready_how_it_is_that_it_moves_and_that_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    command.args(["run", "--source", "pattern:", "--detector", "embedded", "--display", "none"]);
    command.args(["--seconds", "3"]).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000");
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    let mut program = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let messages = messages(&socket, &mut program);
    let sent = |text: &str| messages.iter().filter(|message| message.contains(text)).count();
    assert_eq!((sent("READY=1"), sent("STOPPING=1")), (1, 1), "{messages:?}");
    assert!(sent("STATUS=") >= 1 && sent("camera good") >= 1, "{messages:?}");
    assert!(sent("WATCHDOG=1") >= 2, "{messages:?}");
}
