//! Boards, each with the few keys that should differ from the defaults there.

use clap::ValueEnum;

/// A board that has a profile. No board has been measured yet: the values are reasoned, and say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Raspberry Pi 4.
    Rpi4,
    /// Raspberry Pi 5.
    Rpi5,
    /// Nvidia Jetson Nano and Orin.
    Jetson,
}

impl Profile {
    /// What the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rpi4 => "rpi4",
            Self::Rpi5 => "rpi5",
            Self::Jetson => "jetson",
        }
    }

    /// Its keys, as TOML.
    pub fn text(self) -> &'static str {
        match self {
            Self::Rpi4 => include_str!("../../assets/profiles/rpi4.toml"),
            Self::Rpi5 => include_str!("../../assets/profiles/rpi5.toml"),
            Self::Jetson => include_str!("../../assets/profiles/jetson.toml"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layers::{self, Layer};
    use super::*;

    #[test]
    fn every_profile_is_a_layer_of_known_keys() {
        for profile in Profile::value_variants() {
            let layer = Layer::from(*profile);
            assert!(!layer.tables.is_empty(), "{}", layer.name);
            let config = layers::put_together(&[layer]).unwrap();
            config.models.args().unwrap();
            let named = profile.to_possible_value().unwrap();
            assert_eq!(named.get_name(), profile.name());
        }
    }
}
