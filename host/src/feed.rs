//! Work made ready by other threads while the last piece is being used.

use std::sync::mpsc::sync_channel;

use anyhow::Result;

/// Pieces made ahead.
const AHEAD: usize = 3;

/// Hands `make(item)` of every item to `consume`, in order; `make` runs on another thread, a few pieces
/// ahead.
///
/// # Errors
/// The first error of either; nothing after it is consumed.
pub fn feed<I, T: Send>(
    items: impl Iterator<Item = I> + Send,
    make: impl Fn(I) -> Result<T> + Send,
    mut consume: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            for item in items {
                if sender.send(make(item)).is_err() {
                    break;
                }
            }
        });
        receiver.into_iter().try_for_each(|made| consume(made?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_order_until_the_first_error() {
        let mut seen = vec![];
        let make = |k: u32| if k == 5 { anyhow::bail!("five") } else { Ok(k * k) };
        let error = feed(0..9, make, |square| {
            seen.push(square);
            Ok(())
        });
        assert_eq!((error.unwrap_err().to_string().as_str(), seen.len()), ("five", 5));
        assert_eq!(seen, [0, 1, 4, 9, 16]);
    }

    #[test]
    fn who_stops_consuming_stops_the_making() {
        let stopped = feed(0.., Ok, |k: u32| {
            anyhow::ensure!(k < 3, "enough");
            Ok(())
        });
        assert_eq!(stopped.unwrap_err().to_string(), "enough");
    }
}
