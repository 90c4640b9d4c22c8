//! GS1 Digital Links: a web address that carries the same elements as an element string.
//!
//! `https://example.com/01/09520123456788/10/AB1?17=271231` is turned into the element string
//! that a DataMatrix would hold, and then checked by the same parser. The host is never contacted
//! and means nothing here. A web address without a primary key is no error: it is just not a
//! Digital Link ([`LinkError::NotALink`]).

use super::{Ai, ELEMENT_STRING_BYTES_MAX, Elements, GS, Gs1Error, Gs1Fault};

/// Most path segments that are looked at.
pub const PATH_SEGMENTS_MAX: usize = 64;

/// What a reader may be lenient about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkOptions {
    /// Accept a GTIN of 8, 12 or 13 digits where the standard demands 14.
    pub zero_suppressed_gtin: bool,
}

/// Why a text gives no element string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No http(s) address, or one without a GS1 primary key in its path.
    #[error("not a GS1 Digital Link")]
    NotALink,
    /// A Digital Link with something wrong in it.
    #[error("Digital Link: {0}")]
    Invalid(#[from] Gs1Error),
}

/// Names that older links use instead of the numbers.
const NAMES: [(&str, &str); 13] = [
    ("gtin", "01"),
    ("cpv", "22"),
    ("lot", "10"),
    ("ser", "21"),
    ("sscc", "00"),
    ("itip", "8006"),
    ("gln", "414"),
    ("glnx", "254"),
    ("gdti", "253"),
    ("grai", "8003"),
    ("giai", "8004"),
    ("gsrn", "8018"),
    ("gcn", "255"),
];

/// The element string that a Digital Link stands for: primary key, qualifiers, attributes, with
/// separators where they are needed. It has been checked by [`Elements::parse`].
pub fn to_element_string(uri: &str, options: LinkOptions) -> Result<String, LinkError> {
    let rest = after_scheme(uri).ok_or(LinkError::NotALink)?;
    if rest.len() > ELEMENT_STRING_BYTES_MAX {
        return Err(LinkError::NotALink);
    }
    let rest = rest.split('#').next().unwrap_or(rest);
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut segments = address.split('/');
    if segments.next().is_none_or(str::is_empty) {
        return Err(LinkError::NotALink);
    }
    let mut path: Vec<&str> = segments.take(PATH_SEGMENTS_MAX + 1).collect();
    if path.last().is_some_and(|last| last.is_empty()) {
        path.pop();
    }
    if path.len() > PATH_SEGMENTS_MAX {
        return Err(LinkError::NotALink);
    }
    let pairs = key_and_qualifiers(&path).ok_or(LinkError::NotALink)?;
    check_qualifiers(&pairs)?;
    let mut out = String::with_capacity(rest.len());
    for &(ai, value) in &pairs {
        push(&mut out, ai, value, options)?;
    }
    for attribute in query.split(['&', ';']) {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let ai = Ai::parse(name).ok_or(invalid(None, Gs1Fault::UnknownAi))?;
        if !ai.row().is_some_and(|row| row.attribute) || pairs.iter().any(|&(other, _)| other == ai)
        {
            return Err(invalid(Some(ai), Gs1Fault::Placement));
        }
        push(&mut out, ai, value, options)?;
    }
    if out.ends_with(char::from(GS)) {
        out.pop();
    }
    Elements::parse(&out)?;
    Ok(out)
}

fn invalid(ai: Option<Ai>, fault: Gs1Fault) -> LinkError {
    LinkError::Invalid(Gs1Error { at: 0, ai, fault })
}

/// What follows `http://` or `https://`, all in lower or all in upper case.
fn after_scheme(uri: &str) -> Option<&str> {
    ["https://", "http://", "HTTPS://", "HTTP://"]
        .iter()
        .find_map(|scheme| uri.strip_prefix(scheme))
}

fn ai_of(segment: &str) -> Option<Ai> {
    let number = NAMES
        .iter()
        .find(|(name, _)| *name == segment)
        .map_or(segment, |&(_, ai)| ai);
    Ai::parse(number)
}

/// The pairs from the rightmost primary key to the end of the path. `None` if there is no such
/// key, or something else than AIs after it.
fn key_and_qualifiers<'a>(path: &[&'a str]) -> Option<Vec<(Ai, &'a str)>> {
    let mut pairs = Vec::new();
    for pair in path.rchunks_exact(2) {
        let &[name, value] = pair else { return None };
        let ai = ai_of(name)?;
        pairs.push((ai, value));
        if ai.row().is_some_and(|row| row.primary_key.is_some()) {
            pairs.reverse();
            return Some(pairs);
        }
    }
    None
}

/// The qualifiers must be one of the key's sequences, in order, with gaps allowed.
fn check_qualifiers(pairs: &[(Ai, &str)]) -> Result<(), LinkError> {
    let Some(((key, _), qualifiers)) = pairs.split_first() else {
        return Ok(());
    };
    let sequences = key.row().and_then(|row| row.primary_key).unwrap_or("");
    let fits = sequences.split('|').any(|sequence| {
        let mut allowed = sequence.split(',').map(Ai::parse);
        qualifiers
            .iter()
            .all(|&(ai, _)| allowed.any(|next| next == Some(ai)))
    });
    if qualifiers.is_empty() || fits {
        return Ok(());
    }
    Err(invalid(
        qualifiers.first().map(|&(ai, _)| ai),
        Gs1Fault::Placement,
    ))
}

fn push(out: &mut String, ai: Ai, value: &str, options: LinkOptions) -> Result<(), LinkError> {
    let value = percent_decode(value).ok_or(invalid(Some(ai), Gs1Fault::Character))?;
    if value.is_empty() {
        return Err(invalid(Some(ai), Gs1Fault::ValueTooShort));
    }
    out.push_str(&ai.to_string());
    if ai == Ai::GTIN && options.zero_suppressed_gtin && matches!(value.len(), 8 | 12 | 13) {
        out.push_str("000000".get(..14 - value.len()).unwrap_or(""));
    }
    out.push_str(&value);
    // A separator after every value that may be longer; a trailing one is taken off at the end.
    if !ai.row().is_some_and(|row| row.fixed) {
        out.push(char::from(GS));
    }
    Ok(())
}

/// Decodes `%XX`; `None` if an escape is broken or gives something else than printable ASCII.
fn percent_decode(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let b = if b == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()?
        } else {
            b
        };
        if !b.is_ascii_graphic() {
            return None;
        }
        out.push(char::from(b));
    }
    Some(out)
}
