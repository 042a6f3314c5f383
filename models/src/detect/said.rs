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
    size: [usize; 2],
    outputs: &[Tensor],
) -> Result<Box<dyn Detector + Send>, DetectError> {
    of_networks(table, &[("network", said::graph(&input(size), outputs))])
}

/// As [`open`], with a second network that reads squares of `side_px` and answers `again` to each.
pub(super) fn refined(
    table: &str,
    size: [usize; 2],
    outputs: &[Tensor],
    (side_px, again): (usize, Tensor),
) -> Result<Box<dyn Detector + Send>, DetectError> {
    let again = said::graph(&input([side_px; 2]), &[again]);
    of_networks(table, &[("network", said::graph(&input(size), outputs)), ("refine", again)])
}

fn input([height, width]: [usize; 2]) -> [usize; 4] {
    [1, 3, height, width]
}

/// The detector of a bundle with a file for each role.
fn of_networks(
    table: &str,
    networks: &[(&str, Vec<u8>)],
) -> Result<Box<dyn Detector + Send>, DetectError> {
    let entries: String = networks.iter().map(|(role, network)| entry(role, network)).collect();
    let provenance = "licence = ''\nattribution = ''\ndata = ''\nmade_by = ''\nversion = ''";
    let manifest =
        format!("format = 1\nname = 'said'\n{table}\n{entries}[provenance]\n{provenance}");
    let line = |name: &str, bytes: &[u8]| format!("{}  {name}\n", sha256(bytes));
    let mut sums = line(MANIFEST, manifest.as_bytes());
    networks.iter().for_each(|(role, network)| sums += &line(role, network));
    let files = networks.iter().map(|(role, network)| (*role, &**network));
    let files: Vec<(&str, &[u8])> =
        files.chain([(MANIFEST, manifest.as_bytes()), (SUMS, sums.as_bytes())]).collect();
    super::open(Bundle::from_memory(&files).unwrap(), &Options::default())
}

/// The manifest's lines of a file that is called as its role.
fn entry(role: &str, bytes: &[u8]) -> String {
    let (len, sha256) = (bytes.len(), sha256(bytes));
    format!("[[files]]\nrole = '{role}'\npath = '{role}'\nbytes = {len}\nsha256 = '{sha256}'\n")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
