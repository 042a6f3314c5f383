//! Every `kiosk` command in the documents is one that the kiosk takes, and its manual page names all of them.

use std::fs;
use std::path::Path;

use clap::{CommandFactory, Parser};
use device::cli::Cli;

/// The `kiosk` command lines in a document's `sh` blocks, without their comments.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.split(" #").next());
    lines.map(str::trim).filter(|line| line.starts_with("kiosk ")).collect()
}

#[test]
fn the_documents_show_commands_that_work() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut count = 0;
    for name in [
        "README.md",
        "docs/bench.md",
        "docs/bundles.md",
        "docs/detectors.md",
        "docs/displays.md",
        "docs/jetson.md",
        "docs/kiosk.md",
        "docs/raspberry-pi.md",
    ] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        for line in commands(&text) {
            let parsed = Cli::try_parse_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{name}: {line}: {}", parsed.unwrap_err());
            count += 1;
        }
    }
    assert!(count >= 10, "only {count} commands were found");
}

#[test]
fn the_manual_page_names_every_command() {
    let page = include_str!("../../../cross/package/kiosk.1");
    let named: Vec<_> =
        page.split(".TP\n.B ").skip(1).filter_map(|part| part.lines().next()).collect();
    for command in Cli::command().get_subcommands() {
        let name = command.get_name().replace('-', "\\-");
        assert!(named.contains(&name.as_str()), "{name} is not among {named:?}");
    }
}
