//! Training logs as files that TensorBoard shows.
//!
//! An event file is a row of records: length (u64), masked CRC-32C of the length, protobuf bytes, masked
//! CRC-32C of those; all little-endian (TensorFlow, `core/lib/io/record_writer.h`). Field numbers of the
//! three messages: `core/util/event.proto` and `core/framework/summary.proto`.

use prost::Message;

use crate::runlog::RunLog;

/// What a record holds.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    /// Here the epoch.
    #[prost(int64, tag = "2")]
    step: i64,
    /// Only in the first record of a file.
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    /// In all others.
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// Some values of one moment.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// A named value.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, tag = "2")]
    simple_value: f32,
}

/// The name that TensorBoard looks for, of a log that was written `seconds` after 1970 began.
pub fn file_name(seconds: u64) -> String {
    format!("events.out.tfevents.{seconds}.apparent")
}

/// Whether a file is one that [`file_name`] names.
pub fn is_file_name(name: &str) -> bool {
    let inner = name.strip_prefix("events.out.tfevents.");
    let digits = inner.and_then(|inner| inner.strip_suffix(".apparent"));
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A run's log as the bytes of an event file: `loss/train`, `loss/val`, `val/gender` and so on, a step
/// an epoch. Each epoch's time is reckoned back from when the log was written.
pub fn encode(log: &RunLog) -> Vec<u8> {
    let times = wall_times(log);
    let begun = times.first().copied().unwrap_or(log.written_seconds as f64);
    let version = Some("brain.Event:2".to_owned());
    let first = Event { wall_time: begun, step: 0, file_version: version, summary: None };
    let mut bytes = record(&first);
    for (at, epoch) in log.epochs.iter().enumerate() {
        let values = log.columns.iter().filter_map(|(name, values)| {
            Some(Value { tag: tag(name), simple_value: narrow((*values.get(at)?)?) })
        });
        let summary = Some(Summary { value: values.collect() });
        let step = whole(*epoch);
        bytes.extend(record(&Event { wall_time: times[at], step, file_version: None, summary }));
    }
    bytes
}

/// When each epoch ended, in seconds since 1970.
fn wall_times(log: &RunLog) -> Vec<f64> {
    let column = log.columns.iter().find(|column| column.0 == "seconds");
    let mut time = log.written_seconds as f64;
    let mut times = vec![time; log.epochs.len()];
    for (at, moment) in times.iter_mut().enumerate().rev() {
        *moment = time;
        time -= column.and_then(|column| column.1.get(at).copied().flatten()).unwrap_or(0.0);
    }
    times
}

/// `train_loss` and `val_loss` share a card; other columns stand under the word they begin with.
fn tag(column: &str) -> String {
    match column.strip_suffix("_loss") {
        Some(part) => format!("loss/{part}"),
        None => column.replacen('_', "/", 1),
    }
}

fn record(event: &Event) -> Vec<u8> {
    let message = event.encode_to_vec();
    let length = (message.len() as u64).to_le_bytes();
    let mut bytes = length.to_vec();
    bytes.extend(masked_crc(&length).to_le_bytes());
    bytes.extend(&message);
    bytes.extend(masked_crc(&message).to_le_bytes());
    bytes
}

/// A checksum that may itself be checksummed: turned by 15 bits and shifted.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: event files are a few kilobytes.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 }
        })
    })
}

#[allow(clippy::cast_possible_truncation, reason = "an event holds f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[allow(clippy::cast_possible_truncation, reason = "an epoch is a whole number")]
fn whole(epoch: f64) -> i64 {
    epoch as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    #[test]
    fn the_checksum_is_castagnoli_s() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    fn log() -> RunLog {
        RunLog {
            epochs: vec![1.0, 2.0],
            columns: vec![
                ("train_loss".to_owned(), vec![Some(3.5), Some(2.5)]),
                ("val_age_exact".to_owned(), vec![None, Some(0.25)]),
                ("seconds".to_owned(), vec![Some(60.0), Some(50.0)]),
            ],
            options: Vec::new(),
            written_seconds: 1_000,
        }
    }

    /// Takes the records apart again, checking their checksums.
    fn events(mut bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            let length =
                usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
            let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!(word(8), masked_crc(&bytes[..8]));
            assert_eq!(word(12 + length), masked_crc(&bytes[12..12 + length]));
            events.push(Event::decode(&bytes[12..12 + length]).unwrap());
            bytes = &bytes[16 + length..];
        }
        events
    }

    #[test]
    fn a_log_is_read_back_from_its_records() {
        let events = events(&encode(&log()));
        assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
        let told: Vec<_> = events[1..]
            .iter()
            .flat_map(|event| {
                let values = event.summary.clone().unwrap().value.into_iter();
                values.map(move |v| (event.step, event.wall_time, v.tag, v.simple_value))
            })
            .collect();
        let expected = [
            (1, 950.0, "loss/train", 3.5),
            (1, 950.0, "seconds", 60.0),
            (2, 1000.0, "loss/train", 2.5),
            (2, 1000.0, "val/age_exact", 0.25),
            (2, 1000.0, "seconds", 50.0),
        ];
        assert_eq!(
            told,
            expected.map(|(step, time, tag, value)| (step, time, tag.to_owned(), value))
        );
    }

    #[test]
    fn only_our_own_files_are_ours() {
        assert!(is_file_name(&file_name(1_700_000_000)));
        for name in ["events.out.tfevents.17.host", "events.out.tfevents.x.apparent", "log.csv"] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
