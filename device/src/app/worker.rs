//! A thread whose end, good, bad or by panic, is put where the supervisor looks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::latest::{Latest, Taken};

/// A running thread.
#[derive(Debug)]
pub struct Worker {
    name: &'static str,
    done: Arc<Latest<Result<()>>>,
    result: Option<Result<()>>,
}

impl Worker {
    /// Begins `work` in a thread called `name`.
    ///
    /// # Errors
    /// Where the system has no more threads.
    pub fn spawn(
        name: &'static str,
        work: impl FnOnce() -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let done = Arc::new(Latest::default());
        let mailbox = Arc::clone(&done);
        let body = move || {
            let ended = catch_unwind(AssertUnwindSafe(work));
            mailbox
                .put(ended.unwrap_or_else(|panic| Err(anyhow!("it panicked: {}", said(&*panic)))));
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
        thread.with_context(|| format!("starting the {name} thread"))?;
        Ok(Self { name, done, result: None })
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.wait(Duration::ZERO);
        self.result.is_some()
    }

    /// Waits for its end until `deadline`, and tells how it ended. One that is busy for longer is left
    /// behind: the program ends with it.
    ///
    /// # Errors
    /// Where it failed or panicked.
    pub fn end(mut self, deadline: Instant) -> Result<()> {
        self.wait(deadline.saturating_duration_since(Instant::now()));
        let name = self.name;
        if self.result.is_none() {
            log::info!("the {name} thread is busy and left behind");
        }
        self.result.unwrap_or(Ok(())).with_context(|| format!("the {name} thread"))
    }

    fn wait(&mut self, patience: Duration) {
        if self.result.is_none()
            && let Taken::Item(result) = self.done.take(patience)
        {
            self.result = Some(result);
        }
    }
}

/// What a panic said.
pub fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nothing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    fn end(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        Worker::spawn("test", work).unwrap().end(Instant::now() + Duration::from_secs(60))
    }

    #[test]
    fn an_end_is_told_as_it_was() {
        assert!(end(|| Ok(())).is_ok());
        let failed = format!("{:#}", end(|| bail!("no more")).unwrap_err());
        assert_eq!(failed, "the test thread: no more");
        let panicked = format!("{:#}", end(|| panic!("{}", "oh")).unwrap_err());
        assert_eq!(panicked, "the test thread: it panicked: oh");
    }

    #[test]
    fn a_thread_that_goes_on_is_left_behind() {
        let gate = Arc::new(Latest::<()>::default());
        let inside = Arc::clone(&gate);
        let mut worker = Worker::spawn("test", move || {
            inside.take(Duration::from_secs(60));
            Ok(())
        })
        .unwrap();
        assert!(!worker.has_ended());
        assert!(worker.end(Instant::now()).is_ok());
        gate.close();
    }
}
