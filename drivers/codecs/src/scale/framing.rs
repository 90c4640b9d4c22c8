//! Recognising a line that is opened with the wrong framing.
//!
//! A scale set to 7E1 and read as 8N1 arrives with parity in the eighth bit: its digits look damaged and
//! drivers say "no scale". The parity itself gives it away: every byte, damaged or not by accident, has an
//! even number of ones. We then read through it and tell the doctor, which is better than either.

/// Bytes after which a line is judged.
const BYTES_MIN: u32 = 8;

/// What the bytes of a line say about its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Too few bytes to say.
    TooFew,
    /// Seven-bit text as it should be.
    Fits,
    /// Every byte has even parity: the device is at 7E1, the line at 8N1.
    LooksLike7E1,
    /// Every byte has odd parity: the device is at 7O1, the line at 8N1.
    LooksLike7O1,
    /// Eighth bits without a pattern: wrong speed, noise, or another kind of device.
    NoPattern,
}

impl Framing {
    /// What to tell the person who installs it; `None` where nothing is wrong.
    #[must_use]
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Framing::TooFew | Framing::Fits => None,
            Framing::LooksLike7E1 => {
                Some("looks like 7E1: set data_bits = 7 and parity = \"even\"")
            }
            Framing::LooksLike7O1 => Some("looks like 7O1: set data_bits = 7 and parity = \"odd\""),
            Framing::NoPattern => Some(
                "unreadable bytes: set baud to the device's speed, or it is another kind of device",
            ),
        }
    }
}

/// Counts what gives a wrong framing away. Works on bytes read at 8N1.
#[derive(Clone, Copy, Debug, Default)]
pub struct FramingDetector {
    bytes: u32,
    high: u32,
    odd: u32,
}

impl FramingDetector {
    /// Takes bytes as they were read.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bytes = self.bytes.saturating_add(1);
            self.high = self.high.saturating_add(u32::from(byte >> 7));
            self.odd = self.odd.saturating_add(byte.count_ones() % 2);
        }
    }

    /// What they say.
    #[must_use]
    pub fn verdict(&self) -> Framing {
        match (self.bytes, self.high, self.odd) {
            (..BYTES_MIN, _, _) => Framing::TooFew,
            (_, 0, _) => Framing::Fits,
            (_, _, 0) => Framing::LooksLike7E1,
            (all, _, odd) if odd == all => Framing::LooksLike7O1,
            _ => Framing::NoPattern,
        }
    }
}

/// A frame without its parity bits; `None` if eighth bits are set that are no consistent parity.
pub(super) fn strip(frame: &[u8]) -> Option<Vec<u8>> {
    let mut parities = frame.iter().map(|b| b.count_ones() % 2);
    let first = parities.next();
    let plain = frame.iter().all(u8::is_ascii);
    let consistent = parities.all(|parity| Some(parity) == first);
    (plain || consistent).then(|| frame.iter().map(|b| b & 0x7F).collect())
}
