//! What a scan means: an article, an element string, a weighed thing, or something to refuse.
//!
//! [`interpret`] is the one entry. It never fails: a text that can't be an article becomes
//! [`Barcode::Bad`], masked, so that the till can show a row for it and nothing is lost. It looks
//! nothing up: whether an article exists is the caller's question. It must never guess where two
//! readings are valid ([`Barcode::Ambiguous8`]), and never let a payment means through.

pub mod code128;
mod gtin;
mod interpret;
mod measure;
mod refused;
mod symbology;

#[cfg(test)]
mod tests;

pub use gtin::{Gtin, GtinError, Restriction, check_digit, check_digit_holds};
pub use interpret::interpret;
pub use measure::{Measure, MeasureTemplate, MeasureUnit, TemplateError, price_check_digit};
pub use refused::{Refused, RefusedKind};
pub use symbology::{Aim, PrefixScheme, ScanText, Symbology, honeywell_id, honeywell_symbology};

use std::fmt;

use crate::gs1::{Elements, Gs1Error};

/// Longest text that is looked at, in bytes; the largest symbol (QR version 40) holds 7089 digits.
pub const BARCODE_BYTES_MAX: usize = 8 * 1024;

/// What a scan means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barcode {
    /// A trade item by its global number. Add-on digits of magazines and books are cut off.
    Gtin(Gtin),
    /// An element string or Digital Link.
    Gs1(ElementString),
    /// An in-store label with a measure in it.
    VariableMeasure {
        /// The item's digits in the template: a number of this store only.
        item_code: String,
        /// What it weighs, costs or counts.
        measure: Measure,
        /// The whole code.
        raw: String,
    },
    /// Text that means something only here: restricted circulation numbers, coupons, shelf
    /// labels, web addresses, codes of suppliers.
    Internal(String),
    /// Eight digits that are valid as EAN-8 and as UPC-E, and the scanner didn't say which.
    /// Resolve with [`Gtin::parse`] and [`Gtin::from_upc_e`] where only one is known.
    Ambiguous8(String),
    /// A payment means; its text is not kept.
    Refused(Refused),
    /// Not usable: a misread or a wrong label.
    Bad {
        /// What is wrong.
        reason: BadReason,
        /// The text with long numbers masked, cut at 64 characters, for the error row.
        masked: String,
    },
}

impl Barcode {
    /// The global number of the scanned article, where the scan names one.
    #[must_use]
    pub fn gtin(&self) -> Option<Gtin> {
        match self {
            Barcode::Gtin(gtin) => Some(*gtin),
            // A restricted number inside an element string is as internal as outside.
            Barcode::Gs1(elements) => elements.gtin().filter(|gtin| gtin.restriction().is_none()),
            _ => None,
        }
    }
}

/// Why a scan can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReason {
    /// Nothing but terminators.
    #[error("the scan is empty")]
    Empty,
    /// Longer than [`BARCODE_BYTES_MAX`].
    #[error("the scan is longer than any barcode")]
    TooLong,
    /// Control characters or bytes that are no text.
    #[error("the scan is no text")]
    NotText,
    /// A number that should be an article but is none.
    #[error("no article number: {0}")]
    Gtin(#[from] GtinError),
    /// An element string or Digital Link with something wrong in it.
    #[error("{0}")]
    Gs1(#[from] Gs1Error),
}

/// An element string that has been checked, in its own memory.
#[derive(Clone, PartialEq, Eq)]
pub struct ElementString {
    text: String,
    gtin: Option<Gtin>,
    pairing: Option<Gs1Error>,
    skipped: usize,
}

impl ElementString {
    /// Parses and keeps an element string (separators as 0x1D) of a symbol that says it is one:
    /// elements of AIs that are newer than the dictionary are skipped.
    pub fn parse(text: &str) -> Result<ElementString, Gs1Error> {
        Ok(Self::keep(text, &Elements::parse_skipping_unknown(text)?))
    }

    /// The same, but every element must be known: for texts that may be something else.
    pub fn parse_strict(text: &str) -> Result<ElementString, Gs1Error> {
        Ok(Self::keep(text, &Elements::parse(text)?))
    }

    fn keep(text: &str, elements: &Elements<'_>) -> ElementString {
        ElementString {
            text: text.to_owned(),
            gtin: elements.gtin(),
            pairing: elements.check_pairings().err(),
            skipped: elements.skipped(),
        }
    }

    /// How many elements were skipped because their AI is unknown here: a newer dictionary is due.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The trade item's number, if the string names a trade item.
    #[must_use]
    pub fn gtin(&self) -> Option<Gtin> {
        self.gtin
    }

    /// The text: AIs and values with 0x1D separators.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A rule about AIs that must or must not come together which this label breaks. It still
    /// names its item; worth a warning to whoever prints the labels.
    #[must_use]
    pub fn pairing_fault(&self) -> Option<Gs1Error> {
        self.pairing
    }

    /// The elements. Cheap: one pass over the text without allocation.
    pub fn elements(&self) -> Result<Elements<'_>, Gs1Error> {
        Elements::parse_skipping_unknown(&self.text)
    }
}

impl fmt::Debug for ElementString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ElementString({:?})",
            crate::redact::mask_text(&self.text)
        )
    }
}
