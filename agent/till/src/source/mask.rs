//! Card numbers never reach the inbox.
//!
//! A run of 13 to 19 digits that passes the Luhn check and is no GTIN or SSCC keeps only its last
//! four digits. The check is about text that somebody will read; the payment codecs have their own.

/// The shortest and the longest card number.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// The text with card numbers reduced to their last four digits.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            run.push(character);
        } else {
            flush(&mut run, &mut out);
            out.push(character);
        }
    }
    flush(&mut run, &mut out);
    out
}

fn flush(run: &mut String, out: &mut String) {
    if CARD_DIGITS.contains(&run.len()) && luhn(run) && !is_gs1(run) {
        let keep = run.len().saturating_sub(4);
        out.extend(std::iter::repeat_n('*', keep));
        out.push_str(run.get(keep..).unwrap_or_default());
    } else {
        out.push_str(run);
    }
    run.clear();
}

fn digits_from_right(run: &str) -> impl Iterator<Item = u32> {
    run.bytes().rev().map(|it| u32::from(it.wrapping_sub(b'0')))
}

fn luhn(run: &str) -> bool {
    let term = |(index, digit): (usize, u32)| match (index % 2, digit * 2) {
        (0, _) => digit,
        (_, double) if double > 9 => double - 9,
        (_, double) => double,
    };
    digits_from_right(run)
        .enumerate()
        .map(term)
        .sum::<u32>()
        .is_multiple_of(10)
}

/// Whether the last of these digits is the check digit that GS1 puts behind the others.
pub(super) fn gs1_check(run: &str) -> bool {
    let term = |(index, digit): (usize, u32)| if index % 2 == 0 { digit } else { digit * 3 };
    let sum: u32 = digits_from_right(run).enumerate().map(term).sum();
    sum.is_multiple_of(10)
}

/// Whether it is a GTIN-13, GTIN-14 or SSCC-18.
fn is_gs1(run: &str) -> bool {
    matches!(run.len(), 13 | 14 | 18) && gs1_check(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_masked_and_goods_are_not() {
        for (text, want) in [
            ("4111111111111111", "************1111"),
            ("x,5555555555554444,3", "x,************4444,3"),
            ("378282246310005", "***********0005"),
            ("9520000039066,6,2.55", "9520000039066,6,2.55"),
            ("4006381333931", "4006381333931"),
            ("2010-12-01T08:26:00", "2010-12-01T08:26:00"),
            ("", ""),
        ] {
            assert_eq!(masked(text), want);
        }
    }
}
