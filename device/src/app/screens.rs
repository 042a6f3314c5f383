//! The displays of a run, each with a canvas of its own size. One that fails is left behind; the others go on.

use std::time::Instant;

use anyhow::{Context, Result};
use embedded_graphics::geometry::Size;
use models::image::RgbView;

use crate::canvas::Canvas;
use crate::display::Display;
use crate::display::list::DisplayList;
use crate::language::Language;
use crate::scene::Scene;
use crate::view;

/// The displays that still work: at least one.
pub struct Screens(Vec<Screen>);

struct Screen {
    name: String,
    display: Box<dyn Display>,
    canvas: Canvas,
}

impl Screens {
    /// Opens displays; those that have no size of their own get `size`. One that cannot be opened is told.
    ///
    /// # Errors
    /// Where none can be.
    pub fn open(list: &DisplayList, size: Size) -> Result<Self> {
        let (mut screens, mut failed) = (Vec::new(), Vec::new());
        for spec in &list.0 {
            match spec.open(size) {
                Ok(display) => screens.push(Screen::new(spec.to_string(), display)),
                Err(error) => failed.push(error.context(format!("the display {spec}"))),
            }
        }
        let last = if screens.is_empty() { failed.pop() } else { None };
        failed.iter().for_each(|error| log::error!("{error:#}"));
        last.map_or(Ok(Self(screens)), |error| Err(error.context("no display can be used")))
    }

    /// Draws and shows `scene` on each.
    ///
    /// # Errors
    /// Where none is left.
    pub fn show(&mut self, picture: &RgbView, scene: &Scene, language: Language) -> Result<()> {
        self.each(|screen| {
            view::draw(&mut screen.canvas, picture, scene, language.strings());
            screen.display.present(&screen.canvas)
        })
    }

    /// Turns the lights off.
    ///
    /// # Errors
    /// Where no display is left.
    pub fn sleep(&mut self) -> Result<()> {
        self.each(|screen| screen.display.sleep())
    }

    /// Turns the lights on again.
    ///
    /// # Errors
    /// Where no display is left.
    pub fn wake(&mut self) -> Result<()> {
        self.each(|screen| screen.display.wake())
    }

    /// Lets each look after itself: [`Display::tend`].
    ///
    /// # Errors
    /// Where no display is left.
    pub fn tend(&mut self, now: Instant) -> Result<()> {
        self.each(|screen| screen.display.tend(now))
    }

    /// What they are, for people.
    pub fn descriptions(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|screen| screen.display.description())
    }

    /// Does something with each, and leaves those behind that fail: they are told once.
    fn each(&mut self, mut act: impl FnMut(&mut Screen) -> Result<()>) -> Result<()> {
        let mut failed = Vec::new();
        self.0.retain_mut(|screen| {
            let acted = act(screen).with_context(|| format!("the display {}", screen.name));
            acted.map_err(|error| failed.push(error)).is_ok()
        });
        let last = if self.0.is_empty() { failed.pop() } else { None };
        failed.iter().for_each(|error| log::error!("{error:#}"));
        last.map_or(Ok(()), |error| Err(error.context("no display is left")))
    }
}

impl Screen {
    fn new(name: String, display: Box<dyn Display>) -> Self {
        let size = display.size_px();
        Self { name, display, canvas: Canvas::new(size.width, size.height) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Shows `left` screens, then no more; what it has shown is counted.
    struct Mortal {
        left: u32,
        shown: Arc<AtomicU32>,
        size: Size,
    }

    impl Display for Mortal {
        fn size_px(&self) -> Size {
            self.size
        }

        fn present(&mut self, canvas: &Canvas) -> Result<()> {
            assert_eq!(embedded_graphics::geometry::OriginDimensions::size(canvas), self.size);
            if self.left == 0 {
                bail!("No such device (os error 19)");
            }
            self.left -= 1;
            self.shown.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }

        fn description(&self) -> String {
            "mortal".into()
        }
    }

    /// Two displays, and what they have shown.
    fn two(left: [u32; 2]) -> (Screens, [Arc<AtomicU32>; 2]) {
        let shown = [(); 2].map(|()| Arc::<AtomicU32>::default());
        let screens = [0, 1].map(|n| {
            let size = Size::new([320, 128][n], [240, 64][n]);
            let display = Mortal { left: left[n], shown: Arc::clone(&shown[n]), size };
            Screen::new(["first", "second"][n].into(), Box::new(display))
        });
        (Screens(screens.into()), shown)
    }

    fn show(screens: &mut Screens) -> Result<()> {
        let picture = RgbView::new(&[0; 3], 1, 1, 3).unwrap();
        screens.show(&picture, &Scene::default(), Language::En)
    }

    #[test]
    fn a_display_that_dies_is_left_behind_and_the_other_goes_on() {
        let (mut screens, shown) = two([2, 9]);
        for _ in 0..5 {
            show(&mut screens).unwrap();
        }
        assert_eq!(shown.map(|shown| shown.load(Ordering::Relaxed)), [2, 5]);
        assert_eq!(screens.descriptions().count(), 1);
    }

    #[test]
    fn where_the_last_one_dies_its_name_and_reason_are_told() {
        let (mut screens, _) = two([1, 1]);
        show(&mut screens).unwrap();
        let error = format!("{:#}", show(&mut screens).unwrap_err());
        let reason = "no display is left: the display second: No such device (os error 19)";
        assert_eq!(error, reason);
    }

    #[test]
    fn one_of_several_that_cannot_be_opened_does_not_stop_the_other() {
        let list = |texts: &[&str]| DisplayList(texts.iter().map(|t| t.parse().unwrap()).collect());
        let size = Size::new(320, 240);
        let missing = "fb:/dev/no-such-fb";
        let opened = Screens::open(&list(&[missing, "none"]), size).unwrap();
        assert_eq!(opened.descriptions().count(), 1);
        let refused = Screens::open(&list(&[missing, "fb:/dev/nor-this"]), size).err().unwrap();
        let refused = format!("{refused:#}");
        assert!(
            refused.starts_with("no display can be used: the display fb:/dev/nor"),
            "{refused}"
        );
        let alone = format!("{:#}", Screens::open(&list(&[missing]), size).err().unwrap());
        let reason =
            "the display fb:/dev/no-such-fb: opening the framebuffer /dev/no-such-fb: there is";
        assert!(alone.contains(reason), "{alone}");
    }
}
