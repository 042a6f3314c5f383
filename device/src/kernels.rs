//! How networks are computed on this machine.

pub mod kept;
pub mod probe;

use std::thread;

use models::session::{Kernel, Options};

use crate::cli::compute::{ComputeArgs, KernelChoice, Threads};

/// The options that the command line asks for.
pub fn options(args: &ComputeArgs) -> Options {
    let threads = match args.threads {
        // Where the system does not tell how many cores there are, there is one at least.
        Threads::Auto => thread::available_parallelism().map_or(1, usize::from),
        Threads::Count(count) => count.get(),
    };
    let kernel = match args.kernel {
        KernelChoice::Auto => Kernel::expected_best(),
        KernelChoice::Named(kernel) => kernel,
    };
    Options { threads, kernel }
}
