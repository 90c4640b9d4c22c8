//! Masking of card data, in text and in raw frames.
//!
//! A card number in ZVT is packed decimal, so a text filter over a hex dump cannot find it: the masker
//! works on nibbles, and where it knows the structure it shows the harmless fields and hides the rest.
//! It must never show a field it does not know.

use std::fmt;

use super::apdu::Apdu;
use super::bmp::{self, Walk};

/// The most bytes of a damaged input that a fault keeps.
pub const MASKED_BYTES_MAX: usize = 64;
/// The shortest run of digits that is taken for a card number.
const DIGIT_RUN_MIN: usize = 6;
/// How many digits at the end of a run remain readable.
const DIGITS_KEPT: usize = 4;

/// The start of an unreadable input with every decimal run of six nibbles or more replaced by `*`.
#[derive(Clone, PartialEq, Eq)]
pub struct MaskedBytes {
    shown: String,
    length_bytes: usize,
}

impl MaskedBytes {
    /// Masks `bytes`; at most [`MASKED_BYTES_MAX`] are kept, the length is kept exactly.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let kept = bytes.get(..MASKED_BYTES_MAX).unwrap_or(bytes);
        Self {
            shown: mask_nibbles(kept),
            length_bytes: bytes.len(),
        }
    }

    /// How many bytes there were, including those not kept.
    #[must_use]
    pub fn length_bytes(&self) -> usize {
        self.length_bytes
    }
}

impl fmt::Display for MaskedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.shown, self.length_bytes)
    }
}

impl fmt::Debug for MaskedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hex of `bytes` with all of each long run of decimal nibbles hidden. ASCII digits are such a run too.
fn mask_nibbles(bytes: &[u8]) -> String {
    let nibbles: Vec<u8> = bytes.iter().flat_map(|b| [b >> 4, b & 0x0F]).collect();
    let mut shown: Vec<char> = nibbles
        .iter()
        .map(|&n| char::from_digit(u32::from(n), 16).unwrap_or('*'))
        .collect();
    let mut start = 0;
    for run in nibbles.chunk_by(|a, b| (*a <= 9) == (*b <= 9)) {
        let decimal = run.first().is_some_and(|n| *n <= 9);
        if decimal && run.len() >= DIGIT_RUN_MIN {
            for c in shown.iter_mut().skip(start).take(run.len()) {
                *c = '*';
            }
        }
        start += run.len();
    }
    join_pairs(&shown)
}

fn join_pairs(nibbles: &[char]) -> String {
    let pairs: Vec<String> = nibbles
        .chunks(2)
        .map(|pair| pair.iter().collect())
        .collect();
    pairs.join(" ").to_uppercase()
}

/// Text with every run of six or more digits cut down to its last four.
///
/// Masking characters (`*`, `#`, `X`, `x`) and single blanks or dashes inside a run belong to it, so a
/// card number in groups of four or in the 6+4 form is found as one.
#[must_use]
pub fn mask_digit_runs(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let end = run_end(&chars, at);
        if end == at {
            at += 1;
            continue;
        }
        hide_run(&mut chars, at, end);
        at = end;
    }
    chars.into_iter().collect()
}

fn is_card_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '*' | '#' | 'X' | 'x')
}

/// The end of the run that starts at `start`: card characters, joined by single blanks or dashes.
fn run_end(chars: &[char], start: usize) -> usize {
    let card = |i: usize| chars.get(i).copied().is_some_and(is_card_char);
    let mut end = start;
    loop {
        if card(end) {
            end += 1;
        } else if end > start
            && matches!(chars.get(end).copied(), Some(' ' | '-' | '\u{a0}'))
            && card(end + 1)
        {
            end += 2;
        } else {
            return end;
        }
    }
}

fn hide_run(chars: &mut [char], start: usize, end: usize) {
    let run = chars.get(start..end).unwrap_or_default();
    let cards = run.iter().filter(|c| is_card_char(**c)).count();
    let longest = run
        .split(|c| !is_card_char(*c))
        .map(<[char]>::len)
        .max()
        .unwrap_or(0);
    // Short groups in a row (a date, a price list) are not a card number unless they add up to one.
    let long = longest >= DIGIT_RUN_MIN || cards >= 12;
    if !long || !run.iter().any(char::is_ascii_digit) {
        return;
    }
    let mut left = cards;
    for c in chars
        .iter_mut()
        .take(end)
        .skip(start)
        .filter(|c| is_card_char(**c))
    {
        if left > DIGITS_KEPT {
            *c = '*';
        }
        left -= 1;
    }
}

/// A whole frame as hex for a log, with passwords, card data, texts' digit runs and every unknown field
/// hidden.
#[derive(Clone, PartialEq, Eq)]
pub struct MaskedFrame(String);

impl MaskedFrame {
    /// The loggable form of `apdu`.
    #[must_use]
    pub fn of(apdu: &Apdu) -> Self {
        let (class, instruction) = apdu.control();
        let data = apdu.data();
        let shown = match (class, instruction) {
            // Our own commands: a password of three bytes, then fields that hold no card data.
            (0x06, 0x00 | 0x20 | 0x30 | 0x31 | 0x50) | (0x05, 0x01) => {
                format!("** ** ** {}", hex(data.get(3..).unwrap_or_default()))
            }
            (0x06, 0x01) | (0x04, 0x0F) => show_fields(data),
            (0x06, 0x0F) if data.len() > 1 => show_fields(data),
            (0x80 | 0x84, _) | (0x06, 0x0F | 0x1E) | (0x04, 0xFF) if data.len() <= 2 => hex(data),
            _ => MaskedBytes::of(data).to_string(),
        };
        Self(format!(
            "{class:02X} {instruction:02X} [{}] {shown}",
            data.len()
        ))
    }
}

impl fmt::Display for MaskedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MaskedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|b| format!("{b:02X}")).collect();
    pairs.join(" ")
}

/// Fields by number: known harmless ones in hex, all others as stars of their length.
fn show_fields(data: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut walk = Walk::new(data);
    while let Some(field) = walk.next_field() {
        let value = match bmp::kind(field.tag) {
            Some(kind) if kind.is_plain() => hex(field.value),
            _ => "*".repeat(field.value.len()),
        };
        parts.push(format!("{:02X}:{value}", field.tag));
    }
    if walk.unread() > 0 {
        parts.push(format!(
            "unread:{}",
            "*".repeat(walk.unread().min(MASKED_BYTES_MAX))
        ));
    }
    parts.join(" ")
}
