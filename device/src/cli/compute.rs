//! How networks are computed, as it is typed: threads and kernel.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use clap::Args;
use models::session::Kernel;

/// How the networks are computed.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeArgs {
    /// How many threads compute a network; 'auto' takes every core
    #[arg(long, value_name = "N|auto", default_value = "1")]
    pub threads: Threads,

    /// How integer convolutions are computed; 'auto' takes what is fastest on this processor
    #[arg(long, value_name = "auto|NAME", default_value = "auto")]
    pub kernel: KernelChoice,
}

/// How many threads compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// One for each core.
    Auto,
    /// So many.
    Count(NonZeroUsize),
}

/// More threads than any board has cores help nobody.
const THREADS_MAX: usize = 256;

impl FromStr for Threads {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let count = text.parse().ok().filter(|count: &NonZeroUsize| count.get() <= THREADS_MAX);
        count
            .map(Self::Count)
            .ok_or_else(|| format!("expected auto or a number from 1 to {THREADS_MAX}"))
    }
}

impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Count(count) => count.fmt(f),
        }
    }
}

/// What computes integer convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelChoice {
    /// The fastest one on this processor.
    Auto,
    /// This one, which the processor can run.
    Named(Kernel),
}

impl FromStr for KernelChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let kernel: Kernel = text.parse()?;
        if kernel.runs_here() {
            return Ok(Self::Named(kernel));
        }
        let names: Vec<_> = Kernel::available().into_iter().map(Kernel::name).collect();
        Err(format!("this processor cannot run {kernel}, it can run {}", names.join(", ")))
    }
}

impl fmt::Display for KernelChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Named(kernel) => kernel.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_a_number_or_every_core() {
        assert_eq!("auto".parse(), Ok(Threads::Auto));
        assert_eq!("4".parse(), Ok(Threads::Count(NonZeroUsize::new(4).unwrap())));
        assert_eq!(Threads::Auto.to_string(), "auto");
        for broken in ["", "0", "-1", "1.5", "257", "all"] {
            assert!(broken.parse::<Threads>().unwrap_err().contains("from 1 to 256"), "{broken}");
        }
    }

    #[test]
    fn a_kernel_is_one_that_this_processor_can_run() {
        assert_eq!("auto".parse(), Ok(KernelChoice::Auto));
        for kernel in Kernel::available() {
            let choice = KernelChoice::Named(kernel);
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        let error = "fastest".parse::<KernelChoice>().unwrap_err();
        assert!(error.contains("fastest") && error.contains("tract"), "{error}");
    }
}
