//! Every `trainer` command in the documents is one that the trainer takes.

use std::fs;
use std::path::Path;

use clap::Parser;
use host::cli::Cli;

/// The command lines in a document's `sh` blocks, continued lines joined, comments cut off.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    let lines = blocks.flat_map(|block| {
        let joined = block.replace("\\\n", " ");
        joined
            .lines()
            .map(|line| line.split(" #").next().unwrap().trim().to_owned())
            .collect::<Vec<_>>()
    });
    lines.filter(|line| line.starts_with("trainer ")).collect()
}

/// Words as a shell splits them; `"…"` keeps spaces.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('"').enumerate();
    let parts = quoted.flat_map(|(at, part)| {
        if at % 2 == 1 {
            vec![part.to_owned()]
        } else {
            part.split_whitespace().map(str::to_owned).collect()
        }
    });
    parts.collect()
}

#[test]
fn the_documents_show_commands_that_work() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut count = 0;
    for name in [
        "README.md",
        "docs/train.md",
        "docs/detectors.md",
        "docs/weights.md",
        "docs/full-size-run.md",
        "docs/quantization.md",
    ] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        for line in commands(&text) {
            if let Err(error) = Cli::try_parse_from(words(&line)) {
                panic!("{name}: {line}\n{error}");
            }
            count += 1;
        }
    }
    assert!(count > 30, "{count} commands were found");
}
