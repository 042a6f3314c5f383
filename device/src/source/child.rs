//! A command run by the shell, in a process group of its own, which ends with its handle.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::pipe;

/// Programs that hold a camera are given time to let go of it. A kiosk that stops must have stopped within
/// a second.
const GRACE: Duration = Duration::from_millis(500);

/// A running command and everything that it started.
#[derive(Debug)]
pub struct Group {
    child: Child,
    reaped: bool,
    /// What it prints.
    pub stdout: ChildStdout,
    /// What it complains of.
    pub stderr: ChildStderr,
}

impl Group {
    /// Runs `command` by `sh -c`, without input.
    ///
    /// # Errors
    /// Where there is no shell, or no process can be made.
    pub fn spawn(command: &str) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).process_group(0);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = shell.spawn()?;
        let pipes = child.stdout.take().zip(child.stderr.take());
        let (stdout, stderr) = pipes.ok_or_else(|| io::Error::other("a child without pipes"))?;
        Ok(Self { child, reaped: false, stdout, stderr })
    }

    /// How it ended, waiting for that for at most `patience`; `None` where it still runs. What it started
    /// ends with it.
    pub fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        if !self.reaped && self.wait_for_shell(patience) {
            self.end();
        }
        self.child.try_wait().ok().flatten()
    }

    /// Whether the shell ends within `patience`. Where the kernel cannot tell (before 5.3), it does not wait.
    fn wait_for_shell(&self, patience: Duration) -> bool {
        let shell = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty());
        shell.is_ok_and(|shell| pipe::wait([shell.as_fd()], patience).is_ok_and(|[ended]| ended))
    }

    /// Ends the whole group. The shell is reaped last: until then nobody else can have its number.
    fn end(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
        self.reaped = true;
    }
}

impl Drop for Group {
    /// Asks everything in the group to end, waits a little, and then makes it.
    fn drop(&mut self) {
        if !self.reaped {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::TERM);
            self.wait_for_shell(GRACE);
            self.end();
        }
    }
}

/// How a command ended, in words.
pub fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "ended by itself".to_owned(),
        // The shell's own words for it.
        (Some(127), _) => "ended with exit status 127: no such command".to_owned(),
        (Some(code), _) => format!("ended with exit status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
