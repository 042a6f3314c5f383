//! The board itself, by small programs on it: this test program, started again, draws on the framebuffer and
//! takes pictures out of the camera.

use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, io};

use device::canvas::Canvas;
use device::display::Display;
use device::display::fb::FrameBuffer;
use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use v4l::buffer::Type;
use v4l::io::traits::CaptureStream;
use v4l::prelude::MmapStream;
use v4l::video::Capture;

use super::camera::Make;
use super::screen::Layout;
use super::shots::{jpeg, plain};
use super::system::System;
use super::{Board, start};

/// Says what the test program is to do when it is started again.
const ROLE: &str = "APPARENT_BOARD_CLIENT";

fn on_a_board(role: &str, camera: Make, layout: Layout) -> Option<Board> {
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", "--nocapture", "board::client::the_client"]);
    start(camera, layout, again.env(ROLE, role).stdin(Stdio::piped()))
}

fn green() -> Make {
    Make::new(b"MJPG", (64, 48), vec![jpeg(&plain([0, 255, 0], 64, 48)).into()])
}

#[test]
fn the_client() {
    match env::var(ROLE).as_deref() {
        Ok("draw") => draw(),
        Ok("look") => look(),
        Ok("leak") => leak(),
        _ => {}
    }
}

/// A picture in which no two neighbours are alike.
pub(crate) fn canvas(size: Size) -> Canvas {
    let mut canvas = Canvas::new(size.width, size.height);
    let mut n = 0_u32;
    let colors = std::iter::repeat_with(|| {
        n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, red, green, blue] = n.to_le_bytes();
        Rgb888::new(red, green, blue)
    });
    canvas.fill_contiguous(&Rectangle::new(Point::zero(), size), colors).unwrap();
    canvas
}

fn draw() {
    let mut screen = FrameBuffer::open(Path::new("/dev/fb0")).unwrap();
    println!("{}", screen.description());
    screen.present(&canvas(screen.size_px())).unwrap();
    println!("shown");
    // Until it is told to go on.
    io::stdin().read_line(&mut String::new()).unwrap();
    screen.sleep().unwrap();
    screen.wake().unwrap();
}

fn look() {
    let device = v4l::Device::with_path("/dev/video0").unwrap();
    println!("{} {:?}", device.query_caps().unwrap().card, device.format().unwrap().fourcc.repr);
    let mut stream = MmapStream::with_buffers(&device, Type::VideoCapture, 4).unwrap();
    for _ in 0..5 {
        let (bytes, about) = stream.next().unwrap();
        let picture = image::load_from_memory(&bytes[..about.bytesused as usize]).unwrap();
        println!("{} {:?}", about.sequence, picture.to_rgb8().get_pixel(30, 20).0);
    }
    // With nothing to come, the driver is asked in vain.
    println!("waiting");
    stream.set_timeout(std::time::Duration::from_millis(300));
    println!("{}", (0..100).find_map(|_| stream.next().err()).unwrap());
}

/// Lets something out by a file and by sockets, which must be noticed.
fn leak() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("face.jpg"), [7; 5000]).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&[7; 100], socket.local_addr().unwrap()).unwrap();
    let _ = UnixStream::connect("/run/no-such-socket");
}

fn check_screen(layout: Layout, lost_bits: [u8; 3], described: &str) {
    let Some(mut board) = on_a_board("draw", green(), layout) else { return };
    let before = board.with(|system| system.screen.unseen());
    board.wait("a picture", |_| board.out().contains("shown"));
    assert!(board.out().contains(described), "{}", board.out());
    let (shown, (width, height)) = (board.picture(), layout.size_px);
    let drawn = canvas(Size::new(width, height));
    let expected = drawn.as_rgb().as_chunks().0.iter();
    let kept = |[r, g, b]: [u8; 3]| [r & !lost_bits[0], g & !lost_bits[1], b & !lost_bits[2]];
    assert!(shown.pixels().map(|pixel| pixel.0).eq(expected.map(|pixel| kept(*pixel))));
    assert_eq!(board.with(|system| system.screen.unseen()), before);

    drop(board.program().stdin.take());
    assert!(board.finish().success(), "{}", board.err());
    assert!(board.picture().pixels().all(|pixel| pixel.0 == [0; 3]), "a face could be left");
    let (blanked, modes) =
        board.with(|system| (system.screen.blanked.clone(), system.console.modes.clone()));
    assert_eq!((blanked, modes), (vec![0, 4, 0, 0], vec![1, 0]));
    assert_eq!(board.with(|system| system.console.text()), "\x1b[?25l\x1b[9;0]\x1b[9;10]\x1b[?25h");
}

#[test]
fn the_screen_shows_the_canvas_in_32_bits() {
    check_screen(Layout::BITS_32, [0; 3], "/dev/fb0, 800 x 480, 32 bits");
}

#[test]
fn the_screen_shows_the_canvas_in_16_bits_but_for_the_lowest() {
    check_screen(Layout::BITS_16, [7, 3, 7], "/dev/fb0, 800 x 480, 16 bits");
}

#[test]
fn whatever_could_bring_a_picture_out_is_noticed() {
    let Some(mut board) = on_a_board("leak", green(), Layout::BITS_32) else { return };
    assert!(board.finish().success(), "{}", board.err());
    let deeds = board.with(|system| std::mem::take(&mut system.deeds));
    let seen = |what| deeds.seen.iter().filter(move |deed| deed.what == what);
    assert!(seen("open").any(|deed| deed.target.ends_with("/face.jpg")), "{deeds:#?}");
    assert!(seen("write").any(|deed| deed.target.ends_with("/face.jpg")), "{deeds:#?}");
    assert!(seen("send").any(|deed| deed.target.starts_with("socket:")), "{deeds:#?}");
    assert!(seen("socket").any(|deed| deed.target == "family 2"), "{deeds:#?}");
    assert_eq!(seen("connect").count(), 1, "{deeds:#?}");
    assert!(deeds.written_bytes >= 5000, "{deeds:#?}");
}

#[test]
fn the_camera_gives_pictures_until_it_is_unplugged() {
    let Some(mut board) = on_a_board("look", green(), Layout::BITS_32) else { return };
    board.wait("five pictures", |system| system.camera.delivered >= 5);
    board.with(System::unplug);
    assert!(board.finish().success(), "{}", board.err());
    let out = board.out();
    assert!(out.contains("Fake camera [77, 74, 80, 71]"), "{out}");
    assert!(out.contains("No such device"), "{out}");
}
