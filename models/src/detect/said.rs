//! For tests: detectors whose network says the same of every picture.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{DetectError, Detector};
use crate::bundle::{Bundle, MANIFEST, SUMS};
use crate::session::{Options, said};
use crate::tensor::Tensor;

/// The detector of `table`, a manifest's `[detector]`, whose network reads `[1, 3, height, width]` and
/// answers `outputs`.
pub(super) fn open(
    table: &str,
    [height, width]: [usize; 2],
    outputs: &[Tensor],
) -> Result<Box<dyn Detector>, DetectError> {
    let network = said::graph(&[1, 3, height, width], outputs);
    let manifest = format!(
        r#"
        format = 1
        name = "said"
        {table}
        [[files]]
        role = "network"
        path = "said.onnx"
        bytes = {}
        sha256 = "{}"
        [provenance]
        licence = ""
        attribution = ""
        data = ""
        made_by = ""
        version = ""
        "#,
        network.len(),
        sha256(&network)
    );
    let sums =
        format!("{}  {MANIFEST}\n{}  said.onnx\n", sha256(manifest.as_bytes()), sha256(&network));
    let files =
        [(MANIFEST, manifest.as_bytes()), (SUMS, sums.as_bytes()), ("said.onnx", &*network)];
    super::open(Bundle::from_memory(&files).unwrap(), &Options::default())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
