//! Numbers as the tools of a host print them.

/// A number of 32 bits: decimal, or hexadecimal behind 0x.
#[must_use]
pub fn number(text: &str) -> Option<u32> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok())
}
