//! Scans that are not barcodes of goods but payment means: they are refused without a trace.
//!
//! A magnetic-stripe reader types like a scanner, and customers hold wallet codes to the hand
//! scanner. What is recognised here is reduced to a kind and the last four digits; the text is not
//! kept, so it can't be stored, logged or sent by accident. It must never keep a card number
//! because the number might be something else.

use super::{Symbology, check_digit_holds};
use crate::gs1::GS;
use crate::redact::luhn_holds;

/// The article number in front of two or five add-on digits.
pub(super) fn add_on_item(text: &[u8]) -> Option<&[u8]> {
    match text.len() {
        14 | 17 => text.get(..12),
        15 | 18 => text.get(..13),
        _ => None,
    }
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusedKind {
    /// A track of a magnetic stripe.
    MagneticStripe,
    /// 13 to 19 digits that are no GTIN or SSCC but pass the card check.
    CardNumber,
    /// A code that a customer's wallet shows for paying.
    Wallet,
}

/// A refused scan: a kind, and four digits by which a person recognises the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What it was.
    pub kind: RefusedKind,
    /// The last four digits of its number, if it had as many.
    pub last4: Option<[u8; 4]>,
}

/// Decides whether a text is a payment means. `text` is without terminators. A symbol that by its
/// kind holds elements, or an article with add-on digits, is none.
pub(super) fn recognise(text: &[u8], kind: Symbology) -> Option<Refused> {
    let add_on = kind.is_retail() && add_on_item(text).is_some_and(check_digit_holds);
    if kind.carries_elements() || add_on {
        return None;
    }
    let (kind, number) = track(text)
        .or_else(|| garbled_track(text))
        .map(|number| (RefusedKind::MagneticStripe, number))
        .or_else(|| wallet(text).then_some((RefusedKind::Wallet, text)))
        .or_else(|| card(text).then_some((RefusedKind::CardNumber, text)))?;
    let last4 = number
        .last_chunk::<4>()
        .copied()
        .filter(|last| last.iter().all(u8::is_ascii_digit));
    Some(Refused { kind, last4 })
}

/// A track whose signs were changed by a keyboard layout (`ö4111...´2712...`): a card number, and
/// after something else at least seven digits that start with an expiry date.
fn garbled_track(text: &[u8]) -> Option<&[u8]> {
    if text.contains(&GS) || text.starts_with(b"http") {
        return None;
    }
    let mut runs = text
        .split(|b| !b.is_ascii_digit())
        .filter(|run| !run.is_empty());
    let number = runs.find(|run| {
        (13..=19).contains(&run.len())
            && matches!(run.first(), Some(b'2'..=b'6'))
            && luhn_holds(run)
    })?;
    let expiry = |run: &[u8]| match run {
        [_, _, b'0', b'1'..=b'9', ..] | [_, _, b'1', b'0'..=b'2', ..] => run.len() >= 7,
        _ => false,
    };
    runs.any(expiry).then_some(number)
}

/// The number on a track: `%B<number>^...?` or `;<number>=...?`. Readers send both tracks in one
/// text or each alone; keyboards of another layout may have changed the first and last sign, so a
/// track without its end sign counts too.
fn track(text: &[u8]) -> Option<&[u8]> {
    let from_first = match text {
        [b'%', b'A'..=b'Z' | b'a'..=b'z', rest @ ..] => Some((rest, b'^')),
        [b';' | b'+', rest @ ..] => Some((rest, b'=')),
        _ => None,
    };
    if let Some((rest, separator)) = from_first {
        let number = leading_digits(rest);
        let separated = rest.get(number.len()) == Some(&separator);
        if (number.len() >= 8 && separated) || text.starts_with(b"%B") && number.len() >= 8 {
            return Some(number);
        }
    }
    // Track 2 without its start sign: digits, `=` or `D`, expiry and service code.
    let number = leading_digits(text);
    match text.get(number.len()..) {
        Some([b'=' | b'D', tail @ ..])
            if (12..=19).contains(&number.len()) && leading_digits(tail).len() >= 7 =>
        {
            Some(number)
        }
        _ => None,
    }
}

fn leading_digits(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// EMV consumer-presented codes, and the 18-digit codes of the two large wallets (starting 10 to
/// 15, and 25 to 30), where they are no SSCC.
fn wallet(text: &[u8]) -> bool {
    // Base64 of the tag 85, length 5, "CPV01"; the last bits of `1` depend on what follows.
    if text.starts_with(b"hQVDUFYwM") {
        return true;
    }
    let eighteen = text.len() == 18 && text.iter().all(u8::is_ascii_digit);
    let issuer = matches!(
        text,
        [b'1', b'0'..=b'5', ..] | [b'2', b'5'..=b'9', ..] | [b'3', b'0', ..]
    );
    eighteen && issuer && !check_digit_holds(text)
}

fn card(text: &[u8]) -> bool {
    (13..=19).contains(&text.len())
        && luhn_holds(text)
        && !(matches!(text.len(), 13 | 14 | 18) && check_digit_holds(text))
        && !is_element(text)
        && text.iter().any(|&b| b != b'0')
}

/// A GTIN with its AI has 16 digits and is no card number if its check digit holds.
fn is_element(text: &[u8]) -> bool {
    matches!(text, [b'0', b'1' | b'2', gtin @ ..] if gtin.len() == 14 && check_digit_holds(gtin))
}
