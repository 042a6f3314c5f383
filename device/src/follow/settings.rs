//! How faces are followed, as a configuration says it.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How faces are followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FollowSettings {
    /// Faces are looked for in every so manieth frame of the camera; between, their boxes go on by their
    /// speed.
    pub detect_every: NonZeroU32,
    /// At most so many faces of a frame are read by the network, those that need it most first.
    pub estimates_per_frame_max: u32,
    /// A face is read again when its last reading is as old as this.
    pub stale_after_ms: u32,
    /// A face that is not found for this long is forgotten.
    pub lost_after_ms: u32,
}

impl Default for FollowSettings {
    fn default() -> Self {
        Self {
            detect_every: NonZeroU32::new(3).unwrap_or(NonZeroU32::MIN),
            estimates_per_frame_max: 2,
            stale_after_ms: 500,
            lost_after_ms: 800,
        }
    }
}

impl FollowSettings {
    /// The age at which a reading is stale.
    pub fn stale_after(&self) -> Duration {
        Duration::from_millis(u64::from(self.stale_after_ms))
    }

    /// How long a face is remembered that is not found.
    pub fn lost_after(&self) -> Duration {
        Duration::from_millis(u64::from(self.lost_after_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_the_default_and_what_is_unknown_is_refused() {
        let settings: FollowSettings = toml::from_str("detect_every = 5").unwrap();
        assert_eq!(settings.detect_every.get(), 5);
        let others =
            FollowSettings { detect_every: FollowSettings::default().detect_every, ..settings };
        assert_eq!(others, FollowSettings::default());
        for broken in ["detect_every = 0", "detect_evry = 3", "stale_after_ms = -1"] {
            assert!(toml::from_str::<FollowSettings>(broken).is_err(), "{broken}");
        }
    }
}
