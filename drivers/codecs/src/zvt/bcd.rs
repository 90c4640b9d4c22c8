//! Packed decimal numbers, as ZVT writes amounts and identifiers: two digits a byte, most significant
//! first. A nibble above 9 makes the whole number unreadable; it is never guessed.

use std::fmt;

/// An amount in minor units of its currency (cents), 12 decimal digits as ZVT transports it.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Amount(u64);

impl Amount {
    /// The largest amount six BCD bytes can hold.
    pub const MINOR_MAX: u64 = 999_999_999_999;

    /// An amount of `minor` minor units; `None` above [`Amount::MINOR_MAX`].
    #[must_use]
    pub fn new(minor: u64) -> Option<Self> {
        (minor <= Self::MINOR_MAX).then_some(Self(minor))
    }

    /// The amount in minor units.
    #[must_use]
    pub fn minor(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// Appends `value` as `bytes` BCD bytes; digits that do not fit are cut off at the top.
pub(super) fn put(out: &mut Vec<u8>, value: u64, bytes: usize) {
    let start = out.len();
    let mut rest = value;
    for _ in 0..bytes {
        let pair = rest % 100;
        rest /= 100;
        let byte = ((pair / 10) << 4) | (pair % 10);
        out.push(byte.to_le_bytes()[0]);
    }
    if let Some(written) = out.get_mut(start..) {
        written.reverse();
    }
}

/// Reads BCD bytes; `None` when a nibble is not a digit or there are more than nine bytes.
pub(super) fn get(bytes: &[u8]) -> Option<u64> {
    if bytes.len() > 9 {
        return None;
    }
    bytes.iter().try_fold(0_u64, |value, &byte| {
        let (high, low) = (byte >> 4, byte & 0x0F);
        (high <= 9 && low <= 9).then(|| value * 100 + u64::from(high) * 10 + u64::from(low))
    })
}

/// Reads one BCD byte.
pub(super) fn get_byte(byte: u8) -> Option<u8> {
    get(&[byte]).and_then(|v| u8::try_from(v).ok())
}

/// Reads BCD bytes into 32 bits.
pub(super) fn get_u32(bytes: &[u8]) -> Option<u32> {
    get(bytes).and_then(|v| u32::try_from(v).ok())
}

/// Reads BCD bytes into 16 bits.
pub(super) fn get_u16(bytes: &[u8]) -> Option<u16> {
    get(bytes).and_then(|v| u16::try_from(v).ok())
}
