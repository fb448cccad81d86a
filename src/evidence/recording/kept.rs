//! An answer as a recording keeps it until it is written or asked for: JSON, and packed where there is much of it.
//!
//! The packets of busy captures have a hundred MiB of JSON, which a run has no room for. It is never there as one text: it
//! is packed while it is made, and unpacked while it is written.

use std::io::{self, BufReader, BufWriter, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::ser::{Formatter, Serializer};
use serde_json::value::RawValue;

use crate::model::text::escaped_json;

/// Bytes up to which an answer stays as it is: packing costs more than it saves.
const SHORT: usize = 16 << 10;

/// The same for an answer that is read from a file: it is there already, and most are asked for once and soon.
const LONG: usize = 1 << 20;

/// One answer; its shape is the channel's.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Text(Box<RawValue>),
    /// JSON, deflated.
    Packed(Box<[u8]>),
}

impl Kept {
    /// Takes an answer.
    ///
    /// # Errors
    /// When it cannot be JSON.
    pub(super) fn of<A: Serialize>(answer: &A) -> Result<Self, serde_json::Error> {
        let mut out = BufWriter::with_capacity(SHORT, Packing(None));
        answer.serialize(&mut Serializer::with_formatter(&mut out, Seen))?;
        if out.get_ref().0.is_none() {
            let text = String::from_utf8_lossy(out.buffer()).into_owned();
            return RawValue::from_string(text).map(Self::Text);
        }
        let packing = out.into_inner().map_err(|error| serde_json::Error::io(error.into_error()))?;
        let packed = packing.0.map_or(Ok(Vec::new()), DeflateEncoder::finish).map_err(serde_json::Error::io)?;
        Ok(Self::Packed(packed.into_boxed_slice()))
    }

    /// Takes an answer that is there as JSON.
    ///
    /// # Errors
    /// When it cannot be packed.
    pub(super) fn of_text(text: Box<RawValue>) -> Result<Self, serde_json::Error> {
        if text.get().len() < LONG { Ok(Self::Text(text)) } else { Self::of(&text) }
    }

    /// The answer as a value.
    ///
    /// # Errors
    /// When it has another shape.
    pub(super) fn parsed<A: DeserializeOwned>(&self) -> Result<A, serde_json::Error> {
        match self {
            Self::Text(text) => serde_json::from_str(text.get()),
            Self::Packed(packed) => serde_json::from_reader(BufReader::new(DeflateDecoder::new(&**packed))),
        }
    }

    /// Writes its JSON.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Text(text) => out.write_all(text.get().as_bytes()),
            Self::Packed(packed) => io::copy(&mut DeflateDecoder::new(&**packed), out).map(|_| ()),
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
struct Packing(Option<DeflateEncoder<Vec<u8>>>);

impl Write for Packing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_or_insert_with(|| DeflateEncoder::new(Vec::new(), Compression::fast())).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
            Kept::Packed(packed) => assert!(packed.len() < text.len() / 2, "{} of {}", packed.len(), text.len()),
            Kept::Text(text) => panic!("{} bytes are not packed", text.get().len()),
        }
        assert!(matches!(Kept::of(&"short").unwrap(), Kept::Text(text) if text.get() == "\"short\""));
    }

    #[test]
    fn what_is_read_is_packed_only_where_it_is_much() {
        for (length, packed) in [(100, false), (LONG, true)] {
            let text = RawValue::from_string(format!("\"{}\"", "x".repeat(length))).unwrap();
            let kept = Kept::of_text(text.clone()).unwrap();
            assert_eq!(matches!(kept, Kept::Packed(_)), packed);
            let mut written = Vec::new();
            kept.write(&mut written).unwrap();
            assert_eq!(written, text.get().as_bytes());
        }
    }

    #[test]
    fn another_shape_is_an_error() {
        assert!(Kept::of(&vec![7; SHORT]).unwrap().parsed::<String>().is_err());
    }
}
