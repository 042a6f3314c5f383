//! `kiosk run` on a board that is not there with several displays, a button and a light.

use std::process::Command;
use std::time::Duration;

use image::Rgb;
use serde_json::Value;

use super::camera::Make as Camera;
use super::live::{end, green, kiosk, pictures_come, shows_green, shows_no_green};
use super::screen::Layout;
use super::shots::{face, jpeg, plain};
use super::system::System;
use super::{Board, start};

const ILI9341: &str = "ili9341:/dev/spidev0.0,backlight=18,rotate=90";
const SSD1306: &str = "ssd1306:/dev/i2c-1";
const BUTTON: u32 = 17;
const LED: u32 = 22;

/// A camera that sees two greens in turns, so that there is always something to send.
fn greens() -> Camera {
    let shots = [255, 230].map(|green| jpeg(&plain([0, green, 0], 640, 480)).into());
    Camera::new(b"MJPG", (640, 480), shots.into())
}

/// `kiosk run` on the framebuffer and on these.
fn run_with(displays: &[&str], camera: Camera) -> Option<Board> {
    let mut kiosk = kiosk("/dev/video0");
    for display in displays {
        kiosk.args(["--display", display]);
    }
    start(camera, Layout::BITS_32, &mut kiosk)
}

/// `kiosk run` on this display alone.
fn run_on(display: &str) -> Option<Board> {
    let mut kiosk = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    kiosk.args(["run", "--source", "/dev/video0", "--detector", "embedded", "--display", display]);
    kiosk.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    start(greens(), Layout::BITS_32, &mut kiosk)
}

/// Whether the panel shows the camera's green picture: turned by 90°, its left half is the upper one.
fn panel_shows_green(system: &System) -> bool {
    let seen = system.spi.glass.picture();
    let is_green = |&Rgb([red, green, blue]): &Rgb<u8>| green > 200 && red < 60 && blue < 60;
    seen.pixels().filter(|pixel| is_green(pixel)).count() > 240 * 320 / 3
}

fn oled_shows_something(system: &System) -> bool {
    system.i2c.oled.picture().pixels().any(|dot| dot.0 != [0])
}

#[test]
fn three_displays_show_the_same_scene_each_in_its_way() {
    let Some(mut board) = run_with(&[ILI9341, SSD1306], green()) else { return };
    board.wait("a picture on the framebuffer", shows_green);
    board.wait("a picture on the panel", panel_shows_green);
    board.wait("words on the small panel", oled_shows_something);
    end(&mut board);
    assert!(board.picture().pixels().all(|pixel| pixel.0 == [0; 3]), "{}", board.err());
    board.with(|system| {
        assert!(system.spi.glass.picture().pixels().all(|pixel| pixel.0 == [0; 3]));
        assert!(!oled_shows_something(system) && !system.pins.is_high(18));
        assert!(system.spi.longest <= 4096);
    });
}

/// Breaks a display, and looks whether that is told once and the framebuffer goes on.
fn check_others_go_on(display: &str, fail: impl Fn(&mut System), told: &str) {
    let Some(mut board) = run_with(&[display], greens()) else { return };
    board.wait("a picture", shows_green);
    board.wait("words or a picture", |system| {
        panel_shows_green(system) || oled_shows_something(system)
    });
    board.with(fail);
    let told = format!("the display {display}: {told}");
    board.wait("that it is told", |_| board.err().contains(&told));
    pictures_come(&board, 20);
    assert!(board.with(|system| shows_green(system)), "the framebuffer goes on");
    end(&mut board);
    assert_eq!(board.err().matches(&told).count(), 1, "{}", board.err());
}

#[test]
fn a_panel_that_is_gone_is_told_once_and_the_others_go_on() {
    let gone = |system: &mut System| system.spi.fails = Some(libc::ENODEV);
    check_others_go_on(ILI9341, gone, "writing to the SPI bus: No such device (os error 19)");
    let broken = |system: &mut System| system.spi.fails = Some(libc::EIO);
    check_others_go_on(ILI9341, broken, "writing to the SPI bus: Input/output error (os error 5)");
    let line = |system: &mut System| system.pins.fails = Some(libc::ENODEV);
    check_others_go_on(ILI9341, line, "GPIO line 25 of gpiochip0 (pinctrl-bcm2711): ");
}

#[test]
fn a_small_panel_that_does_not_answer_is_told_once_and_the_others_go_on() {
    // What it says does not change by itself: a face does it.
    let Some(mut board) = run_with(&[SSD1306], green()) else { return };
    board.wait("words", oled_shows_something);
    board.with(|system| {
        system.i2c.fails = Some(libc::EREMOTEIO);
        system.camera.make.shots = vec![jpeg(&face("astronaut.jpg", 640, 480)).into()];
    });
    let told = format!("the display {SSD1306}: nothing answers at address 0x3c of /dev/i2c-1");
    board.wait("that it is told", |_| board.err().contains(&told));
    pictures_come(&board, 20);
    end(&mut board);
    assert_eq!(board.err().matches(&told).count(), 1, "{}", board.err());
}

#[test]
fn where_the_only_display_is_gone_the_program_ends_and_says_why() {
    let Some(mut board) = run_on(ILI9341) else { return };
    board.wait("a picture", panel_shows_green);
    board.with(|system| system.spi.fails = Some(libc::ENODEV));
    let status = board.finish();
    assert_eq!(status.code(), Some(1), "{}", board.err());
    let told = format!(
        "kiosk: the render thread: no display is left: the display {ILI9341}: \
         writing to the SPI bus: No such device (os error 19)"
    );
    assert!(board.err().contains(&told), "{}", board.err());
}

#[test]
fn a_display_that_cannot_be_opened_is_told_and_ends_the_program_where_there_is_no_other() {
    let missing = "st7789:/dev/spidev7.0";
    let Some(mut board) = run_with(&[missing], green()) else { return };
    board.wait("a picture", shows_green);
    end(&mut board);
    let told = format!("the display {missing}: opening the SPI bus /dev/spidev7.0: there is none");
    assert_eq!(board.err().matches(&told).count(), 1, "{}", board.err());
    let Some(mut board) = run_on("ili9341:/dev/spidev0.0,dc=77") else { return };
    assert_eq!(board.finish().code(), Some(1));
    let told = "kiosk: no display can be used: the display ili9341:/dev/spidev0.0,dc=77: the \
        data/command line: line 77 of gpiochip0 (pinctrl-bcm2711) is not there, the chip has 54";
    assert!(board.err().contains(told), "{}", board.err());
}

/// With a button and a light.
fn run_with_pins(camera: Camera) -> Option<Board> {
    let mut kiosk = kiosk("/dev/video0");
    let kiosk = kiosk.env("APPARENT_GPIO_BUTTON", "17").env("APPARENT_GPIO_LED", "gpiochip0/22");
    let board = start(camera, Layout::BITS_32, kiosk)?;
    board.wait("somebody listening", |system| system.pins.is_listened_to(BUTTON));
    Some(board)
}

/// Presses the button for so long, by the kernel's time.
fn press(board: &Board, at_ms: u64, long_ms: u64) {
    let at = Duration::from_millis;
    board.with(|system| {
        system.pins.change(BUTTON, false, at(at_ms));
        system.pins.change(BUTTON, true, at(at_ms + long_ms));
    });
}

#[test]
fn a_button_pauses_and_goes_on() {
    let Some(mut board) = run_with_pins(green()) else { return };
    board.wait("the camera's picture", shows_green);
    // A contact that bounces is no press.
    press(&board, 900, 3);
    press(&board, 1000, 120);
    board.wait("that it pauses", shows_no_green);
    press(&board, 2000, 120);
    board.wait("the camera's picture again", shows_green);
    end(&mut board);
}

#[test]
fn a_button_that_is_pressed_for_long_changes_the_language() {
    let Some(mut board) = run_with_pins(green()) else { return };
    board.wait("the camera's picture", shows_green);
    // The invitation beside the picture has no figures.
    let words = |system: &System| -> Vec<Rgb<u8>> {
        let at = (0..300).flat_map(|y| (490..800).map(move |x| (x, y)));
        at.map(|(x, y)| system.screen.pixel(x, y)).collect()
    };
    let english = board.with(|system| words(system));
    press(&board, 1000, 1500);
    board.wait("other words", |system| words(system) != english && shows_green(system));
    press(&board, 5000, 1500);
    board.wait("the first words", |system| words(system) == english);
    end(&mut board);
}

#[test]
fn a_light_is_on_while_somebody_is_there() {
    let Some(mut board) = run_with_pins(green()) else { return };
    board.wait("the camera's picture", shows_green);
    assert!(!board.with(|system| system.pins.is_high(LED)));
    board.with(|system| {
        system.camera.make.shots = vec![jpeg(&face("astronaut.jpg", 640, 480)).into()];
    });
    board.wait("the light on", |system| system.pins.is_high(LED));
    press(&board, 1000, 120);
    board.wait("the light off while it pauses", |system| !system.pins.is_high(LED));
    press(&board, 2000, 120);
    board.wait("the light on again", |system| system.pins.is_high(LED));
    end(&mut board);
    assert!(!board.with(|system| system.pins.is_high(LED)));
}

#[test]
fn a_button_that_cannot_be_had_is_told_and_the_kiosk_works_without() {
    let mut kiosk = kiosk("/dev/video0");
    let kiosk = kiosk.env("APPARENT_GPIO_BUTTON", "8").env("APPARENT_GPIO_LED", "99");
    let Some(mut board) = start(green(), Layout::BITS_32, kiosk) else { return };
    board.wait("the camera's picture", shows_green);
    end(&mut board);
    for told in [
        "the button: GPIO line 8 of gpiochip0 (pinctrl-bcm2711): it is taken by 'spi0 CS0'",
        "the presence light: line 99 of gpiochip0 (pinctrl-bcm2711) is not there, the chip has 54",
    ] {
        assert!(board.err().contains(told), "{}", board.err());
    }
}

#[test]
fn what_there_is_and_what_is_taken_is_listed() {
    let mut kiosk = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    let Some(mut board) = start(green(), Layout::BITS_32, kiosk.args(["displays", "--json"]))
    else {
        return;
    };
    assert!(board.finish().success(), "{}", board.err());
    let report: Value = serde_json::from_str(&board.out()).unwrap();
    let paths = |key: &str| -> Vec<String> {
        let list = report[key].as_array().unwrap();
        list.iter().map(|it| it["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths("framebuffers"), ["/dev/fb0"]);
    assert_eq!(paths("spi"), ["/dev/spidev0.0"]);
    assert_eq!(paths("i2c"), ["/dev/i2c-1"]);
    assert_eq!(paths("gpio"), ["/dev/gpiochip0"]);
    assert_eq!(report["framebuffers"][0]["size_px"], "800x480");
    assert_eq!(report["gpio"][0]["about"], "pinctrl-bcm2711, 54 lines");
    assert_eq!(
        (&report["auto"], &report["run"][0]),
        (&"fb:/dev/fb0".into(), &"fb:/dev/fb0".into())
    );
}

#[test]
fn auto_takes_the_framebuffer_where_there_is_no_graphics_card() {
    let Some(mut board) = run_on("auto") else { return };
    board.wait("a picture", shows_green);
    end(&mut board);
}
