//! Frames from a camera through buffers that the kernel shares, so that none waits for another to be taken.

use std::io;
use std::time::Duration;

use memmap2::MmapMut;

use super::kernel::{Filled, Node};

/// One is being filled, one is being copied, and two wait: at 30 frames a second, 67 ms.
const BUFFERS: u32 = 4;

/// A camera that sends. It stops, and gives its memory back, when it is dropped; errors of that are of no
/// more interest to anybody.
pub(super) struct Stream {
    node: Node,
    buffers: Vec<MmapMut>,
}

/// What a look at the camera came to.
pub(super) enum Look {
    /// The bytes of a frame.
    Frame(Vec<u8>),
    /// A frame that is not whole, by the driver's word or for want of bytes.
    Broken,
    /// Nothing came.
    Nothing,
}

impl Stream {
    /// Lets the camera send, in the format that was set.
    pub(super) fn start(node: Node) -> io::Result<Self> {
        let mut stream = Self { node, buffers: Vec::new() };
        for index in 0..stream.node.request_buffers(BUFFERS)? {
            stream.buffers.push(stream.node.map_buffer(index)?);
            stream.node.queue(index)?;
        }
        stream.node.stream_on()?;
        Ok(stream)
    }

    /// The next frame, waiting for it for at most `patience`. Every buffer that is taken goes back before
    /// this returns, so that the kernel is never left without.
    pub(super) fn look(&mut self, patience: Duration) -> io::Result<Look> {
        if !self.node.wait(patience)? {
            return Ok(Look::Nothing);
        }
        let filled = match self.node.dequeue() {
            Ok(filled) => filled,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Look::Nothing),
            Err(error) => return Err(error),
        };
        let frame = self.frame(&filled)?;
        self.node.queue(filled.index)?;
        Ok(frame)
    }

    fn frame(&self, filled: &Filled) -> io::Result<Look> {
        let memory = self.buffers.get(filled.index as usize);
        let memory = memory.ok_or_else(|| {
            io::Error::other(format!(
                "the driver gave buffer {}, there are {BUFFERS}",
                filled.index
            ))
        })?;
        Ok(match memory.get(..filled.bytes) {
            Some(bytes) if !filled.is_broken && !bytes.is_empty() => Look::Frame(bytes.to_vec()),
            _ => Look::Broken,
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.node.stream_off();
        self.buffers.clear();
        let _ = self.node.request_buffers(0);
    }
}
