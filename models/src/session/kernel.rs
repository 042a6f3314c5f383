//! How the convolutions of an int8 network are computed, and which ways this processor can go.

use std::fmt;
use std::str::FromStr;

/// A way to compute integer convolutions; all give the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// tract's own operators: nothing is replaced.
    Tract,
    /// Plain Rust: the reference that the others are held against.
    Scalar,
}

/// Every kernel of every processor, the slowest first.
const ALL: [Kernel; 2] = [Kernel::Tract, Kernel::Scalar];

impl Kernel {
    /// What `--kernel` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tract => "tract",
            Self::Scalar => "scalar",
        }
    }

    /// Those that run on this processor, the one expected to be slowest first.
    pub fn available() -> Vec<Self> {
        ALL.into_iter().filter(|kernel| kernel.runs_here()).collect()
    }

    /// The available kernel that is expected to be the fastest.
    pub fn expected_best() -> Self {
        Self::Tract
    }

    /// Whether this processor has the instructions.
    pub fn runs_here(self) -> bool {
        match self {
            Self::Tract | Self::Scalar => true,
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kernel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ALL.into_iter().find(|kernel| kernel.name() == text).ok_or_else(|| {
            let names = ALL.map(Self::name).join(", ");
            format!("no kernel is called {text}, there are {names}")
        })
    }
}
