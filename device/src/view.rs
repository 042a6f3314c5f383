//! Draws a [`Scene`] and the picture it belongs to: a camera pane, a panel of figures, a footer.
//!
//! The same scene always gives the same pixels. No thread, clock, file or device is touched here.

use std::cell::RefCell;

use embedded_graphics::prelude::*;
use models::image::RgbView;

use crate::canvas::Canvas;
use crate::language::Strings;
use crate::scene::{Notice, Person, Scene};

mod faces;
mod footer;
mod gender;
mod histogram;
mod layout;
mod look;
mod notice;
mod others;
mod pane;
mod panel;
mod plate;
mod resize;
mod shape;
mod stack;
mod text;
mod theme;
mod write;

use layout::Layout;
use notice::Band;
use pane::Pane;
use stack::Stack;
use text::Text;
use theme::Sizes;

thread_local! {
    /// Parsing the fonts takes longer than drawing a screen, so each thread does it once.
    static TEXT: RefCell<Text> = RefCell::new(Text::new());
}

/// Draws the whole screen: `frame` with its faces marked, and what `scene` says about them in `words`.
///
/// Gives how many texts had to be cut or left out for want of room: none on the sizes it is made for.
///
/// # Shapes
/// - canvas: any size; made for 320×240, 480×320, 800×480 and 1280×720 pixels, upright or on end, and for panels
///   of 128×64 dots, which have words only
/// - scene: face boxes in pixels of `frame`
///
/// ```
/// use device::canvas::Canvas;
/// use device::language::Language;
/// use device::scene::Scene;
/// use models::image::RgbView;
///
/// let pixels = [90; 4 * 3 * 3];
/// let frame = RgbView::new(&pixels, 4, 3, 4 * 3).unwrap();
/// let mut canvas = Canvas::new(320, 240);
/// let words = Language::En.strings();
/// device::view::draw(&mut canvas, &frame, &Scene::default(), words);
/// assert!(canvas.as_rgb().iter().any(|&byte| byte > 90));
/// ```
pub fn draw(canvas: &mut Canvas, frame: &RgbView, scene: &Scene, words: &'static Strings) -> usize {
    TEXT.with_borrow_mut(|text| {
        let mut painter = Painter { canvas, text, words, cut: 0 };
        painter.draw(frame, scene);
        painter.cut
    })
}

/// What every part of the screen is drawn with.
struct Painter<'a> {
    canvas: &'a mut Canvas,
    text: &'a mut Text,
    words: &'static Strings,
    /// Texts that did not fit so far.
    cut: usize,
}

impl Painter<'_> {
    fn draw(&mut self, frame: &RgbView, scene: &Scene) {
        if plate::suits(self.canvas.size()) {
            return plate::draw(self, scene);
        }
        let layout = Layout::of(self.canvas.size());
        let nearest = nearest(&scene.people);
        let notice = scene.notice.as_ref().filter(|notice| notice.takes_the_panel());
        self.fill(&layout.pane, theme::BARS);
        match &scene.notice {
            Some(Notice::Camera(_) | Notice::Paused) => notice::no_picture(self, &layout.pane),
            _ => self.picture(&layout, frame, scene),
        }
        self.fill(&layout.panel, theme::PANEL);
        let mut stack = Stack::of(&layout.panel);
        match nearest.filter(|_| notice.is_none()) {
            Some(person) => panel::draw(self, &mut stack, scene, person),
            None => notice::draw(self, &mut stack, scene),
        }
        footer::draw(self, &layout.footer, &scene.footer);
    }

    /// The pane: the picture, the marks on it, and what there is to say beside the figures.
    fn picture(&mut self, layout: &Layout, frame: &RgbView, scene: &Scene) {
        let nearest = nearest(&scene.people);
        let pane = Pane::of(&layout.pane, frame, &scene.people);
        pane::draw(self, &pane, frame);
        faces::draw(self, &pane, &scene.people, nearest);
        let notice = scene.notice.as_ref().filter(|notice| !notice.takes_the_panel());
        if let (Some(notice), Some(_)) = (notice, nearest) {
            let sentence = notice::in_a_line(self.words, notice);
            Band { pane: &layout.pane, sizes: Sizes::of(&layout.panel) }.draw(self, &sentence);
        }
    }
}

/// The person nearest to the camera, told by the size of the face; the first of several.
fn nearest(people: &[Person]) -> Option<&Person> {
    let valid = people.iter().filter(|person| person.bounds.is_valid());
    valid.reduce(|a, b| if b.bounds.area() > a.bounds.area() { b } else { a })
}
