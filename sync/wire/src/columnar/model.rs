//! What can be foretold of a value, and what is written instead of it.
//!
//! Both sides walk through the same values in the same order and keep the same memory, so that a
//! difference is enough. Differences wrap around: every value has one, and none is an error.

use super::column::{Columns, Cursor};
use super::schema::{COLUMNS_MAX, Cell, LATER};
use super::{ColumnarError, damaged};

/// The column of a document's fields, with which it begins.
const DOCUMENT: u8 = 0;
/// The column of a line's fields, with which it begins.
const LINE: u8 = 16;
/// The columns of what a line is about: numbers, texts.
const LINE_NUMBERS: [u8; 2] = [17, 19];
const LINE_TEXTS: [u8; 2] = [18, 20];
/// The columns of times.
const TIMES: [u8; 2] = [25, 95];

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Model {
    last: Vec<u64>,
    seen: Vec<Vec<u64>>,
    /// What each number's or text's item had last.
    known: Vec<Known>,
    numbers: usize,
    /// Which item the line is about: an index of `known`.
    item: usize,
}

/// Price and amount, as signed numbers; none yet is a zero.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    price: u64,
    amount: u64,
}

impl Model {
    pub(super) fn new(numbers: usize, texts: usize) -> Self {
        Self {
            last: vec![0; COLUMNS_MAX],
            seen: vec![Vec::new(); COLUMNS_MAX],
            // One more for lines that are about nothing.
            known: vec![Known::default(); numbers + texts + 1],
            numbers,
            item: numbers + texts,
        }
    }

    pub(super) fn write(&mut self, column: u8, cell: Cell, value: u64, columns: &mut Columns) {
        let column_of = self.column_of(column, cell);
        match cell {
            Cell::Seen | Cell::Fixed => {
                let Some(seen) = self.seen.get_mut(usize::from(column)) else {
                    return;
                };
                let at = seen.iter().position(|it| *it == value);
                match at.and_then(|it| u64::try_from(it).ok()) {
                    Some(at) => columns.push(column, at + 1),
                    None => {
                        seen.push(value);
                        columns.push(column, 0);
                        columns.push(column, value);
                    }
                }
            }
            Cell::Delta | Cell::Series => {
                columns.push(column, folded(value.wrapping_sub(self.last(column))));
            }
            Cell::Time | Cell::Price | Cell::Amount => {
                let difference = unfolded(value).wrapping_sub(self.foretold(column, cell));
                columns.push(column_of, folded(difference));
            }
            _ => columns.push(column, value),
        }
        self.learn(column, cell, value);
    }

    pub(super) fn read(
        &mut self,
        column: u8,
        cell: Cell,
        columns: &mut Cursor,
    ) -> Result<u64, ColumnarError> {
        let written = columns.next(self.column_of(column, cell))?;
        let value = match cell {
            Cell::Seen | Cell::Fixed => {
                let seen = self.seen.get_mut(usize::from(column));
                let seen = seen.ok_or(damaged("an unknown column"))?;
                match written.checked_sub(1) {
                    None => {
                        let value = columns.next(column)?;
                        seen.push(value);
                        value
                    }
                    Some(at) => {
                        let at = usize::try_from(at).ok().and_then(|it| seen.get(it));
                        *at.ok_or(damaged("a value was not seen before"))?
                    }
                }
            }
            Cell::Delta | Cell::Series => unfolded(written).wrapping_add(self.last(column)),
            Cell::Time | Cell::Price | Cell::Amount => {
                folded(unfolded(written).wrapping_add(self.foretold(column, cell)))
            }
            _ => written,
        };
        self.learn(column, cell, value);
        Ok(value)
    }

    /// The times of a document's later lines are small steps and have a column of their own.
    fn column_of(&self, column: u8, cell: Cell) -> u8 {
        match cell {
            Cell::Time if self.last(column) != 0 => LATER,
            _ => column,
        }
    }

    fn last(&self, column: u8) -> u64 {
        self.last.get(usize::from(column)).copied().unwrap_or(0)
    }

    fn foretold(&self, column: u8, cell: Cell) -> u64 {
        let known = self.known.get(self.item).copied().unwrap_or_default();
        match cell {
            Cell::Price => known.price,
            Cell::Amount => known.amount,
            _ => self.last(column),
        }
    }

    fn learn(&mut self, column: u8, cell: Cell, value: u64) {
        match cell {
            Cell::Seen if column == DOCUMENT => {
                for time in TIMES {
                    self.remember(time, 0);
                }
            }
            Cell::Seen if column == LINE => self.item = self.known.len() - 1,
            Cell::Gtin if LINE_NUMBERS.contains(&column) => self.about(0, value),
            Cell::Text if LINE_TEXTS.contains(&column) => self.about(self.numbers, value),
            Cell::Delta | Cell::Series => self.remember(column, value),
            Cell::Time => self.remember(column, unfolded(value)),
            Cell::Price | Cell::Amount => {
                if let Some(known) = self.known.get_mut(self.item) {
                    match cell {
                        Cell::Price => known.price = unfolded(value),
                        _ => known.amount = unfolded(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn remember(&mut self, column: u8, value: u64) {
        if let Some(last) = self.last.get_mut(usize::from(column)) {
            *last = value;
        }
    }

    fn about(&mut self, from: usize, index: u64) {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.item = from.saturating_add(index);
    }
}

/// A signed number (two's complement) so that small ones of either sign are small.
const fn folded(signed: u64) -> u64 {
    signed << 1 ^ (signed >> 63).wrapping_neg()
}

const fn unfolded(folded: u64) -> u64 {
    folded >> 1 ^ (folded & 1).wrapping_neg()
}
