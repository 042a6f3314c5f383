//! How the convolutions of an int8 network are computed, and which ways this processor can go.

#[cfg(target_arch = "aarch64")]
use std::arch::is_aarch64_feature_detected;
use std::fmt;
use std::str::FromStr;

#[cfg(target_arch = "aarch64")]
use super::int8::arm;
#[cfg(target_arch = "x86_64")]
use super::int8::x86;
use super::int8::{SCALAR, Tile};

/// A way to compute integer convolutions. All of ours give the same bytes; what one cannot take is left to
/// tract, which rounds in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// tract as it is, with nothing replaced and nothing computed beforehand: what ours are compared with.
    Tract,
    /// Plain Rust: the reference that the others are held against.
    Scalar,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 and its dot products of bytes (VNNI).
    Avx512Vnni,
    /// Any 64-bit ARM: Cortex-A53, A57, A72.
    Neon,
    /// 64-bit ARM with dot products of bytes: Cortex-A76, Orin.
    NeonDot,
}

/// Every kernel of every processor; of one processor's, the one expected to be slowest first.
const ALL: [Kernel; 6] = [
    Kernel::Scalar,
    Kernel::Tract,
    Kernel::Avx2,
    Kernel::Avx512Vnni,
    Kernel::Neon,
    Kernel::NeonDot,
];

impl Kernel {
    /// What `--kernel` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tract => "tract",
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512Vnni => "avx512-vnni",
            Self::Neon => "neon",
            Self::NeonDot => "neon-dot",
        }
    }

    /// Those that run on this processor, the one expected to be slowest first.
    pub fn available() -> Vec<Self> {
        ALL.into_iter().filter(|kernel| kernel.runs_here()).collect()
    }

    /// The available kernel that is expected to be the fastest.
    pub fn expected_best() -> Self {
        Self::available().last().copied().unwrap_or(Self::Tract)
    }

    /// Whether this processor has the instructions.
    pub fn runs_here(self) -> bool {
        matches!(self, Self::Tract | Self::Scalar) || self.own().is_some()
    }

    /// Its inner loop, where it is ours and runs on this processor.
    pub(super) fn tile(self) -> Option<&'static Tile> {
        match self {
            Self::Tract => None,
            Self::Scalar => Some(&SCALAR),
            _ => self.own(),
        }
    }

    /// The inner loop in instructions that this processor has.
    #[cfg(target_arch = "x86_64")]
    fn own(self) -> Option<&'static Tile> {
        match self {
            Self::Avx2 => is_x86_feature_detected!("avx2").then_some(&x86::AVX2),
            Self::Avx512Vnni => {
                let has = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni");
                has.then_some(&x86::AVX512_VNNI)
            }
            _ => None,
        }
    }

    /// The inner loop in instructions that this processor has.
    #[cfg(target_arch = "aarch64")]
    fn own(self) -> Option<&'static Tile> {
        match self {
            Self::Neon => Some(&arm::NEON),
            Self::NeonDot => is_aarch64_feature_detected!("dotprod").then_some(&arm::NEON_DOT),
            _ => None,
        }
    }

    /// None: for this processor there are no kernels yet.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn own(self) -> Option<&'static Tile> {
        None
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
