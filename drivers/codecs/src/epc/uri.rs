//! Pure identity URIs, tag URIs and raw URIs, both ways.
//!
//! `urn:epc:id:sgtin:0614141.812345.6789` names the thing, `urn:epc:tag:sgtin-96:3.0614141.812345.6789`
//! also how its tag is written. Both divide the number at the company prefix, so they exist only
//! where its length is known; the `+` schemes have none and are told as Digital Links.

use std::fmt::Write as _;

use super::bytes::EpcBytes;
use super::scheme::{COMPANY_PREFIX_DIGITS, SCHEMES};
use super::{Identity, Key, Serial, Tag};

/// Longest URI that is read, in bytes.
const URI_BYTES_MAX: usize = 256;

/// Why a text is no EPC URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Another kind of URI.
    #[error("not an EPC URI of this kind")]
    Kind,
    /// A scheme that is not read here.
    #[error("unknown scheme")]
    Scheme,
    /// Parts are missing or too many, or have the wrong number of digits.
    #[error("the parts do not have the digits of this scheme")]
    Parts,
    /// The serial is not legal, or an escape is broken.
    #[error("the serial number is not legal")]
    Serial,
}

impl Identity {
    /// The pure identity URI; `None` where the length of the company prefix is unknown.
    #[must_use]
    pub fn to_pure_uri(&self) -> Option<String> {
        let fields = self.fields()?;
        Some(format!("urn:epc:id:{}:{fields}", self.key().form().name))
    }

    /// Reads a pure identity URI.
    pub fn from_pure_uri(uri: &str) -> Result<Identity, UriError> {
        let rest = after(uri, "urn:epc:id:")?;
        let (name, fields) = rest.split_once(':').ok_or(UriError::Parts)?;
        let key = Key::ALL
            .into_iter()
            .find(|key| key.form().name == name)
            .ok_or(UriError::Scheme)?;
        from_fields(key, fields)
    }

    /// Company prefix, reference and serial, divided by points.
    fn fields(&self) -> Option<String> {
        let prefix_digits = self.company_prefix_digits()?;
        let form = self.key().form();
        if self.key() == Key::Giai {
            let (prefix, reference) = self
                .serial()
                .as_str()
                .split_at_checked(usize::from(prefix_digits))?;
            return Some(format!("{prefix}.{}", escaped(reference)));
        }
        let (prefix, reference) = self.parts(prefix_digits);
        let reference_digits = usize::from(form.digits - 1 - prefix_digits);
        let mut out = format!("{prefix:0width$}.", width = usize::from(prefix_digits));
        if reference_digits > 0 {
            // Writing to a string can't fail.
            let _written = write!(out, "{reference:0reference_digits$}");
        }
        if !self.serial().is_empty() {
            out.push('.');
            out.push_str(&escaped(self.serial().as_str()));
        }
        Some(out)
    }
}

impl Tag {
    /// The tag URI; `None` for the `+` schemes, which have none.
    #[must_use]
    pub fn to_tag_uri(&self) -> Option<String> {
        if !self.scheme.needs_company_prefix() {
            return None;
        }
        let fields = self.identity.fields()?;
        Some(format!(
            "urn:epc:tag:{}:{}.{fields}",
            self.scheme.name(),
            self.filter
        ))
    }

    /// Reads a tag URI.
    pub fn from_tag_uri(uri: &str) -> Result<Tag, UriError> {
        let rest = after(uri, "urn:epc:tag:")?;
        let (name, fields) = rest.split_once(':').ok_or(UriError::Parts)?;
        let row = SCHEMES
            .iter()
            .find(|row| row.name == name && row.scheme.needs_company_prefix())
            .ok_or(UriError::Scheme)?;
        let (filter, fields) = fields.split_once('.').ok_or(UriError::Parts)?;
        let filter = match filter.as_bytes() {
            [digit @ b'0'..=b'7'] => digit - b'0',
            _ => return Err(UriError::Parts),
        };
        let tag = Tag::new(row.scheme, filter, from_fields(row.key, fields)?);
        // What the scheme can't hold is no tag of it.
        tag.encode().map_err(|_| UriError::Serial)?;
        Ok(tag)
    }
}

/// The raw URI of any EPC: `urn:epc:raw:96.x3074257BF7194E4000001A85`.
#[must_use]
pub fn raw_uri(epc: &EpcBytes) -> String {
    format!("urn:epc:raw:{}.x{epc}", epc.as_slice().len() * 8)
}

fn after<'a>(uri: &'a str, start: &str) -> Result<&'a str, UriError> {
    if uri.len() > URI_BYTES_MAX {
        return Err(UriError::Kind);
    }
    uri.strip_prefix(start).ok_or(UriError::Kind)
}

fn from_fields(key: Key, fields: &str) -> Result<Identity, UriError> {
    let (prefix, rest) = fields.split_once('.').ok_or(UriError::Parts)?;
    let prefix_digits = u8::try_from(prefix.len()).map_err(|_| UriError::Parts)?;
    if !COMPANY_PREFIX_DIGITS.contains(&prefix_digits) {
        return Err(UriError::Parts);
    }
    let prefix_number = digits(prefix).ok_or(UriError::Parts)?;
    if key == Key::Giai {
        let whole = format!("{prefix}{}", unescaped(rest).ok_or(UriError::Serial)?);
        let serial = Serial::new(&whole).ok_or(UriError::Serial)?;
        return Identity::new(key, 0, serial)
            .and_then(|identity| identity.with_company_prefix(prefix_digits))
            .map_err(|_| UriError::Serial);
    }
    let form = key.form();
    let (reference, serial) = match rest.split_once('.') {
        Some((reference, serial)) if form.serial_chars_max > 0 => (reference, serial),
        None if form.serial_chars_max == 0 => (rest, ""),
        _ => return Err(UriError::Parts),
    };
    if reference.len() != usize::from(form.digits - 1 - prefix_digits) {
        return Err(UriError::Parts);
    }
    let reference = digits(reference).ok_or(UriError::Parts)?;
    let serial = unescaped(serial)
        .and_then(|serial| Serial::new(&serial))
        .ok_or(UriError::Serial)?;
    Identity::join(key, (prefix_number, prefix_digits), reference, serial)
        .map_err(|_| UriError::Serial)
}

/// Digits as a number; none at all are zero, for the empty reference beside the longest prefix.
fn digits(text: &str) -> Option<u64> {
    if text.is_empty() {
        return Some(0);
    }
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// The characters that a URN must not hold, as `%XX`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '%' | '&' | '/' | '<' | '>' | '?') {
            let _written = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = if c == '%' {
            let high = chars.next()?.to_digit(16)?;
            let low = chars.next()?.to_digit(16)?;
            char::from_u32(high * 16 + low)?
        } else {
            c
        };
        out.push(c);
    }
    Some(out)
}
