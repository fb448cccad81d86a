//! Spans of time and sizes as people write them: `90s`, `14d`, `10MiB`.

/// Seconds of each unit.
const SPANS: [(&str, u64); 5] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)];

/// Bytes of each unit.
const SIZES: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// The seconds of `90s`, `5m`, `2h`, `14d` or `1h30m`.
///
/// # Errors
/// When it is none of these.
pub fn seconds(text: &str) -> Result<i64, String> {
    sum(text, &SPANS).ok_or_else(|| format!("`{text}` is no span of time: write 90s, 5m, 2h, 14d or 1h30m"))
}

/// The bytes of `1500B`, `64KiB` or `10MB`; a number alone is bytes.
///
/// # Errors
/// When it is none of these.
pub fn bytes(text: &str) -> Result<i64, String> {
    let alone = text.trim().parse::<u64>().ok().and_then(|number| i64::try_from(number).ok());
    alone.or_else(|| sum(text, &SIZES)).ok_or_else(|| format!("`{text}` is no size: write 1500, 1500B, 64KiB, 10MiB or 1GB"))
}

/// A span of time in its greatest whole unit, as `3 days`.
#[must_use]
pub fn span(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (number, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{sign}{number} {unit}{}", if number == 1 { "" } else { "s" })
}

fn sum(text: &str, units: &[(&str, u64)]) -> Option<i64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut all = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0)?;
        let number: u64 = rest[..digits].parse().ok()?;
        let behind = rest[digits..].trim_start();
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let unit = behind[..end].trim_end();
        let (_, each) = units.iter().find(|(name, _)| *name == unit)?;
        all = all.checked_add(number.checked_mul(*each)?)?;
        rest = &behind[end..];
    }
    i64::try_from(all).ok()
}

#[cfg(test)]
mod tests {
    use super::{bytes, seconds, span};

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, expected) in [("90s", 90), ("5m", 300), ("1h30m", 5_400), ("14d", 1_209_600), ("2 h", 7_200), ("0s", 0)] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for (text, expected) in [("1500", 1_500), ("64KiB", 65_536), ("10 MB", 10_000_000), ("1TiB", 1 << 40)] {
            assert_eq!(bytes(text).unwrap(), expected, "{text}");
        }
        for wrong in ["", "5", "m", "5x", "-5s", "1.5h", "99999999999999999999s", "18446744073709551615d"] {
            assert!(seconds(wrong).unwrap_err().contains("is no span of time"), "{wrong}");
        }
        for wrong in ["", "KiB", "5 apples", "-1", "99999999999TiB"] {
            assert!(bytes(wrong).unwrap_err().contains("is no size"), "{wrong}");
        }
    }

    #[test]
    fn a_span_is_told_in_its_greatest_whole_unit() {
        let told: Vec<String> = [1, 119, 120, 7_200, 172_800, -259_200].into_iter().map(span).collect();
        assert_eq!(told, ["1 second", "119 seconds", "2 minutes", "2 hours", "2 days", "-3 days"]);
    }
}
