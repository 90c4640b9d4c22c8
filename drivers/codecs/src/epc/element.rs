//! Element strings and Digital Links, both ways: the same identity on a label.
//!
//! A label doesn't say how long the company prefix is, so an identity that comes from one must be
//! told it before it can be written in a 96-bit scheme; see [`super::CompanyPrefixes`].

use std::fmt::Write as _;

use super::{Identity, IdentityError, Key, Serial, Tag};
use crate::gs1::digital_link::{LinkError, LinkOptions, to_element_string};
use crate::gs1::{Ai, Elements, GS, Gs1Error};

/// The resolver that the standard names for links without a host of their own.
const RESOLVER: &str = "https://id.gs1.org";
/// The extension of a GLN that has none.
const NO_EXTENSION: &str = "0";

/// Why an element string or link names nothing that can be written in a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElementError {
    /// It is no element string.
    #[error("{0}")]
    Gs1(#[from] Gs1Error),
    /// It is no Digital Link.
    #[error("{0}")]
    Link(#[from] LinkError),
    /// It names no single thing: a serial number is missing, or there is no key.
    #[error("no key with a serial number in it")]
    NoKey,
    /// The key can't be an identity.
    #[error("{0}")]
    Identity(#[from] IdentityError),
}

impl Identity {
    /// The element string, with FNC1 as 0x1D.
    #[must_use]
    pub fn to_element_string(&self) -> String {
        let form = self.key().form();
        let mut out = format!("{}{}", form.ai, self.value());
        if let Some((ai, value)) = self.qualifier() {
            // Both (01) and (414) have a predefined length: no separator.
            out.push_str(ai);
            out.push_str(value);
        }
        out
    }

    /// The Digital Link on GS1's resolver.
    #[must_use]
    pub fn to_digital_link(&self) -> String {
        let form = self.key().form();
        let mut out = format!("{RESOLVER}/{}/{}", form.ai, percent(&self.value()));
        if let Some((ai, value)) = self.qualifier() {
            let _written = write!(out, "/{ai}/{}", percent(value));
        }
        out
    }

    /// Reads an element string (FNC1 as 0x1D). The first key that names a single thing is taken.
    pub fn from_element_string(text: &str) -> Result<Identity, ElementError> {
        let elements = Elements::parse_skipping_unknown(text)?;
        for key in Key::ALL {
            let form = key.form();
            let get = |ai| Ai::parse(ai).and_then(|ai| elements.get(ai));
            let Some(value) = get(form.ai) else { continue };
            let serial = match (key, form.serial_ai.map(get)) {
                (_, None) => "",
                (_, Some(Some(serial))) => serial,
                (Key::Sgln, Some(None)) => NO_EXTENSION,
                (_, Some(None)) => continue,
            };
            return Ok(of_element(key, value, serial)?);
        }
        Err(ElementError::NoKey)
    }

    /// Reads a Digital Link of any host.
    pub fn from_digital_link(uri: &str) -> Result<Identity, ElementError> {
        Identity::from_element_string(&to_element_string(uri, LinkOptions::default())?)
    }

    /// The value of the key's element.
    fn value(&self) -> String {
        let digits = self.digits();
        match self.key() {
            Key::Grai => format!("0{digits}{}", self.serial()),
            Key::Gdti | Key::Giai => format!("{digits}{}", self.serial()),
            _ => digits,
        }
    }

    /// The serial's own element.
    fn qualifier(&self) -> Option<(&'static str, &str)> {
        let ai = self.key().form().serial_ai?;
        let value = self.serial().as_str();
        (self.key() != Key::Sgln || value != NO_EXTENSION).then_some((ai, value))
    }
}

fn of_element(key: Key, value: &str, serial: &str) -> Result<Identity, IdentityError> {
    let digits = usize::from(key.form().digits);
    let value = match key {
        Key::Grai => value.strip_prefix('0').unwrap_or(value),
        _ => value,
    };
    let (number, rest) = value
        .split_at_checked(digits)
        .ok_or(IdentityError::Digits)?;
    let number = match number {
        "" => 0,
        number => number.parse().map_err(|_| IdentityError::Digits)?,
    };
    let serial = if key.form().serial_ai.is_some() {
        serial
    } else {
        rest
    };
    Identity::new(
        key,
        number,
        Serial::new(serial).ok_or(IdentityError::Serial)?,
    )
}

impl Tag {
    /// The element string with the date of a DSGTIN+ in it.
    #[must_use]
    pub fn to_element_string(&self) -> String {
        let plain = self.identity.to_element_string();
        let (Some(date), Some((key, serial))) = (self.date, plain.split_at_checked(16)) else {
            return plain;
        };
        let mut out = format!(
            "{key}{}{:02}{:02}{:02}",
            date.ai(),
            date.year,
            date.month,
            date.day
        );
        if date.ai().len() > 2 {
            out.push(char::from(GS));
        }
        out.push_str(serial);
        out
    }
}

/// Everything but letters, digits, `-`, `.` and `_` as `%XX`.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') {
            out.push(c);
        } else {
            let _written = write!(out, "%{:02X}", u32::from(c));
        }
    }
    out
}
