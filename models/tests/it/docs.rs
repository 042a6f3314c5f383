//! Every whole `model.toml` in the documents is one that is read.

use std::path::Path;

use models::manifest::Manifest;
use models::manifest::detector::Family;

/// The document's `toml` blocks that are whole manifests.
fn manifests(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.filter(|block| block.contains("format ="))
}

#[test]
fn the_documents_show_a_manifest_of_each_family_that_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/detectors.md");
    let text = std::fs::read_to_string(path).unwrap();
    let families: Vec<Family> = manifests(&text)
        .map(|block| Manifest::parse(block).unwrap_or_else(|refusal| panic!("{block}\n{refusal}")))
        .map(|manifest| manifest.detector.unwrap().family)
        .collect();
    for family in [Family::Yunet, Family::Grid, Family::Ssd, Family::Retinaface] {
        assert!(families.contains(&family), "no manifest of {family:?} among {families:?}");
    }
}
