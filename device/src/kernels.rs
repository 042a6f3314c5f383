//! How networks are computed on this machine.

pub mod kept;
pub mod probe;

use std::collections::HashMap;
use std::path::Path;
use std::thread;
use std::time::Instant;

use models::session::{Kernel, Options, Probe};

use crate::cli::compute::{ComputeArgs, KernelChoice, Threads};
use crate::machine::Machine;
use kept::Key;

/// The options that the command line asks for.
pub fn options(args: &ComputeArgs) -> Options {
    let threads = match args.threads {
        // Where the system does not tell how many cores there are, there is one at least.
        Threads::Auto => thread::available_parallelism().map_or(1, usize::from),
        Threads::Count(count) => count.get(),
    };
    let kernel = match args.kernel {
        KernelChoice::Auto => best(),
        KernelChoice::Named(kernel) => kernel,
    };
    Options { threads, kernel }
}

/// The fastest kernel on this machine, as it was measured once.
fn best() -> Kernel {
    let candidates = candidates();
    let key = Key {
        cpu: Machine::read(Path::new("/")).cpu,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernels: candidates.iter().map(ToString::to_string).collect(),
    };
    let kernel = kept::kernel(&kept::file(), &key, &mut || measured(&candidates));
    kernel.unwrap_or_else(Kernel::expected_best)
}

/// What may be the fastest. Plain Rust never is beside tract, and it would take long to find that out.
fn candidates() -> Vec<Kernel> {
    Kernel::available().into_iter().filter(|kernel| *kernel != Kernel::Scalar).collect()
}

fn measured(candidates: &[Kernel]) -> Option<Kernel> {
    let probe = |&kernel: &Kernel| Some((kernel, Probe::new(kernel).ok()?));
    let mut probes: HashMap<_, _> = candidates.iter().filter_map(probe).collect();
    let begun = Instant::now();
    let mut work = |kernel| probes.get_mut(&kernel)?.run().ok();
    probe::fastest(candidates, &mut work, &mut || begun.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_finds_a_kernel_that_runs_here() {
        assert!(measured(&candidates()).is_some_and(Kernel::runs_here));
    }
}
