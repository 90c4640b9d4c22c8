//! What an EPC names: a GS1 key with its serial number.
//!
//! The check digit is part of the number and always right: whoever holds an [`Identity`] holds a
//! legal key. The length of the company prefix is known for tags that are divided by it and unknown
//! for the others, so it is no part of equality: a label and its replacement are the same thing.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::scheme::{COMPANY_PREFIX_DIGITS, power_of_ten};
use super::text::Serial;
use super::{EpcFaultReason, Key};
use crate::barcode::Gtin;

/// Why an identity can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// More digits than the key has, or none.
    #[error("the number does not have the digits of its key")]
    Digits,
    /// The check digit doesn't fit.
    #[error("the check digit does not fit")]
    CheckDigit,
    /// All zeros.
    #[error("a number of zeros names nothing")]
    Zero,
    /// The serial is missing, too long, or there must be none.
    #[error("the serial number is not legal for this key")]
    Serial,
    /// A company prefix has 6 to 12 digits.
    #[error("a company prefix has 6 to 12 digits, not {0}")]
    CompanyPrefix(u8),
}

impl From<IdentityError> for EpcFaultReason {
    fn from(error: IdentityError) -> EpcFaultReason {
        match error {
            IdentityError::Digits | IdentityError::CompanyPrefix(_) => {
                EpcFaultReason::TooManyDigits
            }
            IdentityError::CheckDigit => EpcFaultReason::CheckDigit,
            IdentityError::Zero => EpcFaultReason::Zero,
            IdentityError::Serial => EpcFaultReason::Serial,
        }
    }
}

/// A GS1 key with its serial number.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    key: Key,
    company_prefix_digits: Option<u8>,
    number: u64,
    serial: Serial,
}

impl Identity {
    /// Checks and makes an identity. `number` has the check digit; a GIAI has number 0 and its
    /// whole text as `serial`.
    pub fn new(key: Key, number: u64, serial: Serial) -> Result<Identity, IdentityError> {
        let form = key.form();
        if form.digits > 0 {
            if number >= power_of_ten(form.digits) {
                return Err(IdentityError::Digits);
            }
            if number / 10 == 0 {
                return Err(IdentityError::Zero);
            }
            if check_digit(number / 10) != number % 10 {
                return Err(IdentityError::CheckDigit);
            }
        } else if number != 0 {
            return Err(IdentityError::Digits);
        }
        let chars = serial.as_str().len();
        if chars > form.serial_chars_max || (chars == 0) != (form.serial_chars_max == 0) {
            return Err(IdentityError::Serial);
        }
        let digits_first = serial.as_str().bytes().take(4).all(|b| b.is_ascii_digit());
        if key == Key::Giai && !(chars > 4 && digits_first) {
            return Err(IdentityError::Serial);
        }
        Ok(Identity {
            key,
            company_prefix_digits: None,
            number,
            serial,
        })
    }

    /// One article.
    pub fn sgtin(gtin: Gtin, serial: &str) -> Result<Identity, IdentityError> {
        let serial = Serial::new(serial).ok_or(IdentityError::Serial)?;
        Identity::new(Key::Sgtin, gtin.value(), serial)
    }

    /// The same with a known length of the company prefix; 6 to 12.
    pub fn with_company_prefix(self, digits: u8) -> Result<Identity, IdentityError> {
        if !COMPANY_PREFIX_DIGITS.contains(&digits) {
            return Err(IdentityError::CompanyPrefix(digits));
        }
        if self.key == Key::Giai {
            let (prefix, reference) = self
                .serial
                .as_str()
                .split_at_checked(usize::from(digits))
                .ok_or(IdentityError::CompanyPrefix(digits))?;
            if reference.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
                return Err(IdentityError::CompanyPrefix(digits));
            }
        }
        Ok(Identity {
            company_prefix_digits: Some(digits),
            ..self
        })
    }

    /// Joins what a tag holds apart: company prefix and reference without check digit.
    pub(super) fn join(
        key: Key,
        (prefix, prefix_digits): (u64, u8),
        reference: u64,
        serial: Serial,
    ) -> Result<Identity, IdentityError> {
        let form = key.form();
        let reference_digits = form.digits - 1 - prefix_digits;
        if prefix >= power_of_ten(prefix_digits) || reference >= power_of_ten(reference_digits) {
            return Err(IdentityError::Digits);
        }
        let body = if form.leads {
            let rest = power_of_ten(reference_digits - 1);
            (reference / rest) * power_of_ten(form.digits - 2) + prefix * rest + reference % rest
        } else {
            prefix * power_of_ten(reference_digits) + reference
        };
        let identity = Identity::new(key, body * 10 + check_digit(body), serial)?;
        Ok(Identity {
            company_prefix_digits: Some(prefix_digits),
            ..identity
        })
    }

    /// Company prefix and reference as a tag holds them; the inverse of `join`.
    pub(super) fn parts(&self, prefix_digits: u8) -> (u64, u64) {
        let form = self.key.form();
        let body = self.number / 10;
        let reference_digits = form.digits - 1 - prefix_digits;
        if form.leads {
            let rest = power_of_ten(reference_digits - 1);
            let lead = body / power_of_ten(form.digits - 2);
            let prefix = body / rest % power_of_ten(prefix_digits);
            (prefix, lead * rest + body % rest)
        } else {
            let split = power_of_ten(reference_digits);
            (body / split, body % split)
        }
    }

    /// What it names.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key
    }

    /// The number with check digit; 0 for a GIAI.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The number in the digits of its key, with leading zeros; empty for a GIAI.
    #[must_use]
    pub fn digits(&self) -> String {
        match usize::from(self.key.form().digits) {
            0 => String::new(),
            width => format!("{:0width$}", self.number),
        }
    }

    /// The serial number, extension or (GIAI) the whole reference.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// How many digits the company prefix has, where that is known.
    #[must_use]
    pub fn company_prefix_digits(&self) -> Option<u8> {
        self.company_prefix_digits
    }

    /// The article's number; `None` for anything but an SGTIN.
    #[must_use]
    pub fn gtin(&self) -> Option<Gtin> {
        if self.key != Key::Sgtin {
            return None;
        }
        Gtin::from_digits(self.digits().as_bytes()).ok()
    }

    fn compared(&self) -> (Key, u64, &Serial) {
        (self.key, self.number, &self.serial)
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Identity) -> bool {
        self.compared() == other.compared()
    }
}

impl Eq for Identity {}

impl PartialOrd for Identity {
    fn partial_cmp(&self, other: &Identity) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Identity {
    fn cmp(&self, other: &Identity) -> Ordering {
        self.compared().cmp(&other.compared())
    }
}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.compared().hash(state);
    }
}

/// The GS1 check digit of a number without it. The weights 3, 1 count from the right, so leading
/// zeros change nothing.
#[inline]
pub(super) fn check_digit(body: u64) -> u64 {
    let (mut rest, mut sum, mut weight) = (body, 0, 3);
    while rest > 0 {
        sum += rest % 10 * weight;
        weight = 4 - weight;
        rest /= 10;
    }
    (10 - sum % 10) % 10
}
