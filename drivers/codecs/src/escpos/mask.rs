//! Masking card numbers in receipt lines, and nothing that reconciliation needs.
//!
//! The masker for logs hides every number of six digits; here article numbers must stay readable or the
//! receipt is no evidence. So: numbers of 12 digits and more that pass the card check, in one word or in
//! groups, are hidden up to the last four unless they are a valid GTIN; from 15 digits on all are.

use crate::barcode::Gtin;
use crate::redact::{KEPT_DIGITS, luhn_holds};

/// Shortest and longest card number, in digits.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;
/// From here on nothing a receipt prints can be an article number.
const ALWAYS_MASKED_DIGITS: usize = 15;
/// Digits of one group of a printed card number, and of its first.
const GROUP_DIGITS: std::ops::RangeInclusive<usize> = 2..=GROUP_DIGITS_MAX;
const GROUP_DIGITS_MAX: usize = 8;
const FIRST_GROUP_DIGITS_MIN: usize = 4;
/// Digits at the end of a line that was cut off: perhaps the start of a card number.
const CUT_DIGITS_MIN: usize = 6;

/// The line with card numbers hidden up to their last four digits.
#[must_use]
pub fn mask_line(line: &str) -> String {
    let mut chars: Vec<char> = line.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let end = digits_end(&chars, at);
        if end == at {
            at += 1;
            continue;
        }
        let hidden_to = if is_card(&digits(&chars, at, end)) {
            Some(end)
        } else {
            card_in_groups(&chars, at)
        };
        if let Some(hidden_to) = hidden_to {
            hide(&mut chars, at, hidden_to, KEPT_DIGITS);
        }
        at = hidden_to.unwrap_or(end);
    }
    chars.into_iter().collect()
}

/// [`mask_line`] for a line whose end was dropped: digits at its end are hidden whole.
pub(super) fn mask_cut_line(line: &str) -> String {
    let mut chars: Vec<char> = mask_line(line).chars().collect();
    let grouped = |c: &char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '*');
    let start = chars
        .iter()
        .rposition(|c| !grouped(c))
        .map_or(0, |at| at + 1);
    let end = chars.len();
    if digits(&chars, start, end).len() >= CUT_DIGITS_MIN {
        hide(&mut chars, start, end, 0);
    }
    chars.into_iter().collect()
}

/// The end of the digits that start at `start`.
fn digits_end(chars: &[char], start: usize) -> usize {
    let rest = chars.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|c| c.is_ascii_digit()).count()
}

/// The end of a card number that is printed in groups (4-4-4-4, 4-6-5) and starts at `start`.
fn card_in_groups(chars: &[char], start: usize) -> Option<usize> {
    let mut end = digits_end(chars, start);
    if end - start < FIRST_GROUP_DIGITS_MIN || end - start > GROUP_DIGITS_MAX {
        return None;
    }
    while matches!(chars.get(end), Some(' ' | '-' | '\u{a0}')) {
        let group_end = digits_end(chars, end + 1);
        if !GROUP_DIGITS.contains(&(group_end - end - 1)) {
            return None;
        }
        end = group_end;
        let number = digits(chars, start, end);
        if number.len() > *CARD_DIGITS.end() {
            return None;
        }
        if CARD_DIGITS.contains(&number.len()) && luhn_holds(&number) {
            return Some(end);
        }
    }
    None
}

fn digits(chars: &[char], start: usize, end: usize) -> Vec<u8> {
    let range = chars.get(start..end).unwrap_or_default();
    let digits = range.iter().filter(|c| c.is_ascii_digit());
    digits
        .filter_map(|c| u8::try_from(u32::from(*c)).ok())
        .collect()
}

/// Whether digits written as one number are to be hidden.
fn is_card(digits: &[u8]) -> bool {
    if digits.len() >= ALWAYS_MASKED_DIGITS {
        return true;
    }
    if !CARD_DIGITS.contains(&digits.len()) || !luhn_holds(digits) {
        return false;
    }
    let gtin = std::str::from_utf8(digits).is_ok_and(|text| Gtin::parse(text).is_ok());
    // Card numbers of 13 digits are history; article numbers of 13 are every other line.
    !gtin || digits.len() == 14 && digits.first() != Some(&b'0')
}

fn hide(chars: &mut [char], start: usize, end: usize, kept: usize) {
    let mut left = digits(chars, start, end).len();
    for c in chars.iter_mut().take(end).skip(start) {
        if c.is_ascii_digit() {
            if left > kept {
                *c = '*';
            }
            left -= 1;
        }
    }
}
