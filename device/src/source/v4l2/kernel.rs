//! The kernel's video interface (V4L2), as far as it is needed: a function for each call, and nothing that
//! panics on what a driver says.
//!
//! Crate `v4l` gives structs and numbers of the calls. Its own functions are used where they cannot panic:
//! those that read names or colours do on what they do not know, and its stream does when it is dropped.

#![allow(unsafe_code, reason = "ioctl and mmap are how the kernel gives frames")]

use std::ffi::c_void;
use std::fmt;
use std::io;
use std::mem;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use memmap2::{MmapMut, MmapOptions};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use v4l::buffer::{Flags, Type};
use v4l::device::Device;
use v4l::memory::Memory;
use v4l::v4l_sys::{v4l2_buffer, v4l2_capability, v4l2_fmtdesc, v4l2_format, v4l2_requestbuffers};
use v4l::v4l2::{self, vidioc};

use crate::source::format::FourCc;

/// `POLLIN`, which is 1 on every kind of Linux.
const READABLE: i16 = 1;

/// No driver offers so many formats.
const FORMATS_MAX: u32 = 64;

/// An open device.
pub(super) struct Node {
    device: Device,
}

/// What a device says of itself.
#[derive(Clone, Debug)]
pub(super) struct Capability {
    pub(super) driver: String,
    pub(super) card: String,
    pub(super) bus: String,
    pub(super) flags: v4l::capability::Flags,
}

/// How frames will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) fourcc: FourCc,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) stride: u32,
}

/// A buffer that the kernel gave back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled {
    pub(super) index: u32,
    pub(super) bytes: usize,
    /// The driver's own word for a frame that is not whole.
    pub(super) is_broken: bool,
}

/// A struct of the kernel's, which may be all zeros.
///
/// # Safety
/// Only for C structs of integers, arrays and unions of them.
unsafe trait Plain: Sized {
    fn zeroed() -> Self {
        // SAFETY: whoever implements this says that zeros are a value.
        unsafe { mem::zeroed() }
    }
}

// SAFETY: they are C structs without references.
unsafe impl Plain for v4l2_buffer {}
// SAFETY: as above.
unsafe impl Plain for v4l2_capability {}
// SAFETY: as above.
unsafe impl Plain for v4l2_fmtdesc {}
// SAFETY: as above.
unsafe impl Plain for v4l2_format {}
// SAFETY: as above.
unsafe impl Plain for v4l2_requestbuffers {}
// SAFETY: a number.
unsafe impl Plain for u32 {}

impl Node {
    /// Opens the device file at `path`, so that no call waits.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let node = Self { device: Device::with_path(path)? };
        // SAFETY: the descriptor is open as long as the node.
        let fd = unsafe { BorrowedFd::borrow_raw(node.fd()) };
        // Commands that are run must not hold the camera.
        fcntl_setfd(fd, FdFlags::CLOEXEC)?;
        Ok(node)
    }

    /// The device for those functions of the crate that cannot panic.
    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    fn fd(&self) -> RawFd {
        self.device.handle().fd()
    }

    fn call<T: Plain>(&self, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
        debug_assert_eq!((request >> 16 & 0x3FFF) as usize, mem::size_of::<T>());
        loop {
            let argument = std::ptr::from_mut(argument).cast::<c_void>();
            // SAFETY: the request says how large its struct is, and that is what the argument is.
            let done = unsafe { v4l2::ioctl(self.fd(), request, argument) };
            match done {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    /// What the device says of itself.
    pub(super) fn capability(&self) -> io::Result<Capability> {
        let mut found = v4l2_capability::zeroed();
        self.call(vidioc::VIDIOC_QUERYCAP, &mut found)?;
        let all = v4l::capability::Flags::from(found.capabilities);
        // A driver with several device files says in the second field what this one can do.
        let own = all.contains(v4l::capability::Flags::DEVICE_CAPS);
        Ok(Capability {
            driver: text(&found.driver),
            card: text(&found.card),
            bus: text(&found.bus_info),
            flags: if own { found.device_caps.into() } else { all },
        })
    }

    /// The names of the formats that it offers.
    pub(super) fn formats(&self) -> Vec<FourCc> {
        let format = |index| {
            let mut found = v4l2_fmtdesc { index, type_: CAPTURE, ..v4l2_fmtdesc::zeroed() };
            self.call(vidioc::VIDIOC_ENUM_FMT, &mut found).ok()?;
            Some(FourCc(found.pixelformat.to_le_bytes()))
        };
        (0..FORMATS_MAX).map_while(format).collect()
    }

    /// Asks for a format, and tells which one will come: a driver may take another. Rows are as long as
    /// the driver wants: nothing of an earlier format is left over.
    pub(super) fn set_format(&self, wanted: &Format) -> io::Result<Format> {
        let mut format = v4l2_format { type_: CAPTURE, ..v4l2_format::zeroed() };
        format.fmt.pix.width = wanted.width;
        format.fmt.pix.height = wanted.height;
        format.fmt.pix.pixelformat = u32::from_le_bytes(wanted.fourcc.0);
        self.call(vidioc::VIDIOC_S_FMT, &mut format)?;
        // SAFETY: of a capture format, this is the member that is filled.
        let pix = unsafe { format.fmt.pix };
        let fourcc = FourCc(pix.pixelformat.to_le_bytes());
        Ok(Format { fourcc, width: pix.width, height: pix.height, stride: pix.bytesperline })
    }

    /// Asks for so many buffers, and tells how many there are; 0 frees them all.
    pub(super) fn request_buffers(&self, count: u32) -> io::Result<u32> {
        let mut request = v4l2_requestbuffers {
            count,
            type_: CAPTURE,
            memory: MMAP,
            ..v4l2_requestbuffers::zeroed()
        };
        self.call(vidioc::VIDIOC_REQBUFS, &mut request)?;
        Ok(request.count)
    }

    /// The memory of a buffer.
    pub(super) fn map_buffer(&self, index: u32) -> io::Result<MmapMut> {
        let mut buffer = buffer(index);
        self.call(vidioc::VIDIOC_QUERYBUF, &mut buffer)?;
        // SAFETY: of a mapped buffer, this is the member that is filled.
        let offset = unsafe { buffer.m.offset };
        let mut map = MmapOptions::new();
        map.offset(offset.into()).len(buffer.length as usize);
        // SAFETY: the kernel writes there only while the buffer is queued, and it is only read while it
        // is not.
        unsafe { map.map_mut(self.fd()) }
    }

    /// Gives a buffer to the kernel to be filled.
    pub(super) fn queue(&self, index: u32) -> io::Result<()> {
        self.call(vidioc::VIDIOC_QBUF, &mut buffer(index))
    }

    /// Takes a buffer that was filled. Never waits: without one, it is an error that says so.
    pub(super) fn dequeue(&self) -> io::Result<Filled> {
        let mut buffer = buffer(0);
        self.call(vidioc::VIDIOC_DQBUF, &mut buffer)?;
        let is_broken = Flags::from(buffer.flags).contains(Flags::ERROR);
        Ok(Filled { index: buffer.index, bytes: buffer.bytesused as usize, is_broken })
    }

    /// Lets frames flow.
    pub(super) fn stream_on(&self) -> io::Result<()> {
        let mut kind = CAPTURE;
        self.call(vidioc::VIDIOC_STREAMON, &mut kind)
    }

    /// Stops them and takes all buffers back.
    pub(super) fn stream_off(&self) -> io::Result<()> {
        let mut kind = CAPTURE;
        self.call(vidioc::VIDIOC_STREAMOFF, &mut kind)
    }

    /// Whether a buffer was filled (or the device has gone, which taking one then tells) within `patience`.
    pub(super) fn wait(&self, patience: Duration) -> io::Result<bool> {
        let patience_ms = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        match self.device.handle().poll(READABLE, patience_ms) {
            Ok(ready) => Ok(ready > 0),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INTR) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}x{}", self.fourcc, self.width, self.height)
    }
}

const CAPTURE: u32 = Type::VideoCapture as u32;
const MMAP: u32 = Memory::Mmap as u32;

fn buffer(index: u32) -> v4l2_buffer {
    v4l2_buffer { index, type_: CAPTURE, memory: MMAP, ..v4l2_buffer::zeroed() }
}

/// What is before the first zero, in characters that can be printed.
fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    text.trim().chars().filter(|c| !c.is_control()).collect()
}
