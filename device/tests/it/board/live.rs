//! `kiosk run` on a board that is not there: the program as it is, with a camera that fails in every way
//! cameras do.

use std::process::Command;
use std::time::{Duration, Instant};

use image::Rgb;

use super::camera::Make;
use super::screen::Layout;
use super::shots::{Shot, face, jpeg, moving, plain, yuyv};
use super::system::{CAMERA_BY_ID, System};
use super::{Board, start};
use crate::kiosk::takes_faults;

const GREEN: [u8; 3] = [0, 255, 0];

/// Starts `kiosk run` with the board's camera and screen.
pub(crate) fn run(camera: Make, layout: Layout) -> Option<Board> {
    start(camera, layout, &mut kiosk("/dev/video0"))
}

/// `kiosk run` from this source to the board's screen.
pub(crate) fn kiosk(source: &str) -> Command {
    let mut kiosk = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    kiosk.args(["run", "--source", source, "--display", "fb:/dev/fb0", "--detector", "embedded"]);
    kiosk.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    kiosk
}

/// A camera that sees nothing but green, so that its picture is known by one pixel.
pub(crate) fn green() -> Make {
    Make::new(b"MJPG", (640, 480), vec![jpeg(&plain(GREEN, 640, 480)).into()])
}

/// Whether the pane of the camera's picture is green, from top to bottom.
pub(crate) fn shows_green(system: &System) -> bool {
    greens(system) == GREEN_AT_Y.len()
}

/// Whether none of it is.
pub(crate) fn shows_no_green(system: &System) -> bool {
    greens(system) == 0
}

/// Where the pane is looked at: a screen is drawn while it is read.
const GREEN_AT_Y: [u32; 3] = [2, 200, 440];

fn greens(system: &System) -> usize {
    let is_green = |Rgb([red, green, blue])| green > 200 && red < 60 && blue < 60;
    GREEN_AT_Y.iter().filter(|&&y| is_green(system.screen.pixel(240, y))).count()
}

/// Asks the program to end, which it must do well.
pub(crate) fn end(board: &mut Board) {
    let id = board.program().id().cast_signed();
    let id = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let status = board.finish();
    assert!(status.success(), "{status}:\n{}{}", board.out(), board.err());
}

pub(crate) fn pictures_come(board: &Board, count: u64) {
    let before = board.with(|system| system.camera.delivered);
    board.wait("pictures", |system| system.camera.delivered >= before + count);
}

/// How long something took, for who reads the test's output.
fn measured(what: &str, begun: Instant) -> Duration {
    let took = begun.elapsed();
    println!("{what}: {} ms", took.as_millis());
    took
}

#[test]
fn a_camera_at_30_pictures_a_second_is_followed_without_an_error() {
    for (fourcc, encode) in [(b"MJPG", jpeg as fn(&_) -> Vec<u8>), (b"YUYV", yuyv)] {
        let pictures = moving(&face("astronaut.jpg", 640, 480), 30);
        let shots = pictures.iter().map(|picture| encode(picture).into()).collect();
        let camera = Make::new(fourcc, (640, 480), shots);
        let Some(mut board) = run(camera, Layout::BITS_32) else { return };
        pictures_come(&board, 1);
        let begun = Instant::now();
        pictures_come(&board, 60);
        let took = measured("60 pictures", begun);
        end(&mut board);
        let (delivered, missed) =
            board.with(|system| (system.camera.delivered, system.camera.missed()));
        assert!(missed * 10 <= delivered, "{missed} pictures missed beside {delivered}");
        assert!(took > Duration::from_millis(1800), "that is more than 30 a second");
        assert_eq!(board.with(|system| system.camera.sessions.len()), 1, "{}", board.err());
    }
}

#[test]
fn an_unplugged_camera_is_told_on_the_screen_and_found_again() {
    let Some(mut board) = run(green(), Layout::BITS_32) else { return };
    board.wait("the camera's picture", shows_green);
    let begun = Instant::now();
    board.with(System::unplug);
    board.wait("a notice", shows_no_green);
    measured("from unplugged to a notice", begun);
    let begun = Instant::now();
    board.with(|system| system.plug("/dev/video0"));
    board.wait("the camera's picture again", shows_green);
    measured("from plugged in to a picture", begun);
    end(&mut board);
}

#[test]
fn a_camera_that_falls_silent_is_opened_again() {
    let Some(mut board) = run(green(), Layout::BITS_32) else { return };
    board.wait("the camera's picture", shows_green);
    board.with(|system| system.camera.stall());
    let opened = board.with(|system| system.camera.sessions.len());
    board.wait("another try", |system| system.camera.sessions.len() > opened);
    pictures_come(&board, 5);
    board.wait("the camera's picture again", shows_green);
    end(&mut board);
}

#[test]
fn a_stream_that_cannot_be_stopped_ends_nothing_else() {
    let camera = Make { streamoff_fails: true, ..green() };
    let Some(mut board) = run(camera, Layout::BITS_32) else { return };
    board.wait("the camera's picture", shows_green);
    board.with(|system| system.camera.stall());
    let opened = board.with(|system| system.camera.sessions.len());
    board.wait("another try", |system| system.camera.sessions.len() > opened);
    pictures_come(&board, 5);
    end(&mut board);
}

#[test]
fn a_camera_that_gives_another_format_than_asked_for_is_used_as_it_is() {
    // Rows with a gap behind them, and a colour space that nobody has heard of.
    let rows = yuyv(&plain(GREEN, 640, 480));
    let padded = rows.chunks(1280).flat_map(|row| row.iter().copied().chain([0x80; 128]));
    let given = Make::new(b"YUYV", (640, 480), vec![padded.collect::<Vec<_>>().into()]);
    let camera = Make { offered: *b"MJPG", stride: 1280 + 128, colorspace: 99, ..given };
    let Some(mut board) = run(camera, Layout::BITS_16) else { return };
    board.wait("the camera's picture", shows_green);
    end(&mut board);
}

#[test]
fn a_camera_that_gives_nothing_usable_is_told_on_the_screen_with_a_way_out_in_the_log() {
    let camera = Make { offered: *b"pBAA", fourcc: *b"pBAA", ..green() };
    let Some(mut board) = run(camera, Layout::BITS_32) else { return };
    board.wait("another try", |system| system.camera.sessions.len() >= 2);
    board.wait("a notice", |system| system.screen.picture().pixels().any(|p| p.0 != [0; 3]));
    assert!(board.err().contains("exec:"), "{}", board.err());
    end(&mut board);
}

#[test]
fn the_light_goes_off_when_nobody_is_there_and_on_when_somebody_comes() {
    let mut kiosk = kiosk("/dev/video0");
    let kiosk = kiosk.env("APPARENT_IDLE_AFTER_S", "1");
    let Some(mut board) = start(green(), Layout::BITS_32, kiosk) else { return };
    let is_dark = |system: &System| system.screen.blanked.last().is_some_and(|&how| how != 0);
    board.wait("the light off", is_dark);
    let begun = Instant::now();
    board.with(|system| {
        system.camera.make.shots = vec![jpeg(&face("astronaut.jpg", 640, 480)).into()];
    });
    board.wait("the light on", |system| !is_dark(system));
    measured("from somebody coming to the light", begun);
    end(&mut board);
}

#[test]
fn a_camera_is_found_again_under_another_number() {
    let Some(mut board) = start(green(), Layout::BITS_32, &mut kiosk(CAMERA_BY_ID)) else { return };
    board.wait("the camera's picture", shows_green);
    board.with(System::unplug);
    board.wait("a notice", shows_no_green);
    board.with(|system| system.plug("/dev/video7"));
    board.wait("the camera's picture again", shows_green);
    end(&mut board);
}

#[test]
fn a_screen_whose_thread_panics_is_left_black_and_the_console_as_it_was() {
    if !takes_faults() {
        return;
    }
    let mut kiosk = kiosk("/dev/video0");
    let kiosk = kiosk.env("APPARENT_INJECT", "panic:render");
    let Some(mut board) = start(green(), Layout::BITS_32, kiosk) else { return };
    let status = board.finish();
    assert_eq!(status.code(), Some(1), "{}", board.err());
    assert!(board.picture().pixels().all(|pixel| pixel.0 == [0; 3]));
    board.with(|system| {
        assert_eq!(system.console.modes, [1, 0]);
        assert!(system.console.text().ends_with("\x1b[?25h"));
    });
}

#[test]
fn broken_pictures_are_passed_over() {
    let whole = jpeg(&plain(GREEN, 640, 480));
    let red = jpeg(&plain([255, 0, 0], 640, 480));
    let cut = whole[..whole.len() / 2].to_vec();
    let shots = [
        whole.into(),
        cut.into(),
        Vec::new().into(),
        Shot { bytes: red, error: true },
        b"no picture at all".to_vec().into(),
    ];
    let camera = Make::new(b"MJPG", (640, 480), shots.to_vec());
    let Some(mut board) = run(camera, Layout::BITS_32) else { return };
    board.wait("the camera's picture", shows_green);
    let opened = board.with(|system| system.camera.sessions.len());
    pictures_come(&board, 40);
    assert!(board.with(|system| shows_green(system)), "a broken picture was shown");
    assert_eq!(board.with(|system| system.camera.sessions.len()), opened, "it was opened again");
    end(&mut board);
}
