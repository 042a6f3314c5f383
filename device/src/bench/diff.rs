//! `kiosk bench-diff`: two results side by side, stage by stage.

use std::io::Write;

use anyhow::Result;

use super::report::{Report, Start};
use super::stage::StageReport;
use super::stats::Summary;
use crate::cli::bench::BenchDiffArgs;
use crate::report::Outcome;

/// Prints how the second result compares with the first.
///
/// # Errors
/// Where one of the files is no result of `kiosk bench`.
pub fn run(args: &BenchDiffArgs, out: &mut dyn Write) -> Result<Outcome> {
    let (a, b) = (Report::read(&args.before)?, Report::read(&args.after)?);
    write!(out, "{}", compare(&a, &b))?;
    Ok(Outcome::Good)
}

/// The table of both, with what makes them unlike below it.
pub fn compare(a: &Report, b: &Report) -> String {
    let heading = ["p50 A", "p50 B", "B ÷ A", "p90 B ÷ A", "cpu B ÷ A"];
    let heading: String = heading.iter().map(|name| format!("{name:>11}")).collect();
    let mut text = format!("{:<14}{heading}  VERDICT\n", "STAGE, ms");
    for stage in &a.stages {
        match b.stage(stage.stage) {
            Some(other) => text += &row(stage, other),
            None => text += &format!("{:<14} only in A\n", stage.stage.name()),
        }
    }
    for stage in b.stages.iter().filter(|stage| a.stage(stage.stage).is_none()) {
        text += &format!("{:<14} only in B\n", stage.stage.name());
    }
    text += &starts(&a.start, &b.start);
    if let Some((a, b)) = a.memory.zip(b.memory) {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        text += &once("peak, MB", mb(a.peak_bytes), mb(b.peak_bytes));
    }
    for difference in differences(a, b) {
        text += &format!("UNLIKE: {difference}\n");
    }
    for (name, report) in [("A", a), ("B", b)] {
        for doubt in &report.doubts {
            text += &format!("DOUBT: {name}: {doubt}\n");
        }
    }
    text
}

fn row(a: &StageReport, b: &StageReport) -> String {
    let ratio = |figure: fn(&Summary) -> f64| figure(&b.wall) / figure(&a.wall);
    let p50 = |summary: &Summary| summary.p50_ms;
    format!(
        "{:<14}{:>11.3}{:>11.3}{:>11.3}{:>11.3}{:>11.3}  {}\n",
        a.stage.name(),
        a.wall.p50_ms,
        b.wall.p50_ms,
        ratio(p50),
        ratio(|summary| summary.p90_ms),
        b.cpu.p50_ms / a.cpu.p50_ms,
        verdict(&a.wall, &b.wall)
    )
}

/// Which is faster, where the medians are further apart than the times of the wider one usually are from
/// its own.
fn verdict(a: &Summary, b: &Summary) -> &'static str {
    let spread_ms = a.mad_ms.max(b.mad_ms);
    let change_ms = b.p50_ms - a.p50_ms;
    if change_ms.abs() <= spread_ms {
        "within the spread"
    } else if change_ms < 0.0 {
        "B is faster"
    } else {
        "B is slower"
    }
}

fn starts(a: &Start, b: &Start) -> String {
    once("cold start", a.cold_ms, b.cold_ms) + &once("load", a.load_ms, b.load_ms)
}

/// A figure that was taken once and so has no spread.
fn once(name: &str, a: f64, b: f64) -> String {
    format!("{name:<14}{a:>11.3}{b:>11.3}{:>11.3}\n", b / a)
}

/// What is unlike beside the figures, so that the ratios may not mean what one thinks.
fn differences(a: &Report, b: &Report) -> Vec<String> {
    let (m, n) = (&a.models, &b.models);
    let name = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    let hash = |text: &str| text.get(..16).unwrap_or(text).to_owned();
    let pairs = [
        ("board", name(&a.machine.board), name(&b.machine.board)),
        ("processor", a.machine.cpu.name.clone(), b.machine.cpu.name.clone()),
        ("bundle", m.bundle.clone(), n.bundle.clone()),
        ("bundle's hash", hash(&m.bundle_sha256), hash(&n.bundle_sha256)),
        ("detector", name(&m.detector), name(&n.detector)),
        ("threads", m.threads.to_string(), n.threads.to_string()),
        ("kernel", m.kernel.clone(), n.kernel.clone()),
        ("governor", a.after.governors.join(", "), b.after.governors.join(", ")),
        ("version", a.program.version.clone(), b.program.version.clone()),
        ("debug build", a.program.debug.to_string(), b.program.debug.to_string()),
        ("number of pictures", a.run.pictures.to_string(), b.run.pictures.to_string()),
    ];
    let unlike = pairs.into_iter().filter(|(_, a, b)| a != b);
    unlike.map(|(what, a, b)| format!("{what}: {a} in A, {b} in B")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::tests::{report, stage};
    use crate::bench::stage::Stage;

    #[test]
    fn a_stage_is_faster_only_beyond_its_spread() {
        let other = Report {
            stages: vec![stage(Stage::Trunk, 3.0, 0.2), stage(Stage::EndToEnd, 10.4, 0.5)],
            ..report()
        };
        let text = compare(&report(), &other);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[1].starts_with("trunk") && lines[1].contains("0.750"), "{text}");
        assert!(lines[1].ends_with("B is faster"), "{text}");
        assert!(lines[2].contains("1.040") && lines[2].ends_with("within the spread"), "{text}");
        assert!(compare(&other, &report()).lines().nth(1).unwrap().ends_with("B is slower"));
        assert!(!text.contains("UNLIKE") && !text.contains("DOUBT"), "{text}");
    }

    #[test]
    fn stages_that_only_one_has_are_named() {
        let other = Report { stages: vec![stage(Stage::Network, 3.0, 0.2)], ..report() };
        let text = compare(&report(), &other);
        assert!(text.contains("trunk          only in A\n"), "{text}");
        assert!(text.contains("network        only in B\n"), "{text}");
    }

    #[test]
    fn other_machines_threads_and_bundles_are_warned_of() {
        let mut other = report();
        other.models.threads = 4;
        other.models.bundle_sha256 = "cd".repeat(32);
        other.machine.board = Some("Raspberry Pi 5".into());
        other.doubts.push("this is a debug build".into());
        let text = compare(&report(), &other);
        for expected in [
            "UNLIKE: board: none in A, Raspberry Pi 5 in B\n",
            "UNLIKE: bundle's hash: abababababababab in A, cdcdcdcdcdcdcdcd in B\n",
            "UNLIKE: threads: 1 in A, 4 in B\n",
            "DOUBT: B: this is a debug build\n",
        ] {
            assert!(text.contains(expected), "{text}");
        }
    }
}
