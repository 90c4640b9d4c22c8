//! Parsing and checking an element string, without allocation.
//!
//! The parse is strict about what is in the text (known AIs, lengths, characters, check digits,
//! dates): a value that fails is a misread or a wrong label, and a till must say so rather than
//! sell something else. Rules about AIs that must or must not come together are a second question
//! ([`Elements::check_pairings`]): real labels break them and still name the right item.

use std::fmt;

use super::dictionary::{CLASS_N, CLASS_X, CLASS_Y, CLASS_Z, DICTIONARY, Pairing, Part, Row, Rule};
use super::lint::{Lint, passes};
use super::{Ai, ELEMENT_STRING_BYTES_MAX, ELEMENTS_MAX, GS};
use crate::barcode::Gtin;

/// What is wrong with an element string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gs1Fault {
    /// No element at all.
    #[error("there is no element")]
    Empty,
    /// Longer than [`ELEMENT_STRING_BYTES_MAX`].
    #[error("longer than any symbol can hold")]
    TooLong,
    /// More than [`ELEMENTS_MAX`] elements.
    #[error("more elements than are allowed")]
    TooMany,
    /// What stands here is no application identifier.
    #[error("unknown application identifier")]
    UnknownAi,
    /// The value is shorter than the AI demands, or a separator stands inside it.
    #[error("value too short")]
    ValueTooShort,
    /// The value is longer than the AI allows: often a separator that got lost.
    #[error("value too long (a separator may be lost)")]
    ValueTooLong,
    /// A character that the AI does not allow.
    #[error("character not allowed in this value")]
    Character,
    /// A check digit or check character does not fit.
    #[error("check digit does not fit")]
    CheckDigit,
    /// No company prefix where there must be one.
    #[error("does not start with a company prefix")]
    CompanyPrefix,
    /// Not a date or time.
    #[error("not a date or time")]
    Date,
    /// Another rule of the AI does not hold.
    #[error("value not allowed")]
    Value,
    /// The same AI twice with different values.
    #[error("given twice with different values")]
    Repeated,
    /// The AI needs another one that is not there.
    #[error("another element that it needs is missing")]
    Missing,
    /// The AI may not come with this other one.
    #[error("may not come together with ({0})")]
    Excluded(Ai),
    /// Not an AI that may stand here in a Digital Link.
    #[error("may not stand here in a Digital Link")]
    Placement,
}

/// What is wrong, in which element, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gs1Error {
    /// Offset of the element in the text, in bytes.
    pub at: usize,
    /// The element's AI, where it was understood.
    pub ai: Option<Ai>,
    /// What is wrong.
    pub fault: Gs1Fault,
}

impl fmt::Display for Gs1Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ai {
            Some(ai) => write!(f, "element ({ai}) at byte {}: {}", self.at, self.fault),
            None => write!(f, "element string at byte {}: {}", self.at, self.fault),
        }
    }
}

impl std::error::Error for Gs1Error {}

impl Gs1Error {
    /// Whether it is an unknown AI whose element can be skipped up to the next separator.
    fn skippable(&self, text: &[u8]) -> bool {
        self.fault == Gs1Fault::UnknownAi && ends_by_gs(text, self.at)
    }
}

#[derive(Clone, Copy)]
struct Slot {
    ai: Ai,
    row: u8,
    len: u8,
    start: u16,
}

const NO_SLOT: Slot = Slot {
    ai: Ai::SSCC,
    row: 0,
    len: 0,
    start: 0,
};

/// One element: an AI and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The application identifier.
    pub ai: Ai,
    /// The value without AI and separator.
    pub value: &'a str,
}

/// The elements of an element string; borrows the text.
#[derive(Clone, Copy)]
pub struct Elements<'a> {
    text: &'a str,
    slots: [Slot; ELEMENTS_MAX],
    len: usize,
    skipped: usize,
}

impl<'a> Elements<'a> {
    /// Parses and checks an element string. `text` starts with an AI (a leading separator is
    /// tolerated), without AIM identifier; FNC1 is 0x1D.
    pub fn parse(text: &'a str) -> Result<Elements<'a>, Gs1Error> {
        Self::read(text, false)
    }

    /// The same, but skips elements whose AI is not in the dictionary, where the standard says
    /// where they end. A shop's software is older than the labels it reads: an AI of next year
    /// must not make the article unreadable. At least one element must be understood.
    pub fn parse_skipping_unknown(text: &'a str) -> Result<Elements<'a>, Gs1Error> {
        Self::read(text, true)
    }

    fn read(text: &'a str, skip_unknown: bool) -> Result<Elements<'a>, Gs1Error> {
        let bytes = text.as_bytes();
        if bytes.len() > ELEMENT_STRING_BYTES_MAX {
            return Err(Gs1Error {
                at: 0,
                ai: None,
                fault: Gs1Fault::TooLong,
            });
        }
        let mut elements = Elements {
            text,
            slots: [NO_SLOT; ELEMENTS_MAX],
            len: 0,
            skipped: 0,
        };
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == GS {
                at += 1;
                continue;
            }
            at = match elements.take(at) {
                Ok(next) => next,
                Err(error) if skip_unknown && error.skippable(bytes) => {
                    elements.skipped += 1;
                    let gs = bytes.iter().skip(at).position(|&b| b == GS);
                    gs.map_or(bytes.len(), |gs| at + gs)
                }
                Err(error) => return Err(error),
            };
        }
        if elements.len == 0 {
            return Err(Gs1Error {
                at: 0,
                ai: None,
                fault: Gs1Fault::Empty,
            });
        }
        Ok(elements)
    }

    /// Takes the element at `at`; returns where the next one starts.
    #[inline]
    fn take(&mut self, at: usize) -> Result<usize, Gs1Error> {
        let bytes = self.text.as_bytes();
        let rest = bytes.get(at..).unwrap_or(&[]);
        let Some((ai, number)) = Ai::at_start(rest) else {
            return Err(Gs1Error {
                at,
                ai: None,
                fault: Gs1Fault::UnknownAi,
            });
        };
        let error = |fault| Gs1Error {
            at,
            ai: Some(ai),
            fault,
        };
        let Some(row) = DICTIONARY.row(number) else {
            return Err(error(Gs1Fault::UnknownAi));
        };
        let value = rest.get(usize::from(row.digits)..).unwrap_or(&[]);
        let value = if row.fixed {
            value.get(..usize::from(row.len_max)).unwrap_or(value)
        } else {
            let end = value.iter().position(|&b| b == GS).unwrap_or(value.len());
            value.get(..end).unwrap_or(value)
        };
        check_value(row, value).map_err(error)?;
        let start = at + usize::from(row.digits);
        let slot = Slot {
            ai,
            row: number,
            // Bounded: a value is at most 90 bytes, the text at most 4096.
            len: u8::try_from(value.len()).map_err(|_| error(Gs1Fault::ValueTooLong))?,
            start: u16::try_from(start).map_err(|_| error(Gs1Fault::TooLong))?,
        };
        self.add(slot).map_err(error)?;
        Ok(start + value.len())
    }

    fn add(&mut self, slot: Slot) -> Result<(), Gs1Fault> {
        for known in self.slots.iter().take(self.len) {
            if known.ai == slot.ai {
                let same = self.value(known) == self.value(&slot);
                return if same {
                    Ok(())
                } else {
                    Err(Gs1Fault::Repeated)
                };
            }
        }
        let place = self.slots.get_mut(self.len).ok_or(Gs1Fault::TooMany)?;
        *place = slot;
        self.len += 1;
        Ok(())
    }

    fn value(&self, slot: &Slot) -> &'a str {
        let start = usize::from(slot.start);
        self.text
            .get(start..start + usize::from(slot.len))
            .unwrap_or("")
    }

    /// The elements in the order of the text; a repeated one is given once.
    pub fn iter(&self) -> impl Iterator<Item = Element<'a>> + '_ {
        self.slots.iter().take(self.len).map(|slot| Element {
            ai: slot.ai,
            value: self.value(slot),
        })
    }

    /// The value of an AI.
    #[must_use]
    pub fn get(&self, ai: Ai) -> Option<&'a str> {
        let slot = self
            .slots
            .iter()
            .take(self.len)
            .find(|slot| slot.ai == ai)?;
        Some(self.value(slot))
    }

    /// The element whose AI has these first three digits (a family such as 310n).
    #[must_use]
    pub fn family(&self, first_three: u16) -> Option<Element<'a>> {
        self.iter()
            .find(|element| element.ai.key() / 10 == first_three)
    }

    /// How many elements were skipped because their AI is unknown.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Number of elements, at least 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.len
    }

    /// The trade item itself: from (01), else from (8006). What a logistic unit contains, (02), is
    /// not the item that was scanned.
    #[must_use]
    pub fn gtin(&self) -> Option<Gtin> {
        let digits = match self.get(Ai::GTIN) {
            Some(value) => value,
            None => self.get(Ai::ITIP)?.get(..14)?,
        };
        Gtin::parse(digits).ok()
    }

    /// Checks which AIs must and must not come together in one symbol.
    pub fn check_pairings(&self) -> Result<(), Gs1Error> {
        for slot in self.slots.iter().take(self.len) {
            if let Some(fault) = self.pairing_fault(slot) {
                return Err(Gs1Error {
                    at: usize::from(slot.start),
                    ai: Some(slot.ai),
                    fault,
                });
            }
        }
        Ok(())
    }

    fn pairing_fault(&self, slot: &Slot) -> Option<Gs1Fault> {
        let row = DICTIONARY.row(slot.row)?;
        // A requirement holds if any alternative holds; an alternative, if all its parts do.
        let (mut met, mut alternative) = (false, false);
        for rule in DICTIONARY.rules(row) {
            match rule.pairing {
                Pairing::Excluded => {
                    if let Some(other) = self.present(rule, Some(slot.ai)) {
                        return Some(Gs1Fault::Excluded(other));
                    }
                }
                Pairing::Or => {
                    met |= alternative;
                    alternative = !met && self.present(rule, None).is_some();
                }
                Pairing::And => {
                    alternative = alternative && self.present(rule, None).is_some();
                }
                Pairing::End => {
                    if !(met | alternative) {
                        return Some(Gs1Fault::Missing);
                    }
                    (met, alternative) = (false, false);
                }
            }
        }
        None
    }

    #[inline]
    fn present(&self, rule: &Rule, except: Option<Ai>) -> Option<Ai> {
        self.slots
            .iter()
            .take(self.len)
            .map(|slot| slot.ai)
            .find(|&ai| (rule.first..=rule.last).contains(&ai.key()) && Some(ai) != except)
    }
}

impl fmt::Debug for Elements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|e| (e.ai, e.value)))
            .finish()
    }
}

/// Whether the standard lets the element at `at`, whatever its AI, end only by a separator: all
/// AIs do but those whose first two digits are in the closed list of predefined lengths (GS1
/// General Specifications, "element strings with predefined length").
fn ends_by_gs(text: &[u8], at: usize) -> bool {
    match text.get(at..at + 2) {
        Some(&[tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => {
            !matches!((tens - b'0') * 10 + (ones - b'0'), 0..=4 | 11..=20 | 31..=36 | 41)
        }
        _ => false,
    }
}

/// Character classes of every byte, as `CLASS_*` bits.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut b = 0_u8;
    while b < 128 {
        let mut class = 0;
        if b.is_ascii_digit() {
            class |= CLASS_N;
        }
        let punctuation82 = matches!(b, b'!' | b'"' | b'%'..=b'/' | b':'..=b'?' | b'_');
        if b.is_ascii_alphanumeric() || punctuation82 {
            class |= CLASS_X;
        }
        if b.is_ascii_digit() || b.is_ascii_uppercase() || matches!(b, b'#' | b'-' | b'/') {
            class |= CLASS_Y;
        }
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=') {
            class |= CLASS_Z;
        }
        table[b as usize] = class;
        b += 1;
    }
    table
}

/// Checks a value against its row: components in turn, each taking as much as it may.
#[inline]
pub(super) fn check_value(row: &Row, value: &[u8]) -> Result<(), Gs1Fault> {
    let mut rest = value;
    for part in row.parts.iter().take(usize::from(row.parts_len)) {
        if rest.is_empty() && part.optional {
            break;
        }
        if rest.len() < usize::from(part.len_min) {
            return Err(Gs1Fault::ValueTooShort);
        }
        let (own, others) = rest.split_at(rest.len().min(usize::from(part.len_max)));
        check_part(part, own)?;
        rest = others;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Gs1Fault::ValueTooLong)
    }
}

#[inline]
fn check_part(part: &Part, own: &[u8]) -> Result<(), Gs1Fault> {
    if own
        .iter()
        .any(|&b| CLASSES[usize::from(b)] & part.class == 0)
    {
        return Err(if own.contains(&GS) {
            Gs1Fault::ValueTooShort
        } else {
            Gs1Fault::Character
        });
    }
    for &lint in part.lints.iter().take(usize::from(part.lints_len)) {
        if !passes(lint, own) {
            return Err(match lint {
                Lint::Csum | Lint::CsumAlpha => Gs1Fault::CheckDigit,
                Lint::Key | Lint::KeyOff1 => Gs1Fault::CompanyPrefix,
                Lint::Yymmdd
                | Lint::Yymmd0
                | Lint::Yyyymmdd
                | Lint::Hh
                | Lint::Mi
                | Lint::Ss
                | Lint::Hhmi => Gs1Fault::Date,
                _ => Gs1Fault::Value,
            });
        }
    }
    Ok(())
}
