//! Who made a bundle: a signature over `SHA256SUMS`, as minisign makes it (Ed25519, Bernstein et al. 2011).
//!
//! It is checked before a byte of `SHA256SUMS` is parsed, and with it every other byte of the bundle.

use std::collections::BTreeMap;

use minisign_verify::{Error, PublicKey, Signature};
use thiserror::Error;

/// The file with the signature over `SHA256SUMS`: `minisign -S -m SHA256SUMS` writes it.
pub const SIGNATURE: &str = "SHA256SUMS.minisig";

/// Which bundles are opened.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whose signatures are known.
    pub keys: Keys,
    /// Whether only what one of them signed is opened.
    pub is_required: bool,
    /// By a bundle's name, the lowest version that is opened.
    pub version_min: BTreeMap<String, u32>,
}

/// Public keys, each with a name.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<(String, PublicKey)>);

/// Who signed a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// Nobody.
    Nobody,
    /// Somebody whose key is not among the known ones.
    Unknown,
    /// The holder of the key of this name.
    Key(String),
}

/// Why a key or a signature was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SignatureError {
    /// There is none, and there must be one.
    #[error("expected a signature, found none")]
    Missing,
    /// Not what minisign writes.
    #[error("expected what minisign writes, found something else")]
    Malformed,
    /// Made with a key that is not known here.
    #[error("expected a signature by {known}, found one by a key that is unknown here")]
    UnknownKey {
        /// The names of those that are known.
        known: String,
    },
    /// A known key's, but over other bytes.
    #[error("expected the signature by {key} to be over these bytes, found that it is not")]
    Wrong {
        /// Its name.
        key: String,
    },
}

impl Keys {
    /// Adds the public key in `text`, a file that minisign wrote, under a name.
    ///
    /// # Errors
    /// Where it is no key.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), SignatureError> {
        let key = PublicKey::decode(text).map_err(|_| SignatureError::Malformed)?;
        self.0.push((name.to_owned(), key));
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            "a known key, of which there are none".into()
        } else {
            names.join(" or ")
        }
    }

    /// Whose signature over `signed` is in `text`.
    fn signer(&self, signed: &[u8], text: &str) -> Result<Signer, SignatureError> {
        let signature = Signature::decode(text).map_err(|_| SignatureError::Malformed)?;
        for (name, key) in &self.0 {
            match key.verify(signed, &signature, true) {
                Ok(()) => return Ok(Signer::Key(name.clone())),
                Err(Error::UnexpectedKeyId) => {}
                Err(_) => return Err(SignatureError::Wrong { key: name.clone() }),
            }
        }
        Ok(Signer::Unknown)
    }
}

impl Policy {
    /// Who signed `sums` with `signature`, the text of [`SIGNATURE`] where there is one.
    ///
    /// # Errors
    /// Where the signature is broken, or another than the policy wants.
    pub(super) fn check(
        &self,
        sums: &[u8],
        signature: Option<&str>,
    ) -> Result<Signer, SignatureError> {
        let signer = match signature {
            None => Signer::Nobody,
            Some(text) => self.keys.signer(sums, text)?,
        };
        match signer {
            Signer::Nobody if self.is_required => Err(SignatureError::Missing),
            Signer::Unknown if self.is_required => {
                Err(SignatureError::UnknownKey { known: self.keys.names() })
            }
            signer => Ok(signer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;
    use proptest::prelude::*;

    const SIGNED: &[u8] = b"the sums";

    fn key_pair() -> KeyPair {
        KeyPair::generate_unencrypted_keypair().unwrap()
    }

    fn signature(pair: &KeyPair) -> String {
        minisign::sign(None, &pair.sk, SIGNED, None, None).unwrap().into_string()
    }

    fn policy(pairs: &[(&str, &KeyPair)]) -> Policy {
        let mut keys = Keys::default();
        for (name, pair) in pairs {
            keys.add(name, &pair.pk.to_box().unwrap().into_string()).unwrap();
        }
        Policy { keys, is_required: true, ..Policy::default() }
    }

    #[test]
    fn who_signed_is_told_by_the_keys_name() {
        let (ours, theirs) = (key_pair(), key_pair());
        let policy = policy(&[("ours", &ours), ("theirs", &theirs)]);
        for (name, pair) in [("ours", &ours), ("theirs", &theirs)] {
            let signer = policy.check(SIGNED, Some(&signature(pair)));
            assert_eq!(signer, Ok(Signer::Key(name.into())));
        }
    }

    #[test]
    fn an_unknown_key_and_no_signature_are_refused_where_one_is_required() {
        let (ours, theirs) = (key_pair(), signature(&key_pair()));
        let strict = policy(&[("ours", &ours)]);
        let lax = Policy { is_required: false, ..strict.clone() };
        let known = "ours".into();
        let unknown = strict.check(SIGNED, Some(&theirs));
        assert_eq!(unknown, Err(SignatureError::UnknownKey { known }));
        assert_eq!(strict.check(SIGNED, None), Err(SignatureError::Missing));
        assert_eq!(lax.check(SIGNED, Some(&theirs)), Ok(Signer::Unknown));
        assert_eq!(lax.check(SIGNED, None), Ok(Signer::Nobody));
    }

    #[test]
    fn a_known_keys_signature_over_other_bytes_is_refused_always() {
        let ours = key_pair();
        let lax = Policy { is_required: false, ..policy(&[("ours", &ours)]) };
        let refused = lax.check(b"other sums", Some(&signature(&ours)));
        assert_eq!(refused, Err(SignatureError::Wrong { key: "ours".into() }));
        assert_eq!(lax.check(SIGNED, Some("no signature")), Err(SignatureError::Malformed));
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_a_signature_or_refused(text in "\\PC*(\n\\PC*){0,5}") {
            let _ = Keys::default().add("any", &text);
            let _ = Keys::default().signer(SIGNED, &text);
        }
    }
}
