//! The columns' bytes.
//!
//! A column is numbers in the usual groups of seven bits, but all first bytes together, then all
//! second bytes, and so on: a number's low bits are noise, its high bits are nearly always the
//! same, and a compressor that sees them apart needs fewer bits for both.

use super::schema::COLUMNS_MAX;
use super::{ColumnarError, Packed, damaged};

const MORE: u8 = 0x80;
/// Bytes of a number at most.
const GROUPS_MAX: u32 = 10;

/// Appends a number in its shortest form.
#[inline]
pub(super) fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= u64::from(MORE) {
        out.push(low(value) | MORE);
        value >>= 7;
    }
    out.push(low(value));
}

fn low(value: u64) -> u8 {
    value.to_le_bytes()[0] & !MORE
}

/// A number in its shortest form; anything else is none.
#[inline]
pub(super) fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    match bytes.split_first() {
        Some((byte, rest)) if *byte < MORE => {
            *bytes = rest;
            Some(u64::from(*byte))
        }
        _ => read_long_varint(bytes),
    }
}

fn read_long_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for group in 0..GROUPS_MAX {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= shifted(*byte, group)?;
        if byte & MORE == 0 {
            return (*byte != 0 || group == 0).then_some(value);
        }
    }
    None
}

/// Seven bits at their place; `None` if they don't fit.
fn shifted(byte: u8, group: u32) -> Option<u64> {
    let bits = u64::from(byte & !MORE);
    let value = bits << (7 * group);
    (value >> (7 * group) == bits).then_some(value)
}

/// Columns that are being written.
#[derive(Debug)]
pub(super) struct Columns(Vec<Vec<u64>>);

impl Default for Columns {
    fn default() -> Self {
        Self(vec![Vec::new(); COLUMNS_MAX])
    }
}

impl Columns {
    #[inline]
    pub(super) fn push(&mut self, column: u8, value: u64) {
        if let Some(column) = self.0.get_mut(usize::from(column)) {
            column.push(value);
        }
    }

    /// How many columns follow, and each: its number, how many numbers it has, and their bytes.
    pub(super) fn write(self, out: &mut Packed) {
        let some = self.0.iter().filter(|it| !it.is_empty()).count();
        out.bytes.push(u8::try_from(some).unwrap_or(u8::MAX));
        for (number, values) in (0_u8..).zip(self.0) {
            if !values.is_empty() {
                out.bytes.push(number);
                let count = u64::try_from(values.len()).unwrap_or(u64::MAX);
                write_varint(count, &mut out.bytes);
                write_planes(values, out);
            }
        }
    }
}

fn write_planes(mut values: Vec<u64>, out: &mut Packed) {
    while !values.is_empty() {
        out.begin(values.len());
        values.retain_mut(|value| {
            let more = *value >= u64::from(MORE);
            out.bytes.push(low(*value) | if more { MORE } else { 0 });
            *value >>= 7;
            more
        });
    }
}

/// Columns that were read.
#[derive(Debug)]
pub(super) struct ColumnsReader(Vec<Vec<u64>>);

impl ColumnsReader {
    pub(super) fn read(bytes: &mut &[u8]) -> Result<Self, ColumnarError> {
        let mut columns = vec![Vec::new(); COLUMNS_MAX];
        let count = take(bytes).ok_or(damaged("no columns"))?;
        let mut next = 0;
        for _ in 0..count {
            let number = usize::from(take(bytes).ok_or(damaged("no column"))?);
            let column = columns.get_mut(number).filter(|_| number >= next);
            let column = column.ok_or(damaged("a column is unknown or out of order"))?;
            next = number + 1;
            *column = read_planes(bytes).ok_or(damaged("a column's numbers"))?;
        }
        Ok(Self(columns))
    }

    /// Takes a whole column out.
    pub(super) fn take(&mut self, column: u8) -> Vec<u64> {
        let column = self.0.get_mut(usize::from(column));
        column.map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn cursors(self) -> Cursor {
        Cursor(self.0.into_iter().map(Vec::into_iter).collect())
    }
}

fn take(bytes: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*byte)
}

fn read_planes(bytes: &mut &[u8]) -> Option<Vec<u64>> {
    let count = usize::try_from(read_varint(bytes)?).ok()?;
    if count == 0 {
        return None;
    }
    let (plane, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    let mut values: Vec<u64> = plane.iter().map(|it| u64::from(it & !MORE)).collect();
    let continued = |plane: &[u8]| -> Vec<usize> {
        let more = plane.iter().enumerate().filter(|(_, it)| **it & MORE != 0);
        more.map(|(at, _)| at).collect()
    };
    let mut open = continued(plane);
    for group in 1..GROUPS_MAX {
        if open.is_empty() {
            return Some(values);
        }
        let (plane, rest) = bytes.split_at_checked(open.len())?;
        *bytes = rest;
        for (at, byte) in open.iter().zip(plane) {
            if *byte == 0 {
                // Not the shortest form.
                return None;
            }
            *values.get_mut(*at)? |= shifted(*byte, group)?;
        }
        let still = open.iter().zip(plane).filter(|(_, it)| **it & MORE != 0);
        open = still.map(|(at, _)| *at).collect();
    }
    open.is_empty().then_some(values)
}

/// Where each column is read.
#[derive(Debug)]
pub(super) struct Cursor(Vec<std::vec::IntoIter<u64>>);

impl Cursor {
    #[inline]
    pub(super) fn next(&mut self, column: u8) -> Result<u64, ColumnarError> {
        let column = self.0.get_mut(usize::from(column));
        let value = column.and_then(Iterator::next);
        value.ok_or(damaged("a column is shorter than the documents"))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|it| it.len() == 0)
    }
}
