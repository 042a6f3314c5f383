//! Panels on a board that is not there: what is on their glass is rebuilt from what came over the bus, and
//! compared with what was drawn.

use std::env;
use std::io::{self, BufRead, Write};
use std::process::{ChildStdin, Command, Stdio};

use device::canvas::Canvas;
use device::display::Display;
use device::display::spec::DisplaySpec;
use device::language::Language;
use device::scene::{Person, Reading, Scene};
use device::view;
use embedded_graphics::prelude::*;
use image::imageops::{rotate90, rotate180, rotate270};
use image::{GrayImage, Luma, RgbImage};
use models::age::{AGE_CLASSES, AgeDistribution};
use models::estimator::Estimate;
use models::gender::Gender;
use models::geometry::Rect;
use models::image::RgbView;

use super::camera::Make as Camera;
use super::client::canvas;
use super::glass::{Glass, Make};
use super::screen::Layout;
use super::shots::{jpeg, plain};
use super::{Board, pins, start};

/// Says that the test program is to show what it is told by standard input.
const ROLE: &str = "APPARENT_PANEL_CLIENT";

const ILI9341: &str = "ili9341:/dev/spidev0.0";
const ST7789: &str = "st7789:/dev/spidev0.0";
const SSD1306: &str = "ssd1306:/dev/i2c-1";
const FULL_BYTES: u64 = 240 * 320 * 2;

/// Does a step for each line: `open SPEC`, `noise`, `years N`, `sleep`, `wake`.
#[test]
fn the_client() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    let mut display: Option<Box<dyn Display>> = None;
    for (n, line) in io::stdin().lock().lines().map(Result::unwrap).enumerate() {
        let (step, about) = line.split_once(' ').unwrap_or((&line, ""));
        let opened = display.as_mut();
        let done = match (step, opened) {
            ("open", _) => {
                let spec: DisplaySpec = about.parse().unwrap();
                spec.open(Size::zero()).map(|opened| display = Some(opened))
            }
            ("noise", Some(it)) => it.present(&canvas(it.size_px())),
            ("years", Some(it)) => it.present(&portrait(it.size_px(), about.parse().unwrap())),
            ("sleep", Some(it)) => it.sleep(),
            ("wake", Some(it)) => it.wake(),
            other => panic!("{:?}", other.0),
        };
        println!(
            "step {n}: {}",
            done.map_or_else(|error| format!("{error:#}"), |()| "done".into())
        );
    }
}

/// A screen with one face, of so many years.
fn portrait(size: Size, years: usize) -> Canvas {
    let mut canvas = Canvas::new(size.width, size.height);
    let picture = RgbView::new(&[90; 3], 1, 1, 3).unwrap();
    view::draw(&mut canvas, &picture, &scene(years), Language::En.strings());
    canvas
}

fn scene(years: usize) -> Scene {
    // The same distribution but for the figure: what is shown of it is held steady.
    let mut weights = [0.0; AGE_CLASSES];
    weights[34] = 1.0;
    let age = AgeDistribution::from_weights(&weights).unwrap();
    let estimate = Estimate { age, gender: Gender::from_log_odds(2.0).unwrap() };
    let reading = Reading { years: u8::try_from(years).unwrap(), ..Reading::of(&estimate, 0.7) };
    let person = Person {
        bounds: Rect::new(0.2, 0.2, 0.5, 0.5),
        number: 1,
        reading: Some(reading),
        look: None,
    };
    Scene { people: vec![person], ..Scene::default() }
}

/// A client on the board, told step by step.
struct Client {
    board: Board,
    input: Option<ChildStdin>,
    steps: usize,
}

impl Client {
    fn start() -> Option<Self> {
        let mut again = Command::new(env::current_exe().unwrap());
        again.args(["--exact", "--nocapture", "board::displays::the_client"]);
        let camera = Camera::new(b"MJPG", (64, 48), vec![jpeg(&plain([0; 3], 64, 48)).into()]);
        let again = again.env(ROLE, "").stdin(Stdio::piped());
        let mut board = start(camera, Layout::BITS_32, again)?;
        let input = board.program().stdin.take();
        Some(Self { board, input, steps: 0 })
    }

    /// Does a step, and tells what came of it.
    fn tell(&mut self, step: &str) -> String {
        writeln!(self.input.as_ref().unwrap(), "{step}").unwrap();
        let begin = format!("step {}: ", self.steps);
        self.steps += 1;
        let answer = |out: &str| {
            let after = out.split_once(&begin)?.1;
            Some(after.split_once('\n')?.0.to_owned())
        };
        self.board.wait(step, |_| answer(&self.board.out()).is_some());
        answer(&self.board.out()).unwrap()
    }

    #[track_caller]
    fn does(&mut self, step: &str) {
        assert_eq!(self.tell(step), "done", "{step}");
    }

    /// Lets it end.
    fn end(&mut self) {
        self.input = None;
        assert!(self.board.finish().success(), "{}", self.board.err());
    }

    fn glass<R>(&self, look: impl FnOnce(&Glass) -> R) -> R {
        self.board.with(|system| look(&system.spi.glass))
    }
}

/// What a panel should show of a canvas: the highest bits of each colour.
fn rgb565(canvas: &Canvas) -> RgbImage {
    let kept = canvas.as_rgb().as_chunks().0.iter().flat_map(|[r, g, b]| [r & !7, g & !3, b & !7]);
    let Size { width, height } = canvas.size();
    RgbImage::from_raw(width, height, kept.collect()).unwrap()
}

fn check_turns(model: &str, make: Make) {
    for turn in [0, 90, 180, 270] {
        let Some(mut client) = Client::start() else { return };
        client.board.with(|system| system.spi.glass = Glass::new(make));
        client.does(&format!("open {model},rotate={turn},mhz=40"));
        assert!(client.glass(|glass| glass.picture().pixels().all(|pixel| pixel.0 == [0; 3])));
        client.does("noise");
        let seen = client.glass(Glass::picture);
        // Whoever mounts it turned looks at it turned.
        let upright = match turn {
            90 => rotate270(&seen),
            180 => rotate180(&seen),
            270 => rotate90(&seen),
            _ => seen,
        };
        let expected = rgb565(&canvas(Size::new(upright.width(), upright.height())));
        assert!(upright == expected, "{model} turned by {turn}");
        let unknown = client.glass(|glass| glass.unknown.clone());
        assert!(unknown.is_empty(), "commands it does not know: {unknown:?}");
        let told = client.board.with(|system| (system.spi.speed_hz, system.spi.longest));
        assert_eq!(told, (40_000_000, 4096));
        client.end();
        assert!(client.glass(|glass| glass.picture().pixels().all(|pixel| pixel.0 == [0; 3])));
    }
}

#[test]
fn an_ili9341_shows_the_canvas_whichever_way_it_is_turned() {
    check_turns(ILI9341, Make::ILI9341);
}

#[test]
fn an_st7789_shows_the_canvas_whichever_way_it_is_turned() {
    check_turns(ST7789, Make::ST7789);
}

#[test]
fn a_module_that_differs_is_told_how() {
    let Some(mut client) = Client::start() else { return };
    let make = Make { bgr: true, inverted: false, mirrored: true };
    client.board.with(|system| system.spi.glass = Glass::new(make));
    client.does(&format!("open {ST7789},order=bgr,invert=off,mirror=on,size=240x240,y=80"));
    client.does("noise");
    let seen = client.glass(Glass::picture);
    let part = image::imageops::crop_imm(&seen, 0, 80, 240, 240).to_image();
    assert!(part == rgb565(&canvas(Size::new(240, 240))));
}

#[test]
fn a_label_that_changes_sends_little() {
    for turn in [0, 90] {
        let Some(mut client) = Client::start() else { return };
        client.does(&format!("open {ILI9341},rotate={turn}"));
        client.does("years 34");
        let bytes = |client: &Client| client.glass(|glass| glass.bytes);
        let before = bytes(&client);
        client.does("years 34");
        assert_eq!(bytes(&client), before, "nothing has changed");
        client.does("years 35");
        let sent = bytes(&client) - before;
        println!("turned by {turn}: a label of another year sends {sent} of {FULL_BYTES} bytes");
        assert!(sent > 0 && sent * 100 <= 15 * FULL_BYTES, "{sent} bytes");
        let size = if turn == 0 { Size::new(240, 320) } else { Size::new(320, 240) };
        let seen = client.glass(Glass::picture);
        let upright = if turn == 0 { seen } else { rotate270(&seen) };
        assert!(upright == rgb565(&portrait(size, 35)), "what was not sent is right, too");
        client.end();
    }
}

#[test]
fn as_much_is_sent_at_once_as_the_kernel_takes() {
    let Some(mut client) = Client::start() else { return };
    client.board.with(|system| system.set_bufsiz(65_536));
    client.does(&format!("open {ILI9341}"));
    let transfers = client.board.with(|system| system.spi.transfers);
    client.does("noise");
    let (longest, after) = client.board.with(|system| (system.spi.longest, system.spi.transfers));
    // The window's two commands with their arguments, one to write, and the pixels in three pieces.
    assert_eq!((longest, after - transfers), (65_536, 5 + 3));
    assert!(client.glass(Glass::picture) == rgb565(&canvas(Size::new(240, 320))));
    client.end();
}

#[test]
fn more_than_the_kernel_takes_is_an_error_that_says_so() {
    let Some(mut client) = Client::start() else { return };
    // Its parameter says 4096.
    client.board.with(|system| system.spi.bufsiz = 2048);
    let told = client.tell(&format!("open {ILI9341}"));
    assert!(told.contains("writing to the SPI bus: Message too long (os error 90)"), "{told}");
}

#[test]
fn lines_that_cannot_be_had_are_told_by_chip_and_number() {
    let Some(mut client) = Client::start() else { return };
    for (options, expected) in [
        (
            ",dc=77",
            "the data/command line: line 77 of gpiochip0 (pinctrl-bcm2711) is not there, the chip has 54",
        ),
        (
            ",dc=rp1/25",
            "GPIO line 25: there is no GPIO chip 'rp1', found gpiochip0 (pinctrl-bcm2711)",
        ),
        (",dc=8", "GPIO line 8 of gpiochip0 (pinctrl-bcm2711): it is taken by 'spi0 CS0'"),
        (",reset=77", "the reset line: line 77 of gpiochip0"),
        (",backlight=77", "the backlight: line 77 of gpiochip0"),
    ] {
        let told = client.tell(&format!("open {ILI9341}{options}"));
        assert!(told.contains(expected), "{told}");
    }
    for name in ["pinctrl-bcm2711", "gpiochip0", "0"] {
        client.does(&format!("open {ILI9341},dc={name}/25"));
    }
    client.board.with(|system| system.remove("/dev/gpiochip0"));
    let told = client.tell(&format!("open {ILI9341}"));
    assert!(told.contains("there is no GPIO chip, found none"), "{told}");
    client.board.with(|system| system.remove("/dev/spidev0.0"));
    let told = client.tell(&format!("open {ILI9341}"));
    assert!(told.contains("opening the SPI bus /dev/spidev0.0: there is none"), "{told}");
    assert!(told.contains("dtparam=spi=on"), "{told}");
}

#[test]
fn a_panel_is_black_and_dark_while_it_sleeps_and_after_the_end() {
    let Some(mut client) = Client::start() else { return };
    let light = |client: &Client| client.board.with(|system| system.pins.is_high(18));
    client.does(&format!("open {ILI9341},backlight=18"));
    assert!(light(&client));
    client.does("noise");
    client.does("sleep");
    assert!(!light(&client) && !client.glass(|glass| glass.awake));
    let bytes = client.glass(|glass| glass.bytes);
    client.does("noise");
    assert_eq!(client.glass(|glass| glass.bytes), bytes, "nobody sees it");
    client.does("wake");
    assert!(light(&client) && client.glass(|glass| glass.awake && glass.on));
    assert!(client.glass(|glass| glass.picture().pixels().all(|pixel| pixel.0 == [0; 3])));
    client.does("noise");
    assert!(client.glass(Glass::picture) == rgb565(&canvas(Size::new(240, 320))));
    client.end();
    assert!(!light(&client));
    // Dark from the first, on when it is black, off while it sleeps, and off in the end.
    let driven = client.board.with(|system| system.pins.driven.clone());
    let lights: Vec<bool> = driven.iter().filter(|it| it.0 == 18).map(|it| it.1).collect();
    assert_eq!(lights, [false, true, false, true, false]);
    let resets: Vec<_> = driven.iter().filter(|it| it.0 == pins::RESET).map(|it| it.1).collect();
    assert_eq!(resets, [false, true]);
}

#[test]
fn a_light_that_works_the_other_way_round_is_on_while_its_line_is_low() {
    let Some(mut client) = Client::start() else { return };
    client.does(&format!("open {ILI9341},backlight=!18"));
    assert!(!client.board.with(|system| system.pins.is_high(18)));
    client.end();
    assert!(client.board.with(|system| system.pins.is_high(18)));
}

/// What an SSD1306 should show of a canvas.
fn dots(canvas: &Canvas) -> GrayImage {
    let Size { width, height } = canvas.size();
    GrayImage::from_fn(width, height, |x, y| {
        let [r, g, b] = canvas.as_rgb().as_chunks::<3>().0[(y * width + x) as usize].map(u32::from);
        Luma([if 77 * r + 150 * g + 29 * b >= 128 * 256 { 255 } else { 0 }])
    })
}

#[test]
fn an_ssd1306_shows_age_gender_and_count() {
    let Some(mut client) = Client::start() else { return };
    let seen = |client: &Client| client.board.with(|system| system.i2c.oled.picture());
    client.does(&format!("open {SSD1306}"));
    assert!(seen(&client).pixels().all(|dot| dot.0 == [0]));
    client.does("noise");
    let size = Size::new(128, 64);
    assert!(seen(&client) == dots(&canvas(size)));
    client.does("years 34");
    assert!(seen(&client) == dots(&portrait(size, 34)));
    if let Some(dir) = env::var_os("APPARENT_LOOK") {
        seen(&client).save(std::path::Path::new(&dir).join("ssd1306.png")).unwrap();
    }
    let bytes = |client: &Client| client.board.with(|system| system.i2c.oled.data_bytes);
    let before = bytes(&client);
    client.does("years 35");
    let sent = bytes(&client) - before;
    println!("a label of another year sends {sent} of 1024 bytes");
    assert!(sent > 0 && sent < 1024 / 4, "{sent} bytes");
    assert!(seen(&client) == dots(&portrait(size, 35)));
    assert!(client.board.with(|system| system.i2c.oled.unknown.is_empty()));
    client.does("sleep");
    assert!(!client.board.with(|system| system.i2c.oled.on));
    client.does("wake");
    client.does("years 35");
    assert!(seen(&client) == dots(&portrait(size, 35)));
    client.end();
    assert!(seen(&client).pixels().all(|dot| dot.0 == [0]), "nothing stays on it");
}

#[test]
fn an_ssd1306_upside_down_is_turned_by_half() {
    let Some(mut client) = Client::start() else { return };
    client.does(&format!("open {SSD1306},rotate=180"));
    client.does("noise");
    let seen = client.board.with(|system| system.i2c.oled.picture());
    assert!(rotate180(&seen) == dots(&canvas(Size::new(128, 64))));
}

#[test]
fn an_ssd1306_that_does_not_answer_is_told_by_its_address() {
    let Some(mut client) = Client::start() else { return };
    let told = client.tell(&format!("open {SSD1306},address=0x3d"));
    let expected = "nothing answers at address 0x3d of /dev/i2c-1 (no acknowledge)";
    assert_eq!(told, expected);
    client.does(&format!("open {SSD1306}"));
    client.board.with(|system| system.i2c.fails = Some(libc::ENXIO));
    assert!(client.tell("noise").contains("nothing answers at address 0x3c"));
    client.board.with(|system| system.i2c.fails = Some(libc::EBUSY));
    assert!(client.tell("noise").contains("a driver of the kernel has address 0x3c"));
    client.board.with(|system| system.i2c.fails = None);
    client.does("noise");
    let seen = client.board.with(|system| system.i2c.oled.picture());
    assert!(seen == dots(&canvas(Size::new(128, 64))), "what nobody knows is sent whole");
    client.board.with(|system| system.remove("/dev/i2c-1"));
    let told = client.tell(&format!("open {SSD1306}"));
    assert!(told.contains("opening the I2C bus /dev/i2c-1: there is none"), "{told}");
}
