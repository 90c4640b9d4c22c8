//! Element strings as people read them: `(01)09520123456788(10)AB1`.
//!
//! The line under a barcode is not its content, but label software often encodes it as text in a
//! QR code. It is turned into a real element string and then checked like any other. It must
//! never take brackets inside a value for the start of an element: only digits of a known AI in
//! brackets are one.

use super::{Ai, GS};

/// The element string that a bracketed text stands for, not yet checked. `None` if it does not
/// start with a known AI in brackets.
#[must_use]
pub fn from_brackets(text: &str) -> Option<String> {
    let (mut ai, mut rest) = leading_ai(text)?;
    let mut out = String::with_capacity(text.len());
    loop {
        out.push_str(&ai.to_string());
        let end = rest.match_indices('(').find_map(|(at, _)| {
            let next = leading_ai(rest.get(at..)?)?;
            Some((at, next))
        });
        let Some((at, next)) = end else {
            out.push_str(rest);
            return Some(out);
        };
        out.push_str(rest.get(..at)?);
        if !ai.row()?.fixed {
            out.push(char::from(GS));
        }
        (ai, rest) = next;
    }
}

/// The AI in brackets at the start, and what follows it.
fn leading_ai(text: &str) -> Option<(Ai, &str)> {
    let (digits, rest) = text.strip_prefix('(')?.split_once(')')?;
    Some((Ai::parse(digits)?, rest))
}
