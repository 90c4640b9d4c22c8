//! The fields ("BMPs") of a ZVT unit: how long each is, and what we may do with it.
//!
//! The table lists every field whose length is known, so that those with card data can be skipped
//! exactly. A field that is not listed ends the walk: its length cannot be known, and guessing would
//! read card data as something harmless.

/// How the length of a field is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Fixed(usize),
    /// `Fx Fy`: two decimal digits.
    Two,
    /// `Fx Fy Fz`: three decimal digits.
    Three,
    /// As in BER.
    Ber,
}

/// What a field is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Read, and may be shown in a log as it is.
    Plain,
    /// Read through a reduction (card number, text, container); hidden in logs.
    Reduced,
    /// Card or chip data, or nothing we need: skipped by its length, hidden in logs.
    Dropped,
}

/// Length and use of one field.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    length: Length,
    usage: Use,
}

impl Kind {
    /// Whether the value may stand in a log.
    pub(super) fn is_plain(self) -> bool {
        self.usage == Use::Plain
    }
}

/// The entry of `tag`; `None` when the field is unknown.
pub(super) fn kind(tag: u8) -> Option<Kind> {
    use Length::{Ber, Fixed, Three, Two};
    use Use::{Dropped, Plain, Reduced};
    let (length, usage) = match tag {
        0x01 | 0x02 | 0x03 | 0x05 | 0x19 | 0x27 | 0x8A | 0x8C | 0xA0 => (Fixed(1), Plain),
        0x0D | 0x17 | 0x49 | 0x87 => (Fixed(2), Plain),
        0x0B | 0x0C | 0x37 | 0x88 | 0xAA => (Fixed(3), Plain),
        0x29 => (Fixed(4), Plain),
        0x04 => (Fixed(6), Plain),
        0x06 => (Ber, Reduced),
        0x22 | 0x8B => (Two, Reduced),
        0x60 => (Three, Reduced),
        0x3C => (Three, Reduced),
        0x0E | 0x3A => (Fixed(2), Dropped),
        0x3D => (Fixed(3), Dropped),
        0xBA => (Fixed(5), Dropped),
        0x3B => (Fixed(8), Dropped),
        0x2A => (Fixed(15), Dropped),
        0xD0 | 0xD2 | 0xD3 | 0xE0 | 0xE9 | 0xEA | 0xF9 | 0xFA | 0xFB | 0xFC => (Fixed(1), Dropped),
        0x23 | 0x2D | 0xA7 | 0xD1 | 0xE1..=0xE8 | 0xF1..=0xF8 => (Two, Dropped),
        0x24 | 0x2E | 0x92 | 0x9A | 0xAF => (Three, Dropped),
        _ => return None,
    };
    Some(Kind { length, usage })
}

/// One field and its value.
pub(super) struct Field<'a> {
    pub(super) tag: u8,
    pub(super) value: &'a [u8],
}

/// Goes through the fields of a unit and stops at the first it cannot measure.
pub(super) struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// The next field; `None` at the end or where nothing more can be read.
    pub(super) fn next_field(&mut self) -> Option<Field<'a>> {
        let (&tag, after) = self.rest.split_first()?;
        let (head, length) = measure(kind(tag)?.length, after)?;
        let value = after.get(head..head.checked_add(length)?)?;
        self.rest = after.get(head + length..)?;
        Some(Field { tag, value })
    }

    /// Bytes that could not be read; zero after a complete walk.
    pub(super) fn unread(&self) -> usize {
        self.rest.len()
    }
}

fn measure(length: Length, bytes: &[u8]) -> Option<(usize, usize)> {
    match length {
        Length::Fixed(n) => Some((0, n)),
        Length::Two => decimal_length(bytes.get(..2)?),
        Length::Three => decimal_length(bytes.get(..3)?),
        Length::Ber => super::tlv::read_length(bytes),
    }
}

fn decimal_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let length = bytes.iter().try_fold(0_usize, |n, &b| {
        (b >> 4 == 0x0F && b & 0x0F <= 9).then(|| n * 10 + usize::from(b & 0x0F))
    })?;
    Some((bytes.len(), length))
}

/// Appends a field whose length the tag fixes.
pub(super) fn put_fixed(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.push(tag);
    out.extend_from_slice(value);
}

/// Appends a field as packed decimal of `bytes` bytes.
pub(super) fn put_bcd(out: &mut Vec<u8>, tag: u8, value: u64, bytes: usize) {
    out.push(tag);
    super::bcd::put(out, value, bytes);
}

/// Appends a field with a decimal length of `digits` digits; the value is cut to what that can say.
pub(super) fn put_variable(out: &mut Vec<u8>, tag: u8, digits: u32, value: &[u8]) {
    let most = 10_usize.pow(digits) - 1;
    let value = value.get(..most).unwrap_or(value);
    out.push(tag);
    for place in (0..digits).rev() {
        let digit = value.len() / 10_usize.pow(place) % 10;
        out.push(0xF0 | digit.to_le_bytes()[0]);
    }
    out.extend_from_slice(value);
}
