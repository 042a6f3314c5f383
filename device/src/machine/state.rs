//! What changes while a machine runs: governor, frequencies, temperatures, and whether it is throttled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::text;
use crate::numbered;

/// One look at a machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The frequency governors in use; empty where the machine does not tell.
    pub governors: Vec<String>,
    /// The frequency of each group of cores.
    pub frequencies: Vec<Frequency>,
    /// The thermal zones, in degrees Celsius.
    pub temperatures_c: BTreeMap<String, f64>,
    /// The firmware's word on power and heat, on boards that have one (Raspberry Pi).
    pub throttled: Option<Throttled>,
    /// What cools the processor by slowing it just now.
    pub slowed_by: Vec<String>,
    /// How often the cores were throttled since the start, where they count it (x86).
    pub throttle_count: Option<u64>,
}

/// Frequencies of a group of cores, in MHz.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency {
    /// The group, such as `policy0`.
    pub group: String,
    /// Now.
    pub now_mhz: u64,
    /// The most that is allowed now.
    pub max_mhz: Option<u64>,
}

/// The bits of `vcgencmd get_throttled` (Raspberry Pi documentation, "vcgencmd").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttled(pub u32);

/// The bits of [`Throttled`] that stand for now; the same 16 places up they stand for "since the start".
const THROTTLED: [(u32, &str); 4] = [
    (0, "the supply voltage is too low"),
    (1, "the frequency is capped"),
    (2, "the processor is throttled"),
    (3, "the soft temperature limit is reached"),
];

impl Throttled {
    /// From what `vcgencmd` prints, `throttled=0x50005`, or from the number alone.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.trim().trim_start_matches("throttled=").trim_start_matches("0x");
        u32::from_str_radix(number, 16).ok().map(Self)
    }

    /// What is wrong at this moment, in words.
    pub fn now(self) -> impl Iterator<Item = &'static str> {
        THROTTLED.into_iter().filter(move |(bit, _)| self.has(*bit)).map(|(_, words)| words)
    }

    /// What has happened since `earlier` for the first time since the start, in words.
    pub fn since(self, earlier: Self) -> impl Iterator<Item = &'static str> {
        let fresh = move |bit| self.has(bit + 16) && !earlier.has(bit + 16);
        THROTTLED.into_iter().filter(move |(bit, _)| fresh(*bit)).map(|(_, words)| words)
    }

    fn has(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }
}

impl State {
    /// The state of the machine whose files lie under `root`; `vcgencmd` is what that program printed,
    /// where there is one.
    pub fn read(root: &Path, vcgencmd: Option<&str>) -> Self {
        let policies = numbered::paths(&root.join("sys/devices/system/cpu/cpufreq"), "policy");
        let mut governors: Vec<_> =
            policies.iter().filter_map(|policy| text(&policy.join("scaling_governor"))).collect();
        governors.sort();
        governors.dedup();
        let firmware = text(&root.join("sys/devices/platform/soc/soc:firmware/get_throttled"));
        Self {
            governors,
            frequencies: policies.iter().filter_map(|policy| frequency(policy)).collect(),
            temperatures_c: temperatures_c(root),
            throttled: vcgencmd.and_then(Throttled::parse).or_else(|| Throttled::parse(&firmware?)),
            slowed_by: slowed_by(root),
            throttle_count: throttle_count(root),
        }
    }

    /// The hottest zone, in degrees Celsius. That of a Jetson's power supply is left out: it always says 100.
    pub fn hottest_c(&self) -> Option<f64> {
        let zones = self.temperatures_c.iter().filter(|(name, _)| !name.contains("PMIC"));
        zones.map(|(_, &celsius)| celsius).reduce(f64::max)
    }
}

fn frequency(policy: &Path) -> Option<Frequency> {
    let mhz = |name| Some(number(&policy.join(name))? / 1000);
    Some(Frequency {
        group: name_of(policy),
        now_mhz: mhz("scaling_cur_freq")?,
        max_mhz: mhz("scaling_max_freq"),
    })
}

fn temperatures_c(root: &Path) -> BTreeMap<String, f64> {
    let zones = numbered::paths(&root.join("sys/class/thermal"), "thermal_zone");
    let zone = |zone: &PathBuf| {
        let milli: f64 = text(&zone.join("temp"))?.parse().ok().filter(|t: &f64| t.is_finite())?;
        let name = name_of(zone);
        let kind = text(&zone.join("type"));
        Some((kind.map_or(name.clone(), |kind| format!("{name} {kind}")), milli / 1000.0))
    };
    zones.iter().filter_map(zone).collect()
}

/// Cooling devices that slow the processor and are at it.
fn slowed_by(root: &Path) -> Vec<String> {
    let devices = numbered::paths(&root.join("sys/class/thermal"), "cooling_device");
    let active = |device: &PathBuf| {
        let kind = text(&device.join("type"))?;
        let slows = ["cpufreq", "throttl", "Processor"].iter().any(|part| kind.contains(part));
        (slows && number(&device.join("cur_state"))? > 0).then_some(kind)
    };
    devices.iter().filter_map(active).collect()
}

fn throttle_count(root: &Path) -> Option<u64> {
    let cores = numbered::paths(&root.join("sys/devices/system/cpu"), "cpu");
    let count = |core: &PathBuf| number(&core.join("thermal_throttle/core_throttle_count"));
    cores.iter().filter_map(count).reduce(u64::saturating_add)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::tests::tree;

    #[test]
    fn a_raspberry_pi_tells_governor_frequency_heat_and_throttling() {
        let root = tree(&[
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "ondemand\n"),
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "600000\n"),
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq", "1800000\n"),
            ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
            ("sys/class/thermal/thermal_zone0/temp", "48686\n"),
            ("sys/class/thermal/cooling_device0/type", "cpufreq-cpu0\n"),
            ("sys/class/thermal/cooling_device0/cur_state", "0\n"),
            ("sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n"),
        ]);
        let state = State::read(root.path(), None);
        assert_eq!(state.governors, ["ondemand"]);
        let expected = Frequency { group: "policy0".into(), now_mhz: 600, max_mhz: Some(1800) };
        assert_eq!(state.frequencies, [expected]);
        assert_eq!(state.hottest_c(), Some(48.686));
        assert_eq!(state.temperatures_c.keys().collect::<Vec<_>>(), ["thermal_zone0 cpu-thermal"]);
        assert_eq!((state.throttled, state.slowed_by.len()), (Some(Throttled(0x50000)), 0));
        let asked = State::read(root.path(), Some("throttled=0x50005\n"));
        assert_eq!(asked.throttled, Some(Throttled(0x50005)), "the program knows it best");
    }

    #[test]
    fn a_jetson_tells_its_zones_and_what_slows_it() {
        let root = tree(&[
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "schedutil"),
            ("sys/devices/system/cpu/cpufreq/policy4/scaling_governor", "performance"),
            ("sys/class/thermal/thermal_zone0/type", "CPU-therm"),
            ("sys/class/thermal/thermal_zone0/temp", "71000"),
            ("sys/class/thermal/thermal_zone10/temp", "-256000"),
            ("sys/class/thermal/thermal_zone4/type", "PMIC-Die"),
            ("sys/class/thermal/thermal_zone4/temp", "100000"),
            ("sys/class/thermal/cooling_device2/type", "cpu-throttle-alert"),
            ("sys/class/thermal/cooling_device2/cur_state", "1"),
            ("sys/class/thermal/cooling_device3/type", "pwm-fan"),
            ("sys/class/thermal/cooling_device3/cur_state", "3"),
        ]);
        let state = State::read(root.path(), None);
        assert_eq!(state.governors, ["performance", "schedutil"]);
        assert_eq!(state.temperatures_c["thermal_zone10"], -256.0);
        assert_eq!(
            (state.hottest_c(), state.slowed_by),
            (Some(71.0), vec!["cpu-throttle-alert".into()])
        );
    }

    #[test]
    fn x86_cores_count_their_throttling() {
        let root = tree(&[
            ("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "2"),
            ("sys/devices/system/cpu/cpu10/thermal_throttle/core_throttle_count", "3"),
            ("sys/devices/system/cpu/cpuidle/thermal_throttle/core_throttle_count", "9"),
        ]);
        assert_eq!(State::read(root.path(), None).throttle_count, Some(5));
    }

    #[test]
    fn a_machine_that_tells_nothing_has_an_empty_state() {
        assert_eq!(
            State::read(tree(&[]).path(), Some("VCHI initialization failed")),
            State::default()
        );
        let broken = tree(&[
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "fast"),
            ("sys/class/thermal/thermal_zone0/temp", "NaN"),
        ]);
        assert_eq!(State::read(broken.path(), None), State::default());
    }

    #[test]
    fn the_bits_of_the_firmware_are_said_in_words() {
        let words = |bits| Throttled(bits).now().collect::<Vec<_>>();
        assert_eq!(words(0x5), ["the supply voltage is too low", "the processor is throttled"]);
        assert_eq!(words(0x50000), [""; 0], "that was before");
        let fresh: Vec<_> = Throttled(0x60000).since(Throttled(0x40000)).collect();
        assert_eq!(fresh, ["the frequency is capped"]);
        assert_eq!(Throttled::parse("throttled=many"), None);
    }
}
