//! The figures of the nearest person, and a list of the others.

use embedded_graphics::prelude::*;

use super::Painter;
use super::stack::Stack;
use super::text::Style;
use super::theme::{self, cap_px};
use super::write::{Anchor, fill};
use super::{gender, histogram, look, others};
use crate::scene::{Person, Reading, Scene};

/// Draws the figures of `person`, one of the scene's, into `stack`.
///
/// What has to be said comes first, so that on a small screen only extras are missing: caption and
/// age, then the gender, then the others, and the histogram takes what is left.
pub(super) fn draw(painter: &mut Painter, stack: &mut Stack, scene: &Scene, person: &Person) {
    let people = scene.people.as_slice();
    let alone = people.len() < 2;
    header(painter, stack, (!alone).then_some(person.number));
    let lines = [painter.words.caption.as_slice(), &painter.words.caption_more];
    caption(painter, stack, if alone { &lines } else { &lines[..1] });
    let Some(reading) = &person.reading else {
        looking(painter, stack);
        return others_below(painter, stack, (people, person), 0);
    };
    let number_px = if alone { stack.sizes.number } else { stack.sizes.number * 7 / 10 };
    age(painter, stack, reading, number_px);
    let room = Room::of(stack, people.len());
    let look = person.look.filter(|_| room.look_px > 0);
    others_below(painter, stack, (people, person), room.taken_px());
    let sizes = stack.sizes;
    let left = stack.height() - room.gender_px - room.look_px - sizes.gap * 2;
    let height = left.min(stack.width * 3 / 5);
    if room.histogram_px > 0
        && let Some(room) = stack.take_top(height, sizes.gap * 2)
    {
        histogram::draw(painter, &room, &sizes, &reading.age);
    }
    gender::draw(painter, stack, reading);
    if let Some(look) = look {
        look::draw(painter, stack, look, scene.footer.privacy);
    }
}

/// The least heights in pixels of what stands under the age, with the gaps between; 0 for what has no
/// room.
struct Room {
    gender_px: i32,
    histogram_px: i32,
    look_px: i32,
}

/// So many lines are kept for the others before how well a face can be seen is worth one.
const OTHERS_MIN: usize = 3;

impl Room {
    /// First the gender, then the histogram, then how well the face can be seen.
    fn of(stack: &Stack, people: usize) -> Self {
        let sizes = &stack.sizes;
        let others = i32::try_from(people.saturating_sub(1).min(OTHERS_MIN)).unwrap_or(0);
        let list = others * others::line_px(sizes) + others.min(1) * sizes.gap;
        let gender_px = gender::height_px(sizes);
        let left = stack.height() - gender_px;
        let histogram_px = histogram::height_px_min(sizes) + sizes.gap * 2;
        let histogram_px = if left >= histogram_px { histogram_px } else { 0 };
        let look_px = sizes.gap + look::height_px(sizes);
        let look_px = if left - histogram_px - list >= look_px { look_px } else { 0 };
        Self { gender_px, histogram_px, look_px }
    }

    fn taken_px(&self) -> i32 {
        self.gender_px + self.histogram_px + self.look_px
    }
}

/// "Apparent age", and whose it is where there are several people.
fn header(painter: &mut Painter, stack: &mut Stack, number: Option<u32>) {
    let (sizes, words) = (stack.sizes, painter.words);
    let Some(row) = stack.take_top(cap_px(sizes.body), sizes.gap * 3 / 2) else { return };
    let mut used = 0;
    if let Some(number) = number {
        let texts = fill(&words.face, number);
        let right = Anchor::Right(row.top_left + Point::new(stack.width, 0));
        let style = Style::bold(sizes.body, theme::ACCENT);
        used = painter.write_fitting(right, &texts, &style, stack.width / 2) + sizes.gap;
    }
    let style = Style::regular(sizes.body, theme::DIM);
    let left = Anchor::Left(row.top_left);
    painter.write_fitting(left, &words.apparent_age, &style, stack.width - used);
}

/// The big figure; beside it what it counts and how sure it is.
fn age(painter: &mut Painter, stack: &mut Stack, reading: &Reading, number_px: i32) {
    let sizes = stack.sizes;
    let years = reading.years.to_string();
    let spread = format!("± {}", reading.spread_years);
    let unit = Style::regular(sizes.body, theme::DIM);
    let sure = Style::regular(sizes.body * 3 / 2, theme::ACCENT);
    let widths = [(painter.words.years.as_str(), &unit), (spread.as_str(), &sure)];
    let beside = widths.map(|(text, style)| painter.text.width_px(text, style));
    let beside = beside.into_iter().fold(0, i32::max) + sizes.gap;
    let number = Style::bold(number_px, theme::BRIGHT);
    let texts = [years];
    let fitted = painter.text.fit(&texts, &number, stack.width - beside);
    let (years, number) = fitted.unwrap_or((&texts[0], number.sized(sizes.body * 2)));
    let Some(row) = stack.take_top(cap_px(number.size_px), sizes.gap * 2) else { return };
    let at = row.top_left - Point::new(painter.text.bearing_px(years, &number), 0);
    painter.write(Anchor::Left(at), years, &number);
    let x = at.x + painter.text.width_px(years, &number) + sizes.gap;
    let bottom = row.rows().end;
    let spread_top = bottom - cap_px(sure.size_px);
    painter.write(Anchor::Left(Point::new(x, spread_top)), &spread, &sure);
    let top = spread_top - cap_px(unit.size_px) - sizes.gap * 3 / 2;
    painter.write(Anchor::Left(Point::new(x, top)), &painter.words.years, &unit);
}

/// That it is a guess: the last lines of the panel.
fn caption(painter: &mut Painter, stack: &mut Stack, lines: &[&[String]]) {
    let small = stack.sizes.small;
    let style = Style::regular(small, theme::DIM);
    for texts in lines.iter().rev() {
        let Some(row) = stack.take_bottom(small, stack.sizes.gap / 2) else { return };
        painter.write_fitting(Anchor::Left(row.top_left), texts, &style, stack.width);
    }
    stack.bottom -= stack.sizes.gap;
}

fn looking(painter: &mut Painter, stack: &mut Stack) {
    let style = Style::regular(stack.sizes.body * 3 / 2, theme::BRIGHT);
    if let Some(row) = stack.take_top(style.size_px, stack.sizes.gap) {
        let at = Anchor::Left(row.top_left);
        painter.write_fitting(at, &painter.words.looking, &style, stack.width);
    }
}

/// The list of the others, in what is left when `reserved` pixels are kept free.
fn others_below(
    painter: &mut Painter,
    stack: &mut Stack,
    (people, person): (&[Person], &Person),
    reserved: i32,
) {
    let mut others: Vec<&Person> = people.iter().filter(|p| !std::ptr::eq(*p, person)).collect();
    others.sort_by(|a, b| b.bounds.area().total_cmp(&a.bounds.area()));
    others::draw(painter, stack, &others, stack.height() - reserved);
}
