//! The result of a benchmark for people: what was run where, a line a stage, and what to think of it.

use std::fmt::Display;
use std::io::{self, Write};

use super::report::{LeftOut, Report};
use super::stage::{Stage, StageReport};
use super::stats::Summary;
use crate::machine::Machine;
use crate::machine::state::State;

/// Prints all of `report`.
pub fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    head(report, out)?;
    stages(&report.stages, &report.left_out, out)?;
    foot(report, out)
}

/// A line with its name in front.
pub(super) fn line(name: &str, text: impl Display, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{name:<9} {text}")
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (models, run) = (&report.models, &report.run);
    machine(&report.machine, out)?;
    line("before", state(&report.before), out)?;
    line("after", state(&report.after), out)?;
    let hash = models.bundle_sha256.get(..16).unwrap_or_default();
    line("bundle", format_args!("{} ({hash}…)", models.bundle), out)?;
    if let Some(detector) = &models.detector {
        line("faces", detector, out)?;
    }
    let (threads, kernel) = (models.threads, &models.kernel);
    let version = &report.program.version;
    line("run with", format_args!("threads {threads}, kernel {kernel}, kiosk {version}"), out)?;
    let (count, seconds, warm_up) = (run.count, run.seconds, run.warm_up);
    line("run", format_args!("{count} times in {seconds:.1} s, after {warm_up} to warm up"), out)
}

/// On what it was run.
pub(super) fn machine(machine: &Machine, out: &mut dyn Write) -> io::Result<()> {
    let parts = [machine.board.as_deref(), machine.soc.as_deref(), Some(machine.cpu.name.as_str())];
    let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    line("machine", parts.join(" · "), out)?;
    line("features", machine.cpu.features.join(" "), out)
}

/// Governor, frequencies and temperature, as far as the machine tells them.
fn state(state: &State) -> String {
    let mut parts = vec![];
    if !state.governors.is_empty() {
        parts.push(format!("governor {}", state.governors.join(", ")));
    }
    for frequency in &state.frequencies {
        parts.push(format!("{} {} MHz", frequency.group, frequency.now_mhz));
    }
    parts.extend(state.hottest_c().map(|hottest| format!("{hottest:.1} °C")));
    parts.extend(state.throttled.map(|bits| format!("throttled {:#x}", bits.0)));
    if parts.is_empty() {
        return "governor, frequency and temperature are not told by this machine".to_owned();
    }
    parts.join(" · ")
}

/// A line for each stage, and for those left out.
pub(super) fn stages(
    stages: &[StageReport],
    without: &[LeftOut],
    out: &mut dyn Write,
) -> io::Result<()> {
    let names = ["mean", "p50", "p90", "p99", "max", "cpu p50"];
    let heading: String = names.iter().map(|name| format!("{name:>10}")).collect();
    writeln!(out, "\n{:<12} {:<8}{heading}  ms", "STAGE", "PER")?;
    for stage in stages {
        let Summary { mean_ms, p50_ms, p90_ms, p99_ms, max_ms, .. } = stage.wall;
        let figures = [mean_ms, p50_ms, p90_ms, p99_ms, max_ms, stage.cpu.p50_ms];
        let cells: String = figures.iter().map(|ms| format!("{ms:>10.3}")).collect();
        writeln!(out, "{:<12} {:<8}{cells}", stage.stage.name(), stage.per)?;
    }
    for (why, names) in left_out(without) {
        line("left out", format_args!("{}: {why}", names.join(", ")), out)?;
    }
    writeln!(out)
}

/// The stages that were left out, by their reason.
fn left_out(stages: &[LeftOut]) -> Vec<(&str, Vec<&str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for LeftOut { stage, why } in stages {
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, names)) => names.push(stage.name()),
            None => reasons.push((why, vec![stage.name()])),
        }
    }
    reasons
}

fn foot(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let start = &report.start;
    let (cold, load) = (start.cold_ms, start.load_ms);
    let cold = format!("{cold:.0} ms from start to first answer");
    line("start", format_args!("{cold}; {load:.0} ms to open the bundle"), out)?;
    let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let bundle = mb(report.models.bundle_bytes);
    if let Some(memory) = &report.memory {
        let (peak, before) = (mb(memory.peak_bytes), mb(memory.before_load_bytes));
        let (growth, most) = (memory.growth_by_bundle, memory.peak_growth_by_bundle);
        let held = format!("peak {peak}, {before} before the load");
        let grown = format!("grown by {growth:.2} times the bundle's {bundle}, at most {most:.2}");
        line("memory", format_args!("{held}; {grown}"), out)?;
    }
    if let Some(drift) = &report.drift {
        line("drift", format_args!("{:.3} ({})", drift.ratio, drift.of), out)?;
    }
    for doubt in &report.doubts {
        line("DOUBT", doubt, out)?;
    }
    if let Some(p90_ms) = p90_ms(report, report.headline) {
        let doubtful = if report.doubts.is_empty() { "" } else { ", not to be trusted" };
        line(
            "result",
            format_args!("p90 {} {p90_ms:.3} ms{doubtful}", report.headline.name()),
            out,
        )?;
    }
    Ok(())
}

/// The 90th percentile of `stage` in milliseconds.
pub fn p90_ms(report: &Report, stage: Stage) -> Option<f64> {
    report.stage(stage).map(|stage| stage.wall.p90_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::tests::report;

    fn text(report: &Report) -> String {
        let mut out = Vec::new();
        print(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_stage_is_a_line_and_the_result_the_last() {
        let mut report = report();
        report.left_out.push(LeftOut { stage: Stage::Present, why: "no camera".into() });
        let text = text(&report);
        let expected = "\
STAGE        PER           mean       p50       p90       p99       max   cpu p50  ms
trunk        face         4.000     4.000     4.000     4.000     4.000     4.000
end to end   picture     10.000    10.000    10.000    10.000    10.000    10.000
left out  convert, present: no camera
";
        assert!(text.contains(expected), "{text}");
        assert!(text.ends_with("\nresult    p90 end to end 10.000 ms\n"), "{text}");
        assert!(text.contains("are not told by this machine"), "{text}");
    }

    #[test]
    fn a_doubtful_result_says_so_beside_its_reasons() {
        let doubts = vec!["this is a debug build".to_owned()];
        let text = text(&Report { doubts, ..report() });
        assert!(text.contains("DOUBT     this is a debug build\n"), "{text}");
        assert!(text.ends_with("10.000 ms, not to be trusted\n"), "{text}");
    }
}
