//! A short text without heap memory: serial numbers and asset references.

use std::fmt;

/// The longest serial number or asset reference: (8004) has 30 characters.
pub const SERIAL_CHARS_MAX: usize = 30;

/// A serial number: characters of GS1's set 82, at most [`SERIAL_CHARS_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial {
    bytes: [u8; SERIAL_CHARS_MAX],
    len: u8,
}

impl Serial {
    /// No serial number.
    pub const EMPTY: Serial = Serial {
        bytes: [0; SERIAL_CHARS_MAX],
        len: 0,
    };

    /// Keeps this text; `None` if it is too long or has other characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Serial> {
        let mut serial = Serial::EMPTY;
        text.bytes()
            .all(|b| serial.push(b).is_some())
            .then_some(serial)
    }

    /// A number in decimal digits.
    #[must_use]
    pub fn from_number(number: u64) -> Serial {
        let mut digits = [0_u8; 20];
        let mut rest = number;
        let mut from = digits.len();
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            from = at;
            if rest == 0 {
                break;
            }
        }
        let mut serial = Serial::EMPTY;
        for &digit in digits.get(from..).unwrap_or(&[]) {
            // 20 digits always fit.
            let _kept = serial.push(digit);
        }
        serial
    }

    /// Appends a character; `None` if it may not stand in a serial number or there is no room.
    #[must_use]
    pub(super) fn push(&mut self, byte: u8) -> Option<()> {
        if !is_character_82(byte) {
            return None;
        }
        *self.bytes.get_mut(usize::from(self.len))? = byte;
        self.len += 1;
        Some(())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or(&[]);
        // All of it is ASCII.
        std::str::from_utf8(bytes).unwrap_or("")
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number, if the text is one in the form a 96-bit tag can hold: digits without a zero
    /// before them.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        let text = self.as_str();
        if text.len() > 1 && text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        text.parse().ok()
    }
}

/// GS1's "AI encodable character set 82".
pub(super) fn is_character_82(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'!' | b'"' | b'%'..=b'/' | b':'..=b'?' | b'_')
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}
