//! Where a run computes, and in which numbers.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use tch::{Cuda, Device, Kind};

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// On the processor.
    #[default]
    Cpu,
    /// On the first CUDA device; without one the run stops.
    Cuda,
}

/// What all but the logits is computed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// bf16 where it is quicker.
    #[default]
    Auto,
    /// 32-bit floats.
    F32,
    /// Brain floats: weights stay f32.
    Bf16,
}

impl On {
    /// The device, ready to use.
    ///
    /// # Errors
    /// CUDA is asked for and there is none: it never falls back.
    pub fn open(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda => {
                let loaded = load_cuda();
                match (Cuda::is_available(), loaded) {
                    (true, _) => Ok(Device::Cuda(0)),
                    (false, true) => bail!("--device cuda: no CUDA device is found"),
                    (false, false) => bail!(
                        "--device cuda: no CUDA device is found; libtorch_cuda.so cannot be loaded"
                    ),
                }
            }
        }
    }
}

impl Precision {
    /// The numbers that convolutions compute in on `device`.
    pub fn kind(self, device: Device) -> Kind {
        match self {
            Self::F32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
            Self::Auto if device.is_cuda() || cpu_multiplies_bf16() => Kind::BFloat16,
            Self::Auto => Kind::Float,
        }
    }
}

/// Loads torch's CUDA part, which registers itself; whether it could be loaded.
///
/// Nothing of it is called by name, so the linker leaves it out of the program.
#[allow(unsafe_code, reason = "loading a library runs its initializers")]
pub(super) fn load_cuda() -> bool {
    // SAFETY: the name is a C string, and torch's own library is made to be loaded beside
    // libtorch_cpu, which this program is linked with.
    let library =
        unsafe { libc::dlopen(c"libtorch_cuda.so".as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    !library.is_null()
}

/// Whether Linux lists an instruction that multiplies bf16; emulated, it is far slower than f32.
pub(super) fn cpu_multiplies_bf16() -> bool {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    ["avx512_bf16", "amx_bf16"].iter().any(|flag| cpu.contains(flag))
}
