//! Changes a real input as damage, versions and enemies do: bytes, tokens, numbers and lines, and now and then a great many of them.

use serde_json::Value;

/// One in so many changes makes something very long or very deep.
const RARELY: u64 = 150;

/// Numbers at which arithmetic turns.
const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "-1",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e400",
    "0x7fffffffffffffff",
];

/// What readers look for, or stumble over.
const WORDS: [&str; 28] = [
    "\n",
    "\t",
    "\r\n",
    "\0",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{feff}",
    "é",
    "\"",
    "\\",
    "\\u0000",
    "{",
    "}",
    "[",
    "]",
    "@",
    "!",
    ":",
    "=",
    "/",
    "/33",
    "::",
    "::/129",
    "0.0.0.0/0",
    "=== end 0\n",
    "=== x\n",
    "9999-12-31T23:59:59.999999999Z ",
    "-9999-01-01T00:00:00Z ",
];

/// A source of chance that gives the same for the same seed (splitmix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `most`, which is not 0.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap_or(0)
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// The most that one text within a value holds, bytes.
const LONGEST_TEXT: usize = 64 << 10;

/// One of the seeds, changed a few times; `most`: bytes that it holds afterwards.
pub(crate) fn changed(seeds: &[Vec<u8>], at: usize, most: usize, chance: &mut Chance) -> Vec<u8> {
    let mut input = seeds[at].clone();
    if chance.below(4) == 0
        && let Ok(mut value) = serde_json::from_slice::<Value>(&input)
    {
        for _ in 0..=chance.below(3) {
            change_value(&mut value, chance);
        }
        return serde_json::to_vec(&value).unwrap_or(input);
    }
    for _ in 0..=chance.below(6) {
        let other = chance.one(seeds);
        change(&mut input, other, most, chance);
    }
    input.truncate(most);
    input
}

fn change(input: &mut Vec<u8>, other: &[u8], most: usize, chance: &mut Chance) {
    if chance.next().is_multiple_of(RARELY) {
        return enlarge(input, most, chance);
    }
    match chance.below(12) {
        0 => flip(input, chance),
        1 => {
            let part = range(input, chance, 16);
            input.drain(part);
        }
        2 => {
            let random: Vec<u8> = (0..=chance.below(8)).map(|_| chance.next().to_le_bytes()[0]).collect();
            insert(input, &random, chance);
        }
        3 | 4 => replace(input, &tokens(input, |byte| byte.is_ascii_digit()), chance.one(&NUMBERS).as_bytes(), chance),
        5 => {
            let part = line(input, chance);
            input.drain(part);
        }
        6 => {
            let copy = input[line(input, chance)].to_vec();
            insert_line(input, &copy, chance);
        }
        7 => {
            let copy = other[line(other, chance)].to_vec();
            insert_line(input, &copy, chance);
        }
        8 => {
            let words = tokens(other, is_word);
            let word = if words.is_empty() { Vec::new() } else { other[chance.one(&words).clone()].to_vec() };
            replace(input, &tokens(input, is_word), &word, chance);
        }
        9 => insert(input, chance.one(&WORDS).as_bytes(), chance),
        10 => {
            let (head, tail) = (chance.below(input.len() + 1), chance.below(other.len() + 1));
            input.truncate(head);
            input.extend_from_slice(&other[tail..]);
        }
        _ => {
            let part = range(input, chance, 4);
            let high = chance.one(&[0_u8, 0x7f, 0x80, 0xff]);
            input[part].fill(*high);
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b",;=\"'(){}[]".contains(&byte)
}

/// Something a hundred to a hundred thousand times.
fn enlarge(input: &mut Vec<u8>, most: usize, chance: &mut Chance) {
    let times = *chance.one(&[100_usize, 10_000, 100_000]);
    let piece = match chance.below(4) {
        0 => input[line(input, chance)].to_vec(),
        1 => vec![*chance.one(b"[{(\"! x\n9*")],
        2 => b"{\"a\":".to_vec(),
        _ => {
            let words = tokens(input, is_word);
            if words.is_empty() { vec![b'x'] } else { input[chance.one(&words).clone()].to_vec() }
        }
    };
    let piece = piece.repeat(times.min(most / piece.len().max(1)));
    insert(input, &piece, chance);
}

fn flip(input: &mut [u8], chance: &mut Chance) {
    if !input.is_empty() {
        let at = chance.below(input.len());
        input[at] ^= 1 << chance.below(8);
    }
}

fn range(input: &[u8], chance: &mut Chance, longest: usize) -> std::ops::Range<usize> {
    let from = chance.below(input.len() + 1);
    from..(from + chance.below(longest) + 1).min(input.len())
}

fn insert(input: &mut Vec<u8>, piece: &[u8], chance: &mut Chance) {
    let at = chance.below(input.len() + 1);
    input.splice(at..at, piece.iter().copied());
}

/// Where a line begins and ends, its end of line with it.
fn line(input: &[u8], chance: &mut Chance) -> std::ops::Range<usize> {
    let at = chance.below(input.len() + 1);
    let from = input[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
    let to = input[at..].iter().position(|byte| *byte == b'\n').map_or(input.len(), |end| at + end + 1);
    from..to
}

fn insert_line(input: &mut Vec<u8>, piece: &[u8], chance: &mut Chance) {
    let at = line(input, chance).start;
    input.splice(at..at, piece.iter().copied());
}

fn tokens(input: &[u8], is_part: impl Fn(u8) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut from = None;
    for (at, byte) in input.iter().enumerate() {
        match (is_part(*byte), from) {
            (true, None) => from = Some(at),
            (false, Some(begin)) => {
                found.push(begin..at);
                from = None;
            }
            _ => {}
        }
    }
    found.extend(from.map(|begin| begin..input.len()));
    found
}

fn replace(input: &mut Vec<u8>, found: &[std::ops::Range<usize>], with: &[u8], chance: &mut Chance) {
    if !found.is_empty() {
        let part = chance.one(found).clone();
        input.splice(part, with.iter().copied());
    }
}

/// Changes one place of a value: another type, another number, nothing, too much.
fn change_value(value: &mut Value, chance: &mut Chance) {
    let descends = chance.below(8) > 0;
    match value {
        Value::Object(map) if descends && !map.is_empty() => {
            let key = map.keys().nth(chance.below(map.len())).cloned().unwrap_or_default();
            if chance.below(12) == 0 {
                let taken = map.remove(&key);
                map.extend(taken.filter(|_| chance.below(2) == 0).map(|taken| (chance.one(&WORDS).to_string(), taken)));
            } else if let Some(inner) = map.get_mut(&key) {
                change_value(inner, chance);
            }
        }
        Value::Array(items) if descends && !items.is_empty() => {
            let at = chance.below(items.len());
            match chance.below(12) {
                0 => drop(items.remove(at)),
                1 => {
                    let copies = vec![items[at].clone(); *chance.one(&[1, 10, 200])];
                    items.extend(copies);
                }
                _ => change_value(&mut items[at], chance),
            }
        }
        Value::String(text) if chance.below(2) == 0 => {
            let mut bytes = std::mem::take(text).into_bytes();
            change(&mut bytes, b"10.0.0.1-10.0.0.0 2026-11-23T17:36:39Z 99999h", LONGEST_TEXT, chance);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        other => *other = another(chance),
    }
}

fn another(chance: &mut Chance) -> Value {
    match chance.below(7) {
        0 => Value::Null,
        1 => Value::Bool(true),
        2 => serde_json::from_str(chance.one::<&str>(&NUMBERS)).unwrap_or_default(),
        3 => Value::from(*chance.one(&NUMBERS)),
        4 => Value::from(*chance.one(&WORDS)),
        5 => serde_json::json!([[], {}, null]),
        _ => serde_json::json!({"a": {"b": []}}),
    }
}
