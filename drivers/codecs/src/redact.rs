//! Masking of card numbers and other long numbers before anything is logged or stored as text.
//!
//! Two forms, because card numbers travel in two: as text (receipts, scans, messages) and as BCD
//! nibbles in frames of payment terminals, where a text search can't find them. Both keep the last
//! four digits. They err towards masking too much: a masked amount in a debug log costs nothing, a
//! card number in a log is a breach. They must never be given a way to be switched off.

/// Shortest run of digits that is masked in text.
pub const TEXT_RUN_DIGITS_MIN: usize = 6;
/// Shortest run of decimal nibbles that is masked in a frame; card numbers have 13 to 19.
pub const NIBBLE_RUN_MIN: usize = 13;
/// Digits left readable at the end of a run.
pub const KEPT_DIGITS: usize = 4;

const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Whether the digits pass the Luhn check that card numbers end in. False for anything but
/// digits and for the empty text.
#[must_use]
pub fn luhn_holds(digits: &[u8]) -> bool {
    luhn(digits.iter().copied())
}

fn luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let (mut sum, mut double, mut any) = (0_u32, false, false);
    for b in digits.rev() {
        if !b.is_ascii_digit() {
            return false;
        }
        let digit = u32::from(b - b'0');
        sum += match (double, digit) {
            (false, _) => digit,
            (true, 0..=4) => digit * 2,
            (true, _) => digit * 2 - 9,
        };
        double = !double;
        any = true;
    }
    any && sum.is_multiple_of(10)
}

/// Masks runs of at least [`TEXT_RUN_DIGITS_MIN`] digits up to their last four, and card numbers
/// written in groups (`4111 1111 1111 1111`).
///
/// ```
/// use shelf_codecs::redact::mask_text;
/// assert_eq!(mask_text("card 4111111111111111 EUR 12.50"), "card ************1111 EUR 12.50");
/// ```
#[must_use]
pub fn mask_text(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    mask_in_place(&mut bytes);
    // Only ASCII digits were replaced, by ASCII.
    String::from_utf8(bytes).unwrap_or_default()
}

/// [`mask_text`] for bytes that may not be text; others than printable ASCII come out as `\xNN`.
#[must_use]
pub fn mask_bytes(bytes: &[u8]) -> String {
    let mut masked = bytes.to_vec();
    mask_in_place(&mut masked);
    masked.escape_ascii().to_string()
}

/// A run of digits: start and end in the text.
type Run = (usize, usize);

fn mask_in_place(bytes: &mut [u8]) {
    let runs = digit_runs(bytes);
    let grouped = card_groups(bytes, &runs);
    for &(start, end) in &runs {
        if end - start >= TEXT_RUN_DIGITS_MIN {
            bytes[start..end - KEPT_DIGITS].fill(b'*');
        }
    }
    for (start, end) in grouped {
        let mut kept = KEPT_DIGITS;
        for b in bytes[start..end]
            .iter_mut()
            .rev()
            .filter(|b| b.is_ascii_digit() || **b == b'*')
        {
            if kept > 0 {
                kept -= 1;
            } else {
                *b = b'*';
            }
        }
    }
}

fn digit_runs(bytes: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut start = None;
    for (at, b) in bytes.iter().enumerate() {
        match (b.is_ascii_digit(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                runs.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        runs.push((from, bytes.len()));
    }
    runs
}

/// Runs separated by one space, dash or dot that together are a card number.
fn card_groups(bytes: &[u8], runs: &[Run]) -> Vec<Run> {
    let mut found = Vec::new();
    for first in 0..runs.len() {
        let (start, mut end) = runs[first];
        let mut digits = end - start;
        for &(next_start, next_end) in runs.iter().skip(first + 1) {
            if next_start != end + 1 || !matches!(bytes[end], b' ' | b'-' | b'.') {
                break;
            }
            digits += next_end - next_start;
            end = next_end;
            if digits > *CARD_DIGITS.end() {
                break;
            }
            let group = bytes[start..end].iter().copied().filter(u8::is_ascii_digit);
            if CARD_DIGITS.contains(&digits) && luhn(group) {
                found.push((start, end));
            }
        }
    }
    found
}

/// Masks a raw frame: each run of at least [`NIBBLE_RUN_MIN`] decimal nibbles, over byte borders
/// and at any alignment, becomes nibbles `E` up to its last four. ASCII digits are decimal nibbles
/// too, so printed card numbers are masked as well.
#[must_use]
pub fn mask_nibbles(frame: &[u8]) -> Vec<u8> {
    let mut masked = frame.to_vec();
    let nibble = |at: usize| {
        if at.is_multiple_of(2) {
            frame[at / 2] >> 4
        } else {
            frame[at / 2] & 15
        }
    };
    let total = frame.len() * 2;
    let mut start = 0;
    for at in 0..=total {
        if at < total && nibble(at) <= 9 {
            continue;
        }
        if at - start >= NIBBLE_RUN_MIN {
            for place in start..at - KEPT_DIGITS {
                masked[place / 2] |= if place.is_multiple_of(2) { 0xE0 } else { 0x0E };
                masked[place / 2] &= if place.is_multiple_of(2) { 0xEF } else { 0xFE };
            }
        }
        start = at + 1;
    }
    masked
}

/// A raw frame as hexadecimal text for logs, masked by [`mask_nibbles`].
#[must_use]
pub fn mask_frame_hex(frame: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(frame.len() * 3);
    for (at, b) in mask_nibbles(frame).into_iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push(char::from(HEX[usize::from(b >> 4)]));
        out.push(char::from(HEX[usize::from(b & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{luhn_holds, mask_bytes, mask_frame_hex, mask_nibbles, mask_text};

    #[test]
    fn text_is_masked_to_the_last_four() {
        let cases = [
            ("12345", "12345"),
            ("123456", "**3456"),
            ("a4111111111111111b", "a************1111b"),
            ("4111 1111 1111 1111", "**** **** **** 1111"),
            ("01 4111-1111-1111-1111.", "01 ****-****-****-1111."),
            ("3782 822463 10005", "**** ****** *0005"),
            ("12.11.2026 18:30:05", "12.11.2026 18:30:05"),
            ("EUR 12.50 x 3", "EUR 12.50 x 3"),
            // Passes the card check, but is shorter than any card number.
            ("1234 5674", "1234 5674"),
            ("Größe 123456", "Größe **3456"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(mask_text(text), expected, "{text}");
        }
        assert_eq!(mask_bytes(b"\x02123456\xFF"), "\\x02**3456\\xff");
    }

    #[test]
    fn luhn() {
        assert!(luhn_holds(b"4111111111111111") && luhn_holds(b"378282246310005"));
        assert!(!luhn_holds(b"4111111111111112") && !luhn_holds(b"") && !luhn_holds(b"41a"));
    }

    #[test]
    fn nibbles_are_masked_at_any_alignment() {
        // 22 F0 F8 and a 16-digit number: no run of 13 decimal nibbles may be left.
        let frame = [
            0x22, 0xF0, 0xF8, 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xD2,
        ];
        assert_eq!(
            mask_frame_hex(&frame),
            "22 F0 FE EE EE EE EE EE EE 11 11 D2"
        );
        let shifted = [0xF4, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1F];
        assert_eq!(mask_frame_hex(&shifted), "FE EE EE EE EE E1 11 1F");
        let amount = [0xFF, 0x00, 0x00, 0x00, 0x00, 0x12, 0x50, 0xFF];
        assert_eq!(mask_nibbles(&amount), amount);
        let thirteen = [0xF1, 0x23, 0x45, 0x67, 0x89, 0x01, 0x23];
        assert_eq!(mask_frame_hex(&thirteen), "FE EE EE EE EE 01 23");
        let twelve = [0xFF, 0x23, 0x45, 0x67, 0x89, 0x01, 0x23];
        assert_eq!(mask_nibbles(&twelve), twelve);
        let printed = mask_nibbles(b"4111111111111111");
        assert!(
            printed.ends_with(b"11") && !printed.starts_with(b"4"),
            "{printed:?}"
        );
        assert_eq!(mask_nibbles(&[]), Vec::<u8>::new());
    }
}
