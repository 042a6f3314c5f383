//! Tables of groups: age bands by gender, races, data sets.

use std::fmt::Write as _;

use crate::chart::escape;
use crate::faces::GenderMark;
use crate::labels::BINS;
use crate::metrics::groups::{Common, Group};
use crate::metrics::measure::Unit;
use crate::report::amounts::{amount, interval, signed};
use crate::report::weak::GROUP_MIN;

/// What the four columns of a group are called.
const HEADS: &str = "<th>faces</th><th>off, years</th><th>bias</th><th>gender right</th>";

/// Side by side in this order.
const GENDERS: [GenderMark; 2] = [GenderMark::Female, GenderMark::Male];

/// All of them that have a group.
pub(super) fn tables(groups: &[Group]) -> String {
    let mut html = bands(groups);
    let races: Vec<&Group> =
        groups.iter().filter(|group| matches!(group.common, Common::Race(_))).collect();
    let sources: Vec<&Group> =
        groups.iter().filter(|group| matches!(group.common, Common::Source(_))).collect();
    html += &list("By labelled race", &races);
    html += &list("By data set", &sources);
    html
}

/// Age bands from young to old, female, male and all side by side.
fn bands(groups: &[Group]) -> String {
    let find = |common: Common| groups.iter().find(|group| group.common == common);
    let mut html = format!(
        "<h3>By labelled age and gender</h3>\n<div class=\"wide\"><table class=\"groups\">\n<thead>\n\
         <tr><th></th><th colspan=\"4\">female</th><th colspan=\"4\">male</th><th colspan=\"4\">all</th></tr>\n\
         <tr><th>age</th>{HEADS}{HEADS}{HEADS}</tr>\n</thead>\n"
    );
    for (band, ages) in BINS.iter().enumerate() {
        let all = find(Common::Band(band));
        if all.is_none() {
            continue;
        }
        let genders = GENDERS.map(|gender| find(Common::BandGender(band, gender)));
        push_row(&mut html, &ages.to_string(), &[genders[0], genders[1], all]);
    }
    let genders = GENDERS.map(|gender| find(Common::Gender(gender)));
    push_row(&mut html, "all", &[genders[0], genders[1], find(Common::All)]);
    html + "</table></div>\n"
}

fn list(title: &str, groups: &[&Group]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let mut html = format!(
        "<h3>{title}</h3>\n<div class=\"wide\"><table class=\"groups\">\n<thead>\n\
         <tr><th></th>{HEADS}</tr>\n</thead>\n"
    );
    groups.iter().for_each(|group| push_row(&mut html, &group.name, &[Some(group)]));
    html + "</table></div>\n"
}

fn push_row(html: &mut String, name: &str, groups: &[Option<&Group>]) {
    let _ = write!(html, "<tr><th>{}</th>", escape(name));
    groups.iter().for_each(|group| push_cells(html, *group));
    *html += "</tr>\n";
}

/// A group too small to say anything is written faintly.
fn push_cells(html: &mut String, group: Option<&Group>) {
    let Some(group) = group else {
        *html += "<td class=\"first quiet\">0</td><td></td><td></td><td></td>";
        return;
    };
    let quiet = if group.faces < GROUP_MIN { " quiet" } else { "" };
    let _ = write!(
        html,
        "<td class=\"first{quiet}\">{}</td><td class=\"n{quiet}\">{} <small>{}</small></td>\
         <td class=\"n{quiet}\">{}</td><td class=\"n{quiet}\">{} <small>{}</small></td>",
        group.faces,
        amount(group.off_years.map(|f| f.value), Unit::Years),
        interval(group.off_years, Unit::Years),
        signed(group.bias_years.map(|f| f.value)),
        amount(group.gender.map(|f| f.value), Unit::Proportion),
        interval(group.gender, Unit::Proportion),
    );
}
