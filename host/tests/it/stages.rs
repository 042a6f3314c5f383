//! index → split → crop.

use std::fs;

use host::contract::crop_spec;
use host::crops::Crops;
use host::faces::Part;
use models::crop::warp;
use models::geometry::Rect;
use models::image::RgbView;

#[test]
fn a_crop_cut_again_from_the_store_is_nearly_the_device_s_own() {
    let folder = tempfile::tempdir().unwrap();
    let crops = Crops::open(&super::faces::crops(folder.path(), 96), 96).unwrap();
    assert_eq!(crops.rows.len(), 40);
    assert_eq!(crops.rows.iter().filter(|row| row.part == Part::Val).count(), 4);
    let picture = image::open(&crops.rows[3].path).unwrap().to_rgb8();
    let view = RgbView::of(&picture).unwrap();
    let device = crop_spec(96).cut(&view, &Rect::new(8.0, 4.0, 48.0, 56.0), None);
    let stored = warp(&crops.view(3), &crops.aligned(96), 96);
    let off = device.iter().zip(stored.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(off <= 1, "without landmarks the aligned crop is the one by the box: {off}");
}

#[test]
fn torn_crops_are_refused_by_size() {
    let folder = tempfile::tempdir().unwrap();
    let crops = super::faces::crops(folder.path(), 96);
    let bytes = fs::read(crops.join("crops.u8")).unwrap();
    fs::write(crops.join("crops.u8"), &bytes[1..]).unwrap();
    let error = format!("{:#}", Crops::open(&crops, 96).err().unwrap());
    assert!(error.contains("expected 1728000"), "{error}");
}

#[test]
fn an_unreadable_picture_is_skipped_and_the_rest_cut() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = super::faces::write(folder.path());
    fs::write(folder.path().join("face_7.png"), "no picture").unwrap();
    let (faces, crops) = (folder.path().join("faces.csv"), folder.path().join("crops"));
    host::index::run(&super::faces::from_csv(manifest, folder.path(), &faces)).unwrap();
    host::split::run(&faces, &faces, host::split::Rule::Number, 0).unwrap();
    host::crops::run(&faces, 96, &crops).unwrap();
    assert_eq!(Crops::open(&crops, 96).unwrap().rows.len(), 39);
}
