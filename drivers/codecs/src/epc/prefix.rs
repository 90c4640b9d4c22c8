//! How long a company prefix is, by its first digits.
//!
//! GS1 publishes the list (`gcpprefixformatlist`) and changes it, so it is data that the caller gives,
//! never a table in the program. Where the list doesn't know a number, nothing is guessed: the `+`
//! schemes need no length.

use std::collections::BTreeMap;

use super::Identity;
use super::scheme::COMPANY_PREFIX_DIGITS;

/// Most rows of a list; the published one has some ten thousand.
pub const PREFIX_ROWS_MAX: usize = 200_000;

/// Why a list is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixTableError {
    /// A line is not "digits, comma or tabulator or space, length".
    #[error(
        "line {0}: expected the first digits of a company prefix and its length, such as 4006381,7"
    )]
    Line(usize),
    /// Too many lines.
    #[error("more than {PREFIX_ROWS_MAX} lines")]
    TooMany,
}

/// The list: first digits to length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyPrefixes {
    lengths: BTreeMap<String, u8>,
}

impl CompanyPrefixes {
    /// Reads lines of digits and length. Length 0 is what the list says of prefixes that are not
    /// given out. Empty lines and lines starting with `#` are skipped.
    pub fn parse(text: &str) -> Result<CompanyPrefixes, PrefixTableError> {
        let mut lengths = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if lengths.len() >= PREFIX_ROWS_MAX {
                return Err(PrefixTableError::TooMany);
            }
            let (digits, length) = row(line).ok_or(PrefixTableError::Line(index + 1))?;
            lengths.insert(digits.to_owned(), length);
        }
        Ok(CompanyPrefixes { lengths })
    }

    /// The length of the company prefix at the start of these digits, by the longest row that fits.
    #[must_use]
    pub fn length_of(&self, digits: &str) -> Option<u8> {
        (1..=digits.len().min(12))
            .rev()
            .filter_map(|count| self.lengths.get(digits.get(..count)?))
            .next()
            .copied()
            .filter(|length| COMPANY_PREFIX_DIGITS.contains(length))
    }

    /// The identity with the length of its company prefix, where the list knows it.
    #[must_use]
    pub fn complete(&self, identity: Identity) -> Identity {
        let digits = identity.digits();
        let from = usize::from(identity.key().form().leads);
        let start = if digits.is_empty() {
            identity.serial().as_str()
        } else {
            digits.get(from..).unwrap_or("")
        };
        self.length_of(start)
            .and_then(|length| identity.with_company_prefix(length).ok())
            .unwrap_or(identity)
    }
}

fn row(line: &str) -> Option<(&str, u8)> {
    let (digits, length) = line.split_once([',', '\t', ' ', ';'])?;
    let legal = (1..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let length = length.trim().parse::<u8>().ok()?;
    (legal && length <= 12).then_some((digits, length))
}
