//! An answer as a recording keeps it until it is written or asked for: JSON, and packed where there is much of it.
//!
//! The packets of busy captures have a hundred MiB of JSON, which a run has no room for. It is never there as one text: it
//! is packed while it is made, and unpacked while it is written.

use std::io::{self, BufReader, BufWriter, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::de::DeserializeOwned;
use serde::{Deserializer, Serialize};
use serde_json::ser::{Formatter, Serializer};
use serde_json::value::RawValue;

use crate::evidence::memory::{self, Metered};
use crate::model::text::escaped_json;

/// Bytes up to which an answer stays as it is: packing costs more than it saves.
const SHORT: usize = 16 << 10;

/// One answer; its shape is the channel's.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Text(Box<RawValue>),
    /// JSON, deflated.
    Packed {
        bytes: Box<[u8]>,
        /// Bytes of the JSON.
        unfolded: usize,
    },
}

/// How much an answer may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// Bytes of its JSON.
    pub(super) unfolded: usize,
    /// Bytes of what is held of it.
    pub(super) held: usize,
}

impl Bound {
    pub(super) const NONE: Self = Self { unfolded: usize::MAX, held: usize::MAX };
}

impl Kept {
    /// Takes an answer.
    ///
    /// # Errors
    /// When it cannot be JSON.
    pub(super) fn of<A: Serialize>(answer: &A) -> Result<Self, serde_json::Error> {
        Self::of_at_most(answer, Bound::NONE)
    }

    /// As `of`, within a bound.
    ///
    /// # Errors
    /// As `of`; one of input and output when the answer is beyond the bound.
    pub(super) fn of_at_most<A: Serialize>(answer: &A, bound: Bound) -> Result<Self, serde_json::Error> {
        Self::made(bound, |out| answer.serialize(&mut Serializer::with_formatter(out, Seen)))
    }

    /// Takes an answer that comes as JSON, so that it is never there whole.
    ///
    /// # Errors
    /// When it is no JSON.
    pub(super) fn of_stream<'de, D: Deserializer<'de>>(source: D) -> Result<Self, serde_json::Error> {
        Self::made(Bound::NONE, |out| serde_transcode::transcode(source, &mut Serializer::with_formatter(out, Seen)))
    }

    fn made(bound: Bound, write: impl FnOnce(&mut BufWriter<Packing>) -> Result<(), serde_json::Error>) -> Result<Self, serde_json::Error> {
        let mut out = BufWriter::with_capacity(SHORT, Packing { encoder: None, taken: 0, bound });
        write(&mut out)?;
        if out.get_ref().encoder.is_none() {
            if out.buffer().len() > bound.unfolded.min(bound.held) {
                return Err(serde_json::Error::io(beyond()));
            }
            let text = String::from_utf8_lossy(out.buffer()).into_owned();
            return RawValue::from_string(text).map(Self::Text);
        }
        let packing = out.into_inner().map_err(|error| serde_json::Error::io(error.into_error()))?;
        let unfolded = packing.taken;
        let packed = packing.encoder.map_or(Ok(Vec::new()), DeflateEncoder::finish).map_err(serde_json::Error::io)?;
        if packed.len() > bound.held {
            return Err(serde_json::Error::io(beyond()));
        }
        Ok(Self::Packed { bytes: packed.into_boxed_slice(), unfolded })
    }

    /// Bytes that it takes here.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Text(text) => text.get().len(),
            Self::Packed { bytes, .. } => bytes.len(),
        }
    }

    /// Bytes of its JSON.
    pub(super) fn unfolded(&self) -> usize {
        match self {
            Self::Text(text) => text.get().len(),
            Self::Packed { unfolded, .. } => *unfolded,
        }
    }

    /// The answer as a value.
    ///
    /// # Errors
    /// When it has another shape; one of input and output when the process has no room for it.
    pub(super) fn parsed<A: DeserializeOwned>(&self) -> Result<A, serde_json::Error> {
        match self {
            Self::Text(text) => memory::parsed(text.get().as_bytes()),
            Self::Packed { bytes, .. } => serde_json::from_reader(BufReader::new(Metered(DeflateDecoder::new(&**bytes), memory::MOST))),
        }
    }

    /// Writes its JSON.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Text(text) => out.write_all(text.get().as_bytes()),
            Self::Packed { bytes, .. } => io::copy(&mut DeflateDecoder::new(&**bytes), out).map(|_| ()),
        }
    }
}

/// JSON whose every character is seen: a recording is unpacked and read at terminals too.
struct Seen;

impl Formatter for Seen {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
            return out.write_all(fragment.as_bytes());
        }
        out.write_all(escaped_json(fragment).as_bytes())
    }
}

/// Packs what comes; there is nothing to be packed as long as all of it fits the buffer before it.
struct Packing {
    encoder: Option<DeflateEncoder<Vec<u8>>>,
    /// Bytes that came.
    taken: usize,
    bound: Bound,
}

impl Write for Packing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let encoder = self.encoder.get_or_insert_with(|| DeflateEncoder::new(Vec::new(), Compression::fast()));
        if self.taken.saturating_add(bytes.len()) > self.bound.unfolded || encoder.get_ref().len() > self.bound.held {
            return Err(beyond());
        }
        let count = encoder.write(bytes)?;
        self.taken += count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn beyond() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than a recording takes")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was_whatever_its_length() {
        for length in [0, 1, SHORT - 3, SHORT - 2, SHORT - 1, SHORT, 40 * SHORT] {
            let answer = json!(format!("{}{}", "é".repeat(length / 2), "x".repeat(length % 2)));
            let kept = Kept::of(&answer).unwrap();
            assert_eq!(kept.parsed::<Value>().unwrap(), answer);
            let mut written = Vec::new();
            kept.write(&mut written).unwrap();
            assert_eq!(written, serde_json::to_vec(&answer).unwrap(), "{length}");
        }
    }

    #[test]
    fn what_would_not_be_seen_is_escaped_and_comes_back() {
        let answer = json!({"a\u{202e}": ["b\u{9b}31m\u{7f}\u{1b}\u{e0041}é\n"]});
        let kept = Kept::of(&answer).unwrap();
        let mut written = Vec::new();
        kept.write(&mut written).unwrap();
        assert!(!String::from_utf8(written).unwrap().chars().any(crate::model::text::is_unseen));
        assert_eq!(kept.parsed::<Value>().unwrap(), answer);
    }

    #[test]
    fn what_is_long_takes_little_room() {
        let numbers: Vec<u32> = (0..100_000).collect();
        let text = serde_json::to_string(&numbers).unwrap();
        match Kept::of(&numbers).unwrap() {
            Kept::Packed { bytes, unfolded } => {
                assert!(bytes.len() < text.len() / 2, "{} of {}", bytes.len(), text.len());
                assert_eq!(unfolded, text.len());
            }
            Kept::Text(text) => panic!("{} bytes are not packed", text.get().len()),
        }
        assert!(matches!(Kept::of(&"short").unwrap(), Kept::Text(text) if text.get() == "\"short\""));
    }

    #[test]
    fn what_comes_as_a_stream_is_the_same() {
        for length in [1, SHORT, 40 * SHORT] {
            let answer = json!({"a": ["x".repeat(length), 1, -2, 0.1, true, null, u64::MAX, {"b": {}}]});
            let text = serde_json::to_string(&answer).unwrap();
            let kept = Kept::of_stream(&mut serde_json::Deserializer::from_reader(text.as_bytes())).unwrap();
            assert_eq!((kept.parsed::<Value>().unwrap(), kept.unfolded()), (answer, text.len()));
        }
    }

    #[test]
    fn what_is_beyond_a_bound_is_not_kept() {
        let bound = |unfolded, held| Bound { unfolded, held };
        for length in [100, 10 * SHORT] {
            let answer = "x".repeat(length);
            assert!(Kept::of_at_most(&answer, bound(length + 2, length + 2)).is_ok());
            assert!(Kept::of_at_most(&answer, bound(length + 1, length + 2)).unwrap_err().is_io());
            assert!(Kept::of_at_most(&answer, bound(length + 2, 10)).unwrap_err().is_io());
        }
    }

    #[test]
    fn another_shape_is_an_error() {
        assert!(Kept::of(&vec![7; SHORT]).unwrap().parsed::<String>().is_err());
    }
}
