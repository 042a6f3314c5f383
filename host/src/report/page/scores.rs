//! The headline table: every measure, and for each set its score and that of the best constant guess.

use std::fmt::Write as _;

use super::topic;
use crate::chart::escape;
use crate::metrics::measure::Measure;
use crate::report::amounts::{amount, interval, named};
use crate::report::sets::Set;

/// The table; a measure that no set has is left out.
pub(super) fn table(sets: &[Set]) -> String {
    let mut html = String::from("<div class=\"wide\"><table>\n<thead>\n<tr><th></th>");
    // Beside one set there is room to say what the guess is; elsewhere it is under the pointer.
    let says = if sets.len() == 1 { Guess::Told } else { Guess::Hinted };
    for set in sets {
        let name = escape(&set.name);
        let _ = write!(
            html,
            "<th colspan=\"2\">{name} <small>95 %</small></th>\
             <th colspan=\"2\">best constant</th>"
        );
    }
    html += "</tr>\n</thead>\n";
    let columns = 1 + 4 * sets.len();
    let mut before = None;
    for measure in ordered(sets) {
        if before != Some(measure.topic) {
            let name = topic(measure.topic);
            let _ =
                writeln!(html, "<tr class=\"topic\"><th colspan=\"{columns}\">{name}</th></tr>");
        }
        before = Some(measure.topic);
        let _ = write!(html, "<tr><th>{}</th>", escape(&named(measure.name, measure.unit)));
        sets.iter().for_each(|set| push_cells(&mut html, set.measure(measure.key), says));
        html += "</tr>\n";
    }
    html + "</table></div>\n"
}

/// Every measure that some set has, once, in the order they are told in.
fn ordered(sets: &[Set]) -> Vec<&Measure> {
    let mut all: Vec<&Measure> = sets.iter().flat_map(|set| &set.measures).collect();
    all.sort_by_key(|measure| measure.rank);
    all.dedup_by_key(|measure| measure.rank);
    all
}

/// Where it is told what the best constant guess says.
#[derive(Clone, Copy)]
enum Guess {
    Told,
    Hinted,
}

fn push_cells(html: &mut String, measure: Option<&Measure>, guess: Guess) {
    let Some(measure) = measure else {
        *html += "<td>–</td><td></td><td class=\"quiet\">–</td><td></td>";
        return;
    };
    let says = escape(&measure.guess_says);
    let (told, hinted) = match guess {
        Guess::Told => (says.as_str(), ""),
        Guess::Hinted => ("", says.as_str()),
    };
    let _ = write!(
        html,
        "<td class=\"score\" title=\"{} faces\">{}</td><td class=\"beside\">{}</td>\
         <td class=\"quiet\" title=\"{hinted}\">{}</td><td class=\"beside\">{told}</td>",
        measure.faces,
        amount(Some(measure.figure.value), measure.unit),
        interval(Some(measure.figure), measure.unit),
        amount(measure.guess, measure.unit),
    );
}
