//! GTINs: one number for one trade item, whatever symbol it was printed in.
//!
//! Everything is normalised to 14 digits, so that an EAN-13, a UPC-A, a UPC-E and an ITF-14 of the
//! same item are one value. Store-internal numbers have the same shape and check digit; whoever
//! builds a [`Gtin`] must ask [`Gtin::restriction`] before letting it leave the store.

use std::fmt;

/// Whether the last digit is the GS1 mod-10 check digit of the others (weights 3, 1 from the
/// right). False for anything but digits.
#[inline]
#[must_use]
pub fn check_digit_holds(digits: &[u8]) -> bool {
    let mut sum = 0_u32;
    let mut weight = 1;
    for &b in digits.iter().rev() {
        if !b.is_ascii_digit() {
            return false;
        }
        sum += weight * u32::from(b - b'0');
        weight = 4 - weight;
    }
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// The GS1 mod-10 check digit of a body of ASCII digits, as an ASCII digit.
#[must_use]
pub fn check_digit(body: &[u8]) -> u8 {
    let mut sum = 0_u32;
    let mut weight = 3;
    for &b in body.iter().rev() {
        sum += weight * u32::from(b.wrapping_sub(b'0') % 10);
        weight = 4 - weight;
    }
    b'0' + u8::try_from((10 - sum % 10) % 10).unwrap_or(0)
}

/// Why a text is no GTIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GtinError {
    /// Not 8, 12, 13 or 14 characters.
    #[error("a GTIN has 8, 12, 13 or 14 digits, this has {0} characters")]
    Length(usize),
    /// Something else than digits.
    #[error("a GTIN consists of digits only")]
    NotDigits,
    /// The last digit does not fit the others.
    #[error("the check digit does not fit: misread or mistyped")]
    CheckDigit,
    /// All zeros.
    #[error("a number of zeros names no item")]
    Zero,
    /// UPC-E with another number system than 0 or 1.
    #[error("UPC-E starts with 0 or 1")]
    NumberSystem,
}

/// Why a number of GTIN shape names no item outside one store or company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// Variable measure or other use within a company (prefix 02, 20-29; EAN-8 starting 2).
    Store,
    /// Numbered by a company for itself (prefix 04; EAN-8 starting 0).
    Company,
    /// A coupon or refund receipt (prefixes 05, 980-984, 99), not an article.
    Coupon,
}

/// A GTIN with a valid check digit, normalised to 14 digits.
///
/// ```
/// use shelf_codecs::barcode::Gtin;
/// assert_eq!(Gtin::parse("4006381333931")?.to_string(), "04006381333931");
/// assert_eq!(Gtin::from_upc_e("04252614")?.short(), "042100005264");
/// # Ok::<(), shelf_codecs::barcode::GtinError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtin(u64);

impl Gtin {
    /// Reads 8, 12, 13 or 14 digits. An 8-digit text is taken as GTIN-8, never as UPC-E.
    pub fn parse(text: &str) -> Result<Gtin, GtinError> {
        Self::from_digits(text.as_bytes())
    }

    /// [`Gtin::parse`] for bytes.
    pub fn from_digits(digits: &[u8]) -> Result<Gtin, GtinError> {
        if !matches!(digits.len(), 8 | 12 | 13 | 14) {
            return Err(GtinError::Length(digits.len()));
        }
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(GtinError::NotDigits);
        }
        if !check_digit_holds(digits) {
            return Err(GtinError::CheckDigit);
        }
        match number(digits) {
            0 => Err(GtinError::Zero),
            value => Ok(Gtin(value)),
        }
    }

    /// Reads UPC-E as 6, 7 or 8 digits. Six are the body with number system 0; seven are number
    /// system and body; eight have the check digit too, which is the one of the expanded UPC-A.
    pub fn from_upc_e(text: &str) -> Result<Gtin, GtinError> {
        let digits = text.as_bytes();
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(GtinError::NotDigits);
        }
        let (system, body, check) = match *digits {
            [a, b, c, d, e, f] => (b'0', [a, b, c, d, e, f], None),
            [s, a, b, c, d, e, f] => (s, [a, b, c, d, e, f], None),
            [s, a, b, c, d, e, f, check] => (s, [a, b, c, d, e, f], Some(check)),
            _ => return Err(GtinError::Length(digits.len())),
        };
        if system > b'1' {
            return Err(GtinError::NumberSystem);
        }
        let expanded = expand_upc_e(system, body);
        let mut full = [b'0'; 12];
        full[..11].copy_from_slice(&expanded);
        full[11] = check.unwrap_or_else(|| check_digit(&expanded));
        Self::from_digits(&full)
    }

    /// The number; at most 14 decimal digits.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }

    /// The shortest usual form: 8, 12, 13 or 14 digits.
    #[must_use]
    pub fn short(self) -> String {
        match self.0 {
            0..=99_999_999 => format!("{:08}", self.0),
            100_000_000..=999_999_999_999 => format!("{:012}", self.0),
            1_000_000_000_000..=9_999_999_999_999 => format!("{:013}", self.0),
            _ => format!("{:014}", self.0),
        }
    }

    /// Whether (and why) this number must not be used outside the store.
    #[must_use]
    pub fn restriction(self) -> Option<Restriction> {
        if self.0 <= 99_999_999 {
            return match self.0 / 10_000_000 {
                0 => Some(Restriction::Company),
                2 => Some(Restriction::Store),
                _ => None,
            };
        }
        // A packaging indicator (first of 14 digits) makes it a trade item again.
        if self.0 >= 10_000_000_000_000 {
            return None;
        }
        match self.0 / 10_000_000_000 {
            20..=29 | 200..=299 => Some(Restriction::Store),
            40..=49 => Some(Restriction::Company),
            50..=59 | 980..=984 | 990..=999 => Some(Restriction::Coupon),
            _ => None,
        }
    }
}

/// Digits as a number; the caller has checked that they are at most 19 digits.
fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n, b| n * 10 + u64::from(b - b'0'))
}

/// The eleven UPC-A digits (without check digit) that a UPC-E body stands for.
fn expand_upc_e(system: u8, body: [u8; 6]) -> [u8; 11] {
    let [d1, d2, d3, d4, d5, d6] = body;
    let z = b'0';
    match d6 {
        b'0'..=b'2' => [system, d1, d2, d6, z, z, z, z, d3, d4, d5],
        b'3' => [system, d1, d2, d3, z, z, z, z, z, d4, d5],
        b'4' => [system, d1, d2, d3, d4, z, z, z, z, z, d5],
        _ => [system, d1, d2, d3, d4, d5, z, z, z, z, d6],
    }
}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}

impl fmt::Debug for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gtin({:014})", self.0)
    }
}
