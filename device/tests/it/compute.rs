//! How networks are computed changes how long they take, and nothing else.

use std::fs;

use crate::kiosk::{analyze, kiosk, portrait, run};

#[test]
fn threads_change_no_answer_and_unknown_kernels_are_refused() {
    let faces = |options: &[&str]| {
        let picture = portrait("astronaut.jpg");
        let run = analyze(options.iter().map(AsRef::as_ref).chain([picture.as_os_str()]));
        run.lines()[0]["faces"].clone()
    };
    assert_eq!(faces(&["--threads=2", "--kernel=scalar"]), faces(&["--kernel=scalar"]));
    for (option, expected) in
        [("--threads=0", "from 1 to 256"), ("--kernel=warp", "no kernel is called warp")]
    {
        let run = kiosk(["bundle", "verify", "compact", option]);
        assert_eq!(run.status, Some(2));
        assert!(run.err.contains(expected), "{}", run.err);
    }
}

#[test]
fn the_fastest_kernel_is_kept_where_that_is_possible_and_else_found_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, file) = (dir.path().join("cache"), dir.path().join("file"));
    fs::write(&file, "").unwrap();
    for place in [&cache, &cache, &file] {
        let run = run(place, ["bundle", "verify", "compact"]);
        assert_eq!((run.status, run.err.as_str()), (Some(0), ""));
    }
    let kept = fs::read_to_string(cache.join("apparent/kernel.json")).unwrap();
    assert!(kept.contains("\"kernel\":"), "{kept}");
}
