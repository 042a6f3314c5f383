//! What a model *is*: its weights plus the rules for feeding and reading it.
//!
//! Both sides of Apparent share this crate, so that a face is cropped, scaled and decoded the same
//! way where a model is trained and where it runs. The path of one face through it:
//!
//! [`picture`] → [`detect`] → [`crop`] → [`preprocess`] → [`session`] → [`age`], [`gender`];
//! [`estimator`] is that path in one call, and a [`bundle`] is the folder that describes it.

pub mod age;
pub mod bundle;
pub mod calibration;
pub mod crop;
pub mod detect;
pub mod estimator;
pub mod gender;
pub mod geometry;
pub mod golden;
pub mod image;
pub mod manifest;
pub mod picture;
pub mod preprocess;
pub mod session;
pub mod tensor;
