//! The order in which the readings of a scan are tried.
//!
//! Payment means first, before any byte is kept; then what the symbology says for certain; then
//! what the text shows by itself. Each step either decides or passes on, so that a new kind of
//! label is one more step. It must never look at prices, stock or time.

use super::refused::{self, RefusedKind};
use super::{
    BARCODE_BYTES_MAX, BadReason, Barcode, ElementString, Gtin, GtinError, MeasureTemplate,
    Refused, ScanText, Symbology,
};
use crate::gs1::digital_link::{LinkError, LinkOptions, to_element_string};
use crate::gs1::{GS, Gs1Error, from_brackets};
use crate::redact::{luhn_holds, mask_bytes};

/// Characters of a bad scan that are shown.
const MASKED_CHARS_MAX: usize = 64;

/// Says what a scan means. `templates` are the store's in-store label layouts, in order of
/// preference.
#[must_use]
pub fn interpret(scan: &ScanText<'_>, templates: &[MeasureTemplate]) -> Barcode {
    let bytes = trim(scan.text);
    if bytes.is_empty() {
        return bad(BadReason::Empty, bytes);
    }
    if bytes.len() > BARCODE_BYTES_MAX {
        return bad(BadReason::TooLong, bytes);
    }
    let scan = ScanText {
        text: bytes,
        ..*scan
    };
    let kind = scan.kind();
    if let Some(refused) = refused::recognise(bytes, kind) {
        return Barcode::Refused(refused);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !text.bytes().any(|b| b.is_ascii_control() && b != GS) => text,
        _ => return bad(BadReason::NotText, bytes),
    };
    link(text)
        .or_else(|| element_string(text, kind))
        .or_else(|| number(text, kind, templates))
        .unwrap_or_else(|| Barcode::Internal(text.to_owned()))
}

/// Without white space and terminators around it; a separator at the end is kept for the parser.
fn trim(bytes: &[u8]) -> &[u8] {
    let outside = |b: &u8| b.is_ascii_whitespace() || matches!(b, 0 | 2 | 3);
    let start = bytes
        .iter()
        .position(|b| !outside(b))
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|b| !outside(b))
        .map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or(&[])
}

fn bad(reason: BadReason, bytes: &[u8]) -> Barcode {
    let mut masked = mask_bytes(bytes.get(..MASKED_CHARS_MAX * 4).unwrap_or(bytes));
    masked.truncate(MASKED_CHARS_MAX);
    Barcode::Bad { reason, masked }
}

fn link(text: &str) -> Option<Barcode> {
    match to_element_string(
        text,
        LinkOptions {
            zero_suppressed_gtin: false,
        },
    ) {
        Ok(elements) => Some(gs1(ElementString::parse(&elements), text)),
        Err(LinkError::Invalid(error)) => Some(bad(error.into(), text.as_bytes())),
        Err(LinkError::NotALink) => None,
    }
}

fn gs1(parsed: Result<ElementString, Gs1Error>, text: &str) -> Barcode {
    match parsed {
        Ok(elements) => Barcode::Gs1(elements),
        Err(error) => bad(error.into(), text.as_bytes()),
    }
}

/// An element string, because the symbology says so or because the text can be nothing else.
fn element_string(text: &str, kind: Symbology) -> Option<Barcode> {
    if kind.carries_elements() {
        return Some(gs1(ElementString::parse(text), text));
    }
    // A scanner that doesn't name the symbology often still sends the separators, or the
    // identifier as part of the text because no prefix is configured for it.
    let inner = ["]C1", "]e0", "]d2", "]Q3", "]J1"]
        .iter()
        .find_map(|aim| text.strip_prefix(aim));
    if let Some(inner) = inner {
        return Some(gs1(ElementString::parse(inner), text));
    }
    if let Some(bracketed) = from_brackets(text) {
        return ElementString::parse_strict(&bracketed)
            .ok()
            .map(Barcode::Gs1);
    }
    if kind != Symbology::Unknown {
        return None;
    }
    let separated = text.as_bytes().contains(&GS);
    let long_enough = text.len() >= 16 && ["00", "01", "02"].iter().any(|ai| text.starts_with(ai));
    if !separated && !long_enough {
        return None;
    }
    match ElementString::parse_strict(text) {
        Ok(elements) => Some(Barcode::Gs1(elements)),
        Err(error) if separated => Some(bad(error.into(), text.as_bytes())),
        Err(_) => None,
    }
}

/// A number of GTIN shape.
fn number(text: &str, kind: Symbology, templates: &[MeasureTemplate]) -> Option<Barcode> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        // A retail symbol holds digits only: this is a misread, or a wrong prefix setting.
        return kind
            .is_retail()
            .then(|| bad(GtinError::NotDigits.into(), text.as_bytes()));
    }
    match (kind, text.len()) {
        (Symbology::UpcE, 6..=8) => Some(settle(Gtin::from_upc_e(text), text, templates)),
        (Symbology::Unknown, 8) => Some(eight(text, templates)),
        (Symbology::Unknown | Symbology::DataMatrix | Symbology::Qr, 12..=14)
        | (Symbology::Itf, 14) => Some(settle(Gtin::parse(text), text, templates)),
        (Symbology::Ean13 | Symbology::UpcA, 14 | 15 | 17 | 18) => Some(add_on(text, templates)),
        (kind, _) if kind.is_retail() => Some(settle(Gtin::parse(text), text, templates)),
        // Free-text symbols hold whatever a supplier prints; a valid number is still an article.
        (_, 12..=14) => match Gtin::parse(text) {
            Ok(gtin) => Some(settle(Ok(gtin), text, templates)),
            Err(_) => None,
        },
        _ => None,
    }
}

/// Eight digits of an unknown symbol.
fn eight(text: &str, templates: &[MeasureTemplate]) -> Barcode {
    match (Gtin::parse(text), Gtin::from_upc_e(text)) {
        (Ok(ean), Ok(upc)) if ean != upc => Barcode::Ambiguous8(text.to_owned()),
        (Err(_), Ok(upc)) => settle(Ok(upc), text, templates),
        (ean, _) => settle(ean, text, templates),
    }
}

/// EAN-13 or UPC-A with two or five add-on digits behind it.
fn add_on(text: &str, templates: &[MeasureTemplate]) -> Barcode {
    let item = refused::add_on_item(text.as_bytes()).and_then(|item| text.get(..item.len()));
    match item {
        Some(item) => settle(Gtin::parse(item), item, templates),
        None => bad(GtinError::Length(text.len()).into(), text.as_bytes()),
    }
}

/// A number that was checked: global, in-store with or without a measure, or wrong.
fn settle(gtin: Result<Gtin, GtinError>, text: &str, templates: &[MeasureTemplate]) -> Barcode {
    let gtin = match gtin {
        Ok(gtin) => gtin,
        // 12 digits are too short to be caught as a card number before; never keep one anyway.
        Err(_) if (13..=19).contains(&text.len()) && luhn_holds(text.as_bytes()) => {
            return Barcode::Refused(Refused {
                kind: RefusedKind::CardNumber,
                last4: None,
            });
        }
        Err(error) => return bad(error.into(), text.as_bytes()),
    };
    if let Some((item_code, measure)) = templates.iter().find_map(|t| t.read(text.as_bytes())) {
        return Barcode::VariableMeasure {
            item_code,
            measure,
            raw: text.to_owned(),
        };
    }
    match gtin.restriction() {
        Some(_) => Barcode::Internal(text.to_owned()),
        None => Barcode::Gtin(gtin),
    }
}
