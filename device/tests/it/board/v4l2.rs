//! What V4L2 asks of a camera, and what the fake one answers; see linux/videodev2.h.

#![allow(unsafe_code, reason = "V4L2's structures have unions")]

use std::time::Instant;

use libc::c_int;
use v4l::v4l_sys::{
    v4l2_buffer, v4l2_capability, v4l2_fmtdesc, v4l2_format, v4l2_frmivalenum, v4l2_frmsizeenum,
    v4l2_requestbuffers, v4l2_streamparm,
};
use v4l::v4l2::vidioc;

use super::camera::{Camera, Make};
use super::notify::{Call, Plain};

// SAFETY: integers, and unions and arrays of them.
unsafe impl Plain for v4l2_buffer {}
// SAFETY: integers, and unions and arrays of them.
unsafe impl Plain for v4l2_capability {}
// SAFETY: integers, and unions and arrays of them.
unsafe impl Plain for v4l2_fmtdesc {}
// SAFETY: integers, pointers that are not followed, and unions and arrays of them.
unsafe impl Plain for v4l2_format {}
// SAFETY: integers, and unions and arrays of them.
unsafe impl Plain for v4l2_frmivalenum {}
// SAFETY: integers, and unions and arrays of them.
unsafe impl Plain for v4l2_frmsizeenum {}
// SAFETY: integers, and unions and arrays of them.
unsafe impl Plain for v4l2_requestbuffers {}
// SAFETY: integers, and unions and arrays of them.
unsafe impl Plain for v4l2_streamparm {}

const CAPTURE: u32 = 1;
const DISCRETE: u32 = 1;
const PROGRESSIVE: u32 = 1;
const CAN_CAPTURE_AND_STREAM: u32 = 0x0400_0001;
const TELLS_OWN_CAPABILITIES: u32 = 0x8000_0000;
const CAN_CHANGE_RATE: u32 = 0x1000;
const FLAG_DONE_WITH_ERROR: u32 = 0x40;
const FLAG_MONOTONIC: u32 = 0x2000;

type Done = Result<(), c_int>;

/// Does what `call`, an `ioctl` on a session of the camera, asks for.
pub(crate) fn ioctl(camera: &mut Camera, session: usize, call: &Call, now: Instant) -> Done {
    camera.sessions[session].alive()?;
    let make = &camera.make;
    match call.args[1] {
        vidioc::VIDIOC_QUERYCAP => asked(call, capabilities),
        vidioc::VIDIOC_ENUM_FMT => asked(call, |it| format_name(it, make)),
        vidioc::VIDIOC_ENUM_FRAMESIZES => asked(call, |it| size(it, make)),
        vidioc::VIDIOC_ENUM_FRAMEINTERVALS => asked(call, |it| interval(it, make)),
        vidioc::VIDIOC_G_FMT | vidioc::VIDIOC_S_FMT | vidioc::VIDIOC_TRY_FMT => {
            asked(call, |it| format(it, make))
        }
        vidioc::VIDIOC_G_PARM | vidioc::VIDIOC_S_PARM => asked(call, rate),
        vidioc::VIDIOC_STREAMON => {
            camera.sessions[session].start(now);
            Ok(())
        }
        vidioc::VIDIOC_STREAMOFF if make.streamoff_fails => Err(libc::EIO),
        vidioc::VIDIOC_STREAMOFF => {
            camera.sessions[session].stop();
            Ok(())
        }
        vidioc::VIDIOC_REQBUFS => asked(call, |it| allocate(it, camera, session)),
        vidioc::VIDIOC_QUERYBUF => asked(call, |it| buffer(it, make)),
        vidioc::VIDIOC_QBUF => asked(call, |it| queue(it, camera, session)),
        vidioc::VIDIOC_DQBUF => asked(call, |it| dequeue(it, camera, session)),
        _ => Err(libc::ENOTTY),
    }
}

fn asked<T: Plain>(call: &Call, answer: impl FnOnce(&mut T) -> Done) -> Done {
    call.update(call.args[2], answer).unwrap_or(Err(libc::EFAULT))
}

fn only(index: u32) -> Done {
    if index == 0 { Ok(()) } else { Err(libc::EINVAL) }
}

fn capabilities(it: &mut v4l2_capability) -> Done {
    text(&mut it.driver, "uvcvideo");
    text(&mut it.card, "Fake camera");
    text(&mut it.bus_info, "usb-0000:00:14.0-1");
    it.capabilities = CAN_CAPTURE_AND_STREAM | TELLS_OWN_CAPABILITIES;
    it.device_caps = CAN_CAPTURE_AND_STREAM;
    Ok(())
}

fn format_name(it: &mut v4l2_fmtdesc, make: &Make) -> Done {
    only(it.index)?;
    text(&mut it.description, "What it can");
    it.pixelformat = u32::from_le_bytes(make.offered);
    Ok(())
}

fn size(it: &mut v4l2_frmsizeenum, make: &Make) -> Done {
    only(it.index)?;
    it.type_ = DISCRETE;
    it.__bindgen_anon_1.discrete.width = make.size_px.0;
    it.__bindgen_anon_1.discrete.height = make.size_px.1;
    Ok(())
}

fn interval(it: &mut v4l2_frmivalenum, _make: &Make) -> Done {
    only(it.index)?;
    it.type_ = DISCRETE;
    it.__bindgen_anon_1.discrete.numerator = 1;
    it.__bindgen_anon_1.discrete.denominator = 30;
    Ok(())
}

fn format(it: &mut v4l2_format, make: &Make) -> Done {
    if it.type_ != CAPTURE {
        return Err(libc::EINVAL);
    }
    // SAFETY: any bytes are such a format.
    let pix = unsafe { &mut it.fmt.pix };
    (pix.width, pix.height) = make.size_px;
    pix.pixelformat = u32::from_le_bytes(make.fourcc);
    pix.field = PROGRESSIVE;
    (pix.bytesperline, pix.sizeimage) = (make.stride, make.buffer_bytes());
    pix.colorspace = make.colorspace;
    (pix.flags, pix.quantization, pix.xfer_func) = (0, 0, 0);
    Ok(())
}

fn rate(it: &mut v4l2_streamparm) -> Done {
    // SAFETY: any bytes are such parameters.
    let capture = unsafe { &mut it.parm.capture };
    capture.capability = CAN_CHANGE_RATE;
    (capture.timeperframe.numerator, capture.timeperframe.denominator) = (1, 30);
    Ok(())
}

fn allocate(it: &mut v4l2_requestbuffers, camera: &mut Camera, session: usize) -> Done {
    it.count = it.count.min(8);
    camera.sessions[session].allocate(it.count, &camera.make);
    Ok(())
}

fn buffer(it: &mut v4l2_buffer, make: &Make) -> Done {
    it.m.offset = it.index * make.buffer_bytes();
    it.length = make.buffer_bytes();
    Ok(())
}

fn queue(it: &mut v4l2_buffer, camera: &mut Camera, session: usize) -> Done {
    let session = &mut camera.sessions[session];
    // A buffer that the camera has already cannot be given to it again.
    let has =
        session.queued.contains(&it.index) || session.filled.iter().any(|f| f.index == it.index);
    if it.index >= session.buffers || has {
        return Err(libc::EINVAL);
    }
    session.queued.push_back(it.index);
    Ok(())
}

fn dequeue(it: &mut v4l2_buffer, camera: &mut Camera, session: usize) -> Done {
    let filled = camera.sessions[session].filled.pop_front().ok_or(libc::EAGAIN)?;
    camera.delivered += 1;
    buffer(it, &camera.make)?;
    it.index = filled.index;
    it.bytesused = filled.bytes;
    it.sequence = filled.sequence;
    it.field = PROGRESSIVE;
    it.flags = FLAG_MONOTONIC | if filled.error { FLAG_DONE_WITH_ERROR } else { 0 };
    Ok(())
}

/// Text ended by zero bytes.
fn text(place: &mut [u8], text: &str) {
    place.fill(0);
    place[..text.len()].copy_from_slice(text.as_bytes());
}
