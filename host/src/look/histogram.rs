//! Bars as an SVG picture that reads well on light and dark pages.

use std::fmt::Write;

/// Some counts over the same bars, one series on top of the other.
pub(super) struct Histogram {
    pub(super) title: String,
    /// Under the bars; may be empty.
    pub(super) axis: String,
    /// One a bar.
    pub(super) labels: Vec<String>,
    pub(super) series: Vec<Series>,
}

/// One colour of bars.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) color: &'static str,
    pub(super) counts: Vec<f64>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
/// Left, top, right and bottom of the bars.
const FIELD: [f64; 4] = [64.0, 64.0, 700.0, 304.0];

impl Histogram {
    /// The picture.
    pub(super) fn svg(&self) -> String {
        let [left, top, right, bottom] = FIELD;
        let most = tallest(&self.series, self.labels.len()).max(1.0);
        let step = tick(most);
        let ticks = (most / step).ceil() * step;
        let height = |count: f64| count / ticks * (bottom - top);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#7d7d7d\">\n\
             <title>{0}</title>\n<text x=\"{left}\" y=\"26\" font-size=\"16\" fill=\"#7d7d7d\">{0}</text>\n",
            self.title
        );
        let mut count = 0.0;
        while count <= ticks {
            let y = bottom - height(count);
            let _ = writeln!(
                svg,
                "<line x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#888\" \
                 stroke-opacity=\"0.3\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{count}</text>",
                left - 8.0,
                y + 4.0
            );
            count += step;
        }
        self.bars(&mut svg, height);
        self.legend(&mut svg);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n</svg>",
            f64::midpoint(left, right),
            HEIGHT - 14.0,
            self.axis
        );
        svg
    }

    fn bars(&self, svg: &mut String, height: impl Fn(f64) -> f64) {
        let [left, _, right, bottom] = FIELD;
        let width = (right - left) / self.labels.len() as f64;
        let every = self.labels.len().div_ceil(12);
        for (bar, label) in self.labels.iter().enumerate() {
            let x = left + bar as f64 * width;
            let mut base = bottom;
            for series in &self.series {
                let tall = height(series.counts[bar]);
                base -= tall;
                let _ = writeln!(
                    svg,
                    "<rect x=\"{:.1}\" y=\"{base:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"{}\"/>",
                    x + width * 0.08,
                    width * 0.84,
                    series.color
                );
            }
            if bar % every == 0 {
                // Numbers stand at the left edge, where their bar begins; words under it.
                let at = if label.parse::<f64>().is_ok() { x } else { x + width / 2.0 };
                let _ = writeln!(
                    svg,
                    "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
                    bottom + 18.0
                );
            }
        }
    }

    fn legend(&self, svg: &mut String) {
        if self.series.len() < 2 {
            return;
        }
        for (at, series) in self.series.iter().enumerate() {
            let x = FIELD[0] + 150.0 * at as f64;
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"40\" width=\"12\" height=\"12\" fill=\"{}\"/>\
                 <text x=\"{}\" y=\"50\">{}</text>",
                series.color,
                x + 18.0,
                series.name
            );
        }
    }
}

/// The tallest bar.
fn tallest(series: &[Series], bars: usize) -> f64 {
    let sums = (0..bars).map(|bar| series.iter().map(|s| s.counts[bar]).sum::<f64>());
    sums.fold(0.0, f64::max)
}

/// The step of about five ticks up to `most`: 1, 2 or 5 times a power of ten, at least 1.
fn tick(most: f64) -> f64 {
    let power = 10f64.powf((most / 5.0).max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|m| m * power)
        .into_iter()
        .find(|step| most / step <= 5.0)
        .unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let steps = [1.0, 4.0, 7.0, 23.0, 999.0, 4100.0].map(tick);
        assert_eq!(steps, [1.0, 1.0, 2.0, 5.0, 200.0, 1000.0]);
    }

    #[test]
    fn bars_are_as_tall_as_their_counts() {
        let histogram = Histogram {
            title: "t".into(),
            axis: "years".into(),
            labels: vec!["0".into(), "5".into()],
            series: vec![Series { name: "a", color: "#000", counts: vec![1.0, 2.0] }],
        };
        let svg = histogram.svg();
        assert!(svg.contains("height=\"120.0\"") && svg.contains("height=\"240.0\""), "{svg}");
    }
}
