//! How networks are computed changes how long they take, and nothing else.

use crate::kiosk::{analyze, kiosk, portrait};

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
