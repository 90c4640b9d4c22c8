//! Columns: how the documents of a batch are packed so that a backlog is small.
//!
//! A store that was offline for a week sends thousands of documents that are nearly the same: each
//! field is put with its like from all documents, and what can be foretold (the next receipt
//! number, the price that an item had a moment ago) becomes a zero, which the compression of the
//! whole payload then all but removes. It is a transform of bytes and nothing more: documents of
//! the known schema in its shortest form are taken apart, every other one travels as it is inside
//! the same columns, and what comes out are the exact bytes that went in, or they are not packed at
//! all. Reading is total and bounded: whatever bytes come, the result is documents or an error.
//!
//! Rooms: [`schema`] (which fields there are), [`token`] (a document's fields in their order),
//! [`model`] (what can be foretold), [`dictionary`] (numbers and texts that occur), [`column`] (the
//! columns' bytes).

mod column;
mod dictionary;
mod model;
mod schema;
mod token;

use column::{Columns, ColumnsReader, Cursor};
use dictionary::{Numbers, Texts, Written};
use model::Model;
use schema::{Cell, DOCUMENT, Field, MASK_RAW, RAW, Shape};
use token::{Token, Tokens};

use crate::frame::UNPACKED_BYTES_MAX;
use crate::message::BATCH_DOCUMENTS_MAX;

/// The most bytes of all bodies of a batch together after unpacking.
pub const BODIES_BYTES_MAX: usize = UNPACKED_BYTES_MAX;

/// Shorter parts are compressed together with their neighbours.
const PART_BYTES_MIN: usize = 512;

/// The layout that this version writes and reads.
const LAYOUT: u8 = 1;

/// Packed bodies can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnarError {
    /// A layout of a newer version.
    #[error("packed documents have the layout {layout}, which this version doesn't know")]
    Layout {
        /// Which.
        layout: u8,
    },
    /// More documents or bytes than [`BATCH_DOCUMENTS_MAX`] and [`BODIES_BYTES_MAX`].
    #[error("packed documents are more than their limit")]
    TooLarge,
    /// Columns that end early, go on too long or contradict each other.
    #[error("packed documents are damaged: {what}")]
    Damaged {
        /// What was found.
        what: &'static str,
    },
}

/// What is wrong with columns, in a word.
pub(crate) const fn damaged(what: &'static str) -> ColumnarError {
    ColumnarError::Damaged { what }
}

/// Bodies in columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What travels.
    pub bytes: Vec<u8>,
    /// Where bytes of one kind end and others begin, ascending: a compressor that begins anew there
    /// finds what is frequent in each. No reader needs to know.
    pub cuts: Vec<usize>,
}

/// Bodies of documents in columns; `None` where they are too many, too large, or would not come
/// back as they were.
pub fn pack(bodies: &[Vec<u8>]) -> Option<Packed> {
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    if bodies.len() > BATCH_DOCUMENTS_MAX || bytes > BODIES_BYTES_MAX {
        return None;
    }
    let mut tokens = Tokens::default();
    for body in bodies {
        tokens.add(body);
    }
    let mut columns = Columns::default();
    let written = Written::of(tokens.list(), &mut columns);
    let words = written.write_words(&mut columns);
    let mut model = Model::new(written.numbers, written.texts);
    for (token, place) in tokens.list().iter().zip(written.places) {
        let (column, cell, value) = match *token {
            Token::Number(column, cell, value) => (column, cell, value),
            Token::Gtin(column, _) => (column, Cell::Gtin, place),
            Token::Text(column, cell, _) => (column, cell, place),
        };
        model.write(column, cell, value, &mut columns);
    }
    let mut packed = Packed {
        bytes: vec![LAYOUT],
        cuts: Vec::new(),
    };
    column::write_varint(u64::try_from(bodies.len()).ok()?, &mut packed.bytes);
    columns.write(&mut packed);
    packed.begin(words.len());
    packed.bytes.extend_from_slice(&words);
    (unpack(&packed.bytes).as_deref() == Ok(bodies)).then_some(packed)
}

impl Packed {
    /// Begins a part of this many bytes: alone if it is long, otherwise with its neighbours.
    fn begin(&mut self, bytes: usize) {
        let before = self.cuts.last().copied().unwrap_or(0);
        let after_long = self.bytes.len() - before >= PART_BYTES_MIN;
        if bytes >= PART_BYTES_MIN || after_long {
            self.cuts.push(self.bytes.len());
        }
    }
}

/// The bodies in columns.
pub fn unpack(packed: &[u8]) -> Result<Vec<Vec<u8>>, ColumnarError> {
    let (layout, mut rest) = packed.split_first().ok_or(damaged("nothing is there"))?;
    if *layout != LAYOUT {
        return Err(ColumnarError::Layout { layout: *layout });
    }
    let count = column::read_varint(&mut rest).ok_or(damaged("no count"))?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > BATCH_DOCUMENTS_MAX {
        return Err(ColumnarError::TooLarge);
    }
    let mut columns = ColumnsReader::read(&mut rest)?;
    let numbers = Numbers::read(&mut columns)?;
    let texts = Texts::read(&mut columns, rest)?;
    let mut reader = Reader {
        model: Model::new(numbers.len(), texts.len()),
        columns: columns.cursors(),
        numbers,
        texts,
        out: Vec::new(),
        before: 0,
    };
    let mut bodies = Vec::with_capacity(count);
    for _ in 0..count {
        reader.shape(&DOCUMENT)?;
        reader.before += reader.out.len();
        bodies.push(reader.out.as_slice().to_vec());
        reader.out.clear();
    }
    match reader.columns.is_empty() {
        true => Ok(bodies),
        false => Err(damaged("columns are longer than the documents")),
    }
}

struct Reader {
    model: Model,
    columns: Cursor,
    numbers: Numbers,
    texts: Texts,
    /// The body that is being restored.
    out: Vec<u8>,
    /// Bytes of the bodies before it.
    before: usize,
}

impl Reader {
    fn value(&mut self, column: u8, cell: Cell) -> Result<u64, ColumnarError> {
        self.model.read(column, cell, &mut self.columns)
    }

    /// One message's fields, in ascending order.
    fn shape(&mut self, shape: &'static Shape) -> Result<(), ColumnarError> {
        let mask = self.value(shape.base, Cell::Seen)?;
        if mask == MASK_RAW && shape.base == DOCUMENT.base {
            let index = self.value(RAW, Cell::Series)?;
            self.out.extend_from_slice(self.texts.get(index)?);
            return self.within_limits();
        }
        if mask & !shape.mask_known() != 0 {
            return Err(damaged("an unknown field"));
        }
        for field in shape.fields.iter().filter(|it| mask & it.bit() != 0) {
            let more = match field.repeated {
                true => self.value(field.column(shape), Cell::Plain)?,
                false => 0,
            };
            self.field(shape, field)?;
            for _ in 0..more {
                self.field(shape, field)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, shape: &Shape, field: &Field) -> Result<(), ColumnarError> {
        field.write_tag(&mut self.out);
        let column = field.values(shape);
        match field.cell {
            Cell::Message(inner) => {
                let start = self.out.len();
                self.shape(inner)?;
                self.prefix_length(start)?;
            }
            cell @ (Cell::Text | Cell::Series) => {
                let index = self.value(column, cell)?;
                let text = self.texts.get(index)?;
                let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
                column::write_varint(length, &mut self.out);
                self.out.extend_from_slice(text);
            }
            Cell::Gtin => {
                let index = self.value(column, Cell::Gtin)?;
                column::write_varint(self.numbers.get(index)?, &mut self.out);
            }
            Cell::Fixed => {
                let value = self.value(column, Cell::Fixed)?;
                self.out.extend_from_slice(&value.to_le_bytes());
            }
            cell => {
                let value = self.value(column, cell)?;
                column::write_varint(value, &mut self.out);
            }
        }
        self.within_limits()
    }

    /// Puts the length of what was written since `start` before it.
    fn prefix_length(&mut self, start: usize) -> Result<(), ColumnarError> {
        let length = self.out.len().saturating_sub(start);
        let end = self.out.len();
        let length = u64::try_from(length).map_err(|_| ColumnarError::TooLarge)?;
        column::write_varint(length, &mut self.out);
        let prefix_bytes = self.out.len() - end;
        if let Some(tail) = self.out.get_mut(start..) {
            tail.rotate_right(prefix_bytes);
        }
        Ok(())
    }

    fn within_limits(&self) -> Result<(), ColumnarError> {
        match self.before + self.out.len() <= BODIES_BYTES_MAX {
            true => Ok(()),
            false => Err(ColumnarError::TooLarge),
        }
    }
}
