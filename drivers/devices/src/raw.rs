//! What a device sent, byte by byte, beside what was made of it: for reading a journal again with other rules.
//! Bytes are kept until the item that they made, and masked then: of goods everything but the code itself, of
//! anything else everything. No digit stays that is not part of a recognised article's code, whether as text, with
//! a parity bit, or as a number of its own; what is masked can't be judged again, and says so by its stars.

use shelf_codecs::barcode::{Barcode, PrefixScheme, interpret};

use crate::decoder::Decoded;

/// Most pieces kept for one frame: reports, or the one piece of a line.
pub const RAW_PIECES_MAX: usize = 16;
/// Most bytes kept for one frame; a longer one is kept without.
pub const RAW_BYTES_MAX: usize = 1_024;
/// Digits in a row that are masked: one alone is a length or a status.
const RUN_MIN: usize = 2;
/// Small numbers in a row that are masked as digits: some scanners send 0 to 9 instead of text.
const NUMBER_RUN_MIN: usize = 4;
/// Shortest piece of a code that is looked for where it is cut by the frames around it.
const PIECE_MIN: usize = 4;
const STAR: u8 = b'*';

/// How a kind of device sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RawForm {
    /// Its bytes are not kept: keys, badges, tags.
    #[default]
    None,
    /// As a stream; pieces of reads mean nothing.
    Stream,
    /// As whole reports.
    Reports,
}

/// The bytes since the last item.
#[derive(Debug, Default)]
pub(crate) struct RawTrail {
    form: RawForm,
    pieces: Vec<Vec<u8>>,
    bytes: usize,
}

impl RawTrail {
    pub(crate) fn new(form: RawForm) -> Self {
        Self {
            form,
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.form == RawForm::None {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > RAW_BYTES_MAX {
            self.pieces.clear();
            return;
        }
        let begins = self.form == RawForm::Reports || self.pieces.is_empty();
        if begins && self.pieces.len() < RAW_PIECES_MAX {
            self.pieces.push(Vec::new());
        } else if begins {
            self.bytes = usize::MAX;
        }
        if let Some(last) = self.pieces.last_mut() {
            last.extend_from_slice(bytes);
        }
    }

    /// A new opening: what came before it belongs to nothing.
    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.bytes = 0;
    }

    /// The masked bytes of an item, escaped; none where they are not kept, or came with an earlier item.
    pub(crate) fn take(&mut self, item: &Decoded) -> Vec<String> {
        let whole = self.bytes <= RAW_BYTES_MAX;
        self.bytes = 0;
        let pieces = std::mem::take(&mut self.pieces);
        let code = match item {
            Decoded::Scan(scan) => match interpret(&scan.text(PrefixScheme::None), &[]) {
                Barcode::Refused(_) | Barcode::Bad { .. } => &[][..],
                _ => &scan.bytes[..],
            },
            Decoded::Fault(_) | Decoded::Reply(_) | Decoded::Weight(_) => &[][..],
            _ => return Vec::new(),
        };
        if !whole {
            return Vec::new();
        }
        let mut left = code;
        let pieces = pieces.into_iter();
        pieces
            .map(|piece| masked(piece, &mut left).escape_ascii().to_string())
            .collect()
    }
}

/// A byte as the digit that it is or stands for, with or without a parity bit.
fn is_digit(b: u8) -> bool {
    (b & 0x7F).is_ascii_digit()
}

/// Everything masked but what is the beginning of `left`, which is taken off there.
fn masked(mut piece: Vec<u8>, left: &mut &[u8]) -> Vec<u8> {
    let mut kept = vec![false; piece.len()];
    let mut from = 0;
    while let Some((at, length)) = next_part(&piece, from, left) {
        kept[at..at + length].fill(true);
        *left = &left[length..];
        from = at + length;
    }
    let digit = |b: u8| is_digit(b);
    let number = |b: u8| b < 10;
    let mut stars = runs(&piece, &kept, digit, RUN_MIN);
    // Padding is no number.
    let numbers = runs(&piece, &kept, number, NUMBER_RUN_MIN);
    stars.extend(
        numbers
            .into_iter()
            .filter(|(from, to)| piece[*from..*to].iter().any(|b| *b != 0)),
    );
    for (from, to) in stars {
        piece[from..to].fill(STAR);
    }
    piece
}

/// Where the next part of the code stands in the piece, and how long it is: all of what is left of it, or as much as
/// the piece has up to its end or to the frame behind.
fn next_part(piece: &[u8], from: usize, left: &[u8]) -> Option<(usize, usize)> {
    let same = |a: u8, b: u8| a == b || (a < 10 && a + b'0' == b);
    let length_at = |at: usize| {
        let pairs = piece[at..].iter().zip(left);
        pairs.take_while(|(a, b)| same(**a, **b)).count()
    };
    let least = left.len().min(PIECE_MIN);
    let best = (from..piece.len()).map(|at| (at, length_at(at)));
    let best = best.filter(|(_, length)| *length >= least && *length > 0);
    best.max_by_key(|(at, length)| (*length, std::cmp::Reverse(*at)))
}

/// Runs of at least so many bytes that are such and not kept.
fn runs(
    piece: &[u8],
    kept: &[bool],
    such: impl Fn(u8) -> bool,
    least: usize,
) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < piece.len() {
        let run = piece[at..].iter().zip(&kept[at..]);
        let length = run.take_while(|(b, kept)| such(**b) && !**kept).count();
        if length >= least {
            found.push((at, at + length));
        }
        at += length.max(1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::{Fault, FaultCause};
    use shelf_codecs::barcode::{Aim, Symbology};
    use shelf_codecs::scanner::Scan;
    use shelf_codecs::scanner::hid_pos::{Layout, encode};
    use shelf_codecs::scanner::oem::{OemStatus, encode_scan};

    fn scan(text: &str) -> Decoded {
        Decoded::Scan(Scan::plain(text.into(), None))
    }

    fn kept(form: RawForm, pieces: &[&[u8]], item: &Decoded) -> Vec<String> {
        let mut trail = RawTrail::new(form);
        pieces.iter().for_each(|it| trail.push(it));
        trail.take(item)
    }

    #[test]
    fn goods_stay_and_everything_beside_them_is_masked() {
        let gtin = scan("4006381333931");
        let stream = |bytes: &[&[u8]]| kept(RawForm::Stream, bytes, &gtin);
        assert_eq!(stream(&[b"40063", b"81333931\r"]), ["4006381333931\\r"]);
        // The beginning of a card behind it.
        assert_eq!(
            stream(&[b"4006381333931\r41111111"]),
            ["4006381333931\\r********"]
        );
        assert_eq!(
            stream(&[b"4006381333931\r\xb4\xb1\xb1\xb1"]),
            ["4006381333931\\r****"]
        );
        for card in [
            "4111111111111111",
            "%B4111111111111111^A/B^29",
            "4006381333935",
        ] {
            let bytes: Vec<&[u8]> = card.as_bytes().chunks(1).collect();
            for item in [scan(card), Decoded::Reply(card.into())] {
                let text = kept(RawForm::Stream, &bytes, &item).concat();
                assert!(!text.contains("11") && !text.contains("33"), "{text}");
            }
        }
        let badge = Decoded::Badge(vec![1, 2, 3, 4]);
        assert!(kept(RawForm::Stream, &[b"\x01\x02\x03\x04"], &badge).is_empty());
        assert!(kept(RawForm::None, &[b"4006381333931"], &gtin).is_empty());
        assert!(kept(RawForm::Stream, &[&[b'x'; RAW_BYTES_MAX + 1]], &gtin).is_empty());
    }

    #[test]
    fn codes_in_several_reports_and_digits_as_numbers_stay_whole() {
        let long = format!("01040063813339313{}", "0123456789".repeat(9));
        let aim = Some(Aim {
            code: b'Q',
            modifier: b'0',
        });
        let reports = encode(&Layout::HONEYWELL, long.as_bytes(), aim, 0);
        let pieces: Vec<&[u8]> = reports.iter().map(Vec::as_slice).collect();
        let masked = kept(RawForm::Reports, &pieces, &scan(&long)).concat();
        assert!(pieces.len() > 1 && !masked.contains('*'), "{masked}");
        let status = OemStatus([0x10, 3, 0]);
        let numbers = encode_scan(b"4006381333931", Symbology::Ean13, status, true);
        let pieces: Vec<&[u8]> = numbers.iter().map(Vec::as_slice).collect();
        let goods = kept(RawForm::Reports, &pieces, &scan("4006381333931")).concat();
        assert!(!goods.contains('*'), "{goods}");
        let cut = Decoded::Fault(Fault::new(FaultCause::CutOff, b"", 0));
        let other = kept(RawForm::Reports, &pieces, &cut).concat();
        assert!(
            other.contains("****") && !other.contains("\\x08\\x01\\x03"),
            "{other}"
        );
    }
}
