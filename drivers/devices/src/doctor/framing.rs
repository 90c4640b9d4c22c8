//! The journal's frames seen with the eyes of the codecs' framing detector: seven bits with parity, read
//! as eight, give themselves away. Pure; works on masked frames, in which stars stand for digits that
//! nobody may see, and leaves the stars out.

use shelf_codecs::scale::{Framing, FramingDetector};

/// Looks at frames as the journal has them (`\xNN` for what is not printable, `*` for what is
/// masked).
#[must_use]
pub fn framing_of<'a>(frames: impl Iterator<Item = &'a str>) -> Framing {
    let mut detector = FramingDetector::default();
    for frame in frames {
        let mut bytes = unescape(frame);
        bytes.retain(|&b| b != b'*');
        detector.push(&bytes);
    }
    detector.verdict()
}

/// Back from the journal's text to bytes; escapes of other kinds are left out.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'\\', [b'x', high, low, more @ ..]) => {
                let digit = |b: u8| char::from(b).to_digit(16);
                if let (Some(high), Some(low)) = (digit(*high), digit(*low)) {
                    out.extend(u8::try_from(high * 16 + low));
                }
                rest = more;
            }
            (b'\\', [_, more @ ..]) => rest = more,
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A code as a port set to 8N1 reads it from a scanner set to seven bits with this parity.
    fn misread(code: &str, odd: bool) -> String {
        let byte = |b: u8| {
            let high = (b.count_ones() % 2 == 1) != odd;
            b | u8::from(high) << 7
        };
        let bytes: Vec<u8> = code.bytes().map(byte).collect();
        bytes.escape_ascii().to_string()
    }

    #[test]
    fn seven_bits_with_parity_are_recognised_from_a_few_scans() {
        let even = [misread("4006381333931", false), misread("SHELF-42", false)];
        assert_eq!(
            framing_of(even.iter().map(String::as_str)),
            Framing::LooksLike7E1
        );
        let odd = [misread("4006381333931", true), misread("SHELF-42", true)];
        assert_eq!(
            framing_of(odd.iter().map(String::as_str)),
            Framing::LooksLike7O1
        );
    }

    #[test]
    fn good_frames_are_plain_and_rubbish_is_noise() {
        assert_eq!(
            framing_of(["4006381333931", "*********3931"].into_iter()),
            Framing::Fits
        );
        let rubbish = r"\xff\xfe\x80\xe6\x98\xf1\x80\x81\xe0";
        assert_eq!(framing_of([rubbish].into_iter()), Framing::NoPattern);
        assert_eq!(
            framing_of(["\\", "\\x", "\\xz1"].into_iter()),
            Framing::TooFew
        );
    }
}
