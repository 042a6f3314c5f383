//! The screen of a panel of one colour, such as 128 x 64 dots: no picture, only words, white on black.

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use models::gender::GenderLabel;

use super::layout::area;
use super::notice;
use super::text::Style;
use super::theme::{cap_px, length};
use super::write::{Anchor, fill};
use super::{Painter, nearest};
use crate::scene::{Person, Reading, Scene};

/// A screen with a side below this has no room for a picture.
const PICTURE_MIN_PX: u32 = 100;

const WHITE: Rgb888 = Rgb888::WHITE;

/// Whether a screen of `size` is one of words only.
pub(super) fn suits(size: Size) -> bool {
    size.width.min(size.height) < PICTURE_MIN_PX
}

/// Draws all of it.
pub(super) fn draw(painter: &mut Painter, scene: &Scene) {
    let screen = Rectangle::new(Point::zero(), painter.canvas.size());
    painter.fill(&screen, Rgb888::BLACK);
    let plate = Plate::of(screen.size);
    let notice = scene.notice.as_ref().filter(|notice| notice.takes_the_panel());
    match (notice, nearest(&scene.people)) {
        (Some(notice), _) => plate.say(painter, &notice::title(painter.words, notice)),
        (None, None) => {
            let occasion = notice::occasion(painter.words, scene.footer.privacy);
            plate.say(painter, &occasion.nobody);
        }
        (None, Some(person)) => plate.tell(painter, person, scene.people.len()),
    }
}

/// Sizes and places, in pixels, derived from the height.
struct Plate {
    width: i32,
    height: i32,
    small: i32,
    word: i32,
    number: i32,
}

impl Plate {
    fn of(size: Size) -> Self {
        let (width, height) = (length(size.width), length(size.height));
        // Letters below 11 pixels lose their strokes in one colour.
        let part = |of_64: i32, least: i32| (height * of_64 / 64).max(least);
        Self { width, height, small: part(11, 8), word: part(16, 9), number: part(36, 12) }
    }

    /// A few words, as large as fits.
    fn say(&self, painter: &mut Painter, sentence: &str) {
        let gap = self.height / 16;
        let room = area(gap, gap, self.width - 2 * gap, self.height - 2 * gap);
        painter.paragraph(&room, sentence, &Style::bold(self.height * 3 / 8, WHITE));
    }

    /// Above what is shown and how many are there, below the gender, between them the age.
    fn tell(&self, painter: &mut Painter, person: &Person, count: usize) {
        let words = painter.words;
        let small = Style::regular(self.small, WHITE);
        let counted =
            if count == 1 { vec![words.one_face.clone()] } else { fill(&words.faces, count) };
        let right = Anchor::Right(Point::new(self.width, 0));
        let used = painter.write_fitting(right, &counted, &small, self.width / 2);
        let left = self.width - used - self.small / 2;
        painter.write_fitting(Anchor::Left(Point::zero()), &words.apparent_age, &small, left);
        let top = cap_px(self.small) + self.height / 10;
        match &person.reading {
            Some(reading) => {
                self.age(painter, reading, top);
                self.gender(painter, reading);
            }
            None => {
                let style = Style::bold(self.word, WHITE);
                let at = Anchor::Left(Point::new(0, top));
                painter.write_fitting(at, &words.looking, &style, self.width);
            }
        }
    }

    fn age(&self, painter: &mut Painter, reading: &Reading, top: i32) {
        let (number, word) = (Style::bold(self.number, WHITE), Style::regular(self.word, WHITE));
        let years = reading.years.to_string();
        let at = Point::new(-painter.text.bearing_px(&years, &number), top);
        painter.write(Anchor::Left(at), &years, &number);
        let x = at.x + painter.text.width_px(&years, &number) + self.height / 16;
        let spread = [format!("± {}", reading.spread_years)];
        let below = top + cap_px(number.size_px) - cap_px(word.size_px);
        let room = self.width - x;
        painter.write_fitting(Anchor::Left(Point::new(x, below)), &spread, &word, room);
        let unit = [painter.words.years.as_str()];
        let small = Style::regular(self.small, WHITE);
        painter.write_fitting(Anchor::Left(Point::new(x, top)), &unit, &small, room);
    }

    fn gender(&self, painter: &mut Painter, reading: &Reading) {
        let words = painter.words;
        let (small, bold) = (Style::regular(self.small, WHITE), Style::bold(self.word, WHITE));
        let word = [match reading.label {
            GenderLabel::Female => words.woman.as_str(),
            GenderLabel::Male => words.man.as_str(),
            GenderLabel::Unsure => words.unsure.as_str(),
        }];
        // Letters that reach below the line have a little room.
        let baseline = self.height - self.word / 4;
        let at = |x, size| Point::new(x, baseline - cap_px(size));
        let right = Anchor::Right(at(self.width, self.word));
        let used = painter.write_fitting(right, &word, &bold, self.width);
        let left = self.width - used - self.small / 2;
        let label = Anchor::Left(at(0, self.small));
        painter.write_fitting(label, &words.predicted_gender, &small, left);
    }
}
