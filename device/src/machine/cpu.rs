//! The processor, from `/proc/cpuinfo` of x86 and ARM.

use serde::{Deserialize, Serialize};

/// A processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// Its name, such as `4 × Cortex-A72`; cores of different kinds are counted apart.
    pub name: String,
    /// How many cores are switched on.
    pub cores: usize,
    /// Of the instructions that make integer networks fast, those that every core has.
    pub features: Vec<String>,
}

/// Instruction sets that decide how fast a network runs, as the kernel calls them.
const FEATURES: [&str; 17] = [
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "amx_int8",
    "neon",
    "asimd",
    "asimdhp",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
    "sme",
];

/// ARM's own cores by their part numbers (Linux, `arch/arm64/include/asm/cputype.h`).
const ARM_PARTS: [(&str, &str); 16] = [
    ("0xc07", "Cortex-A7"),
    ("0xd03", "Cortex-A53"),
    ("0xd04", "Cortex-A35"),
    ("0xd05", "Cortex-A55"),
    ("0xd07", "Cortex-A57"),
    ("0xd08", "Cortex-A72"),
    ("0xd09", "Cortex-A73"),
    ("0xd0a", "Cortex-A75"),
    ("0xd0b", "Cortex-A76"),
    ("0xd0c", "Neoverse-N1"),
    ("0xd0d", "Cortex-A77"),
    ("0xd40", "Neoverse-V1"),
    ("0xd41", "Cortex-A78"),
    ("0xd42", "Cortex-A78AE"),
    ("0xd46", "Cortex-A510"),
    ("0xd49", "Neoverse-N2"),
];

impl Cpu {
    /// What `/proc/cpuinfo` says; what it does not say stays empty.
    pub fn parse(cpuinfo: &str) -> Self {
        let cores: Vec<_> =
            cpuinfo.split("\n\n").filter(|core| value(core, "processor").is_some()).collect();
        Self { name: names(&cores), cores: cores.len(), features: common_features(&cores) }
    }
}

/// What follows `key` and a colon.
fn value<'a>(core: &'a str, key: &str) -> Option<&'a str> {
    let mut pairs = core.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
}

/// Each kind of core with how many there are, in the order in which they are listed.
fn names(cores: &[&str]) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for name in cores.iter().map(|core| name(core)) {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let kinds: Vec<_> = counts.iter().map(|(name, count)| format!("{count} × {name}")).collect();
    kinds.join(", ")
}

fn name(core: &str) -> String {
    if let Some(name) = value(core, "model name") {
        return name.to_owned();
    }
    let (maker, part) = (value(core, "CPU implementer"), value(core, "CPU part"));
    let known = ARM_PARTS.iter().find(|(number, _)| maker == Some("0x41") && part == Some(number));
    match (known, maker, part) {
        (Some((_, name)), ..) => (*name).to_owned(),
        (None, Some(maker), Some(part)) => format!("ARM core {maker}:{part}"),
        _ => "unknown core".to_owned(),
    }
}

fn flags(core: &str) -> Vec<&str> {
    let flags = value(core, "flags").or_else(|| value(core, "Features"));
    flags.unwrap_or_default().split_whitespace().collect()
}

fn common_features(cores: &[&str]) -> Vec<String> {
    let sets: Vec<Vec<&str>> = cores.iter().map(|core| flags(core)).collect();
    let everywhere = |feature: &&str| !sets.is_empty() && sets.iter().all(|s| s.contains(feature));
    FEATURES.into_iter().filter(everywhere).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(part: &str, features: &str) -> String {
        format!(
            "processor\t: 0\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n"
        )
    }

    #[test]
    fn an_x86_processor_tells_its_name() {
        let core =
            "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512_vnni avx2x\n";
        let cpu = Cpu::parse(&format!("{core}\n{core}"));
        assert_eq!((cpu.name.as_str(), cpu.cores), ("2 × AMD EPYC", 2));
        assert_eq!(cpu.features, ["avx2", "avx512_vnni"]);
    }

    #[test]
    fn arm_cores_are_named_by_their_numbers_and_counted_by_kind() {
        let small = arm("0xd05", "fp asimd asimddp");
        let large = arm("0xd0b", "fp asimd asimdhp asimddp");
        let cpu = Cpu::parse(&[small.as_str(), &small, &large, &large, "Serial\t: 1\n"].concat());
        assert_eq!((cpu.name.as_str(), cpu.cores), ("2 × Cortex-A55, 2 × Cortex-A76", 4));
        assert_eq!(cpu.features, ["asimd", "asimddp"], "only what all cores have");
        assert_eq!(Cpu::parse(&arm("0xfff", "")).name, "1 × ARM core 0x41:0xfff");
    }

    #[test]
    fn a_file_that_says_nothing_gives_an_empty_processor() {
        assert_eq!(Cpu::parse(""), Cpu::default());
        assert_eq!(Cpu::parse("processor\n\n:::\n"), Cpu::default());
    }
}
