//! Where pictures come from. For now from files; cameras get files of their own here.

pub mod files;
