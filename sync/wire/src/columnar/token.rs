//! A document's fields in the order of its bytes, or the document as it is.
//!
//! Only the shortest form in ascending order is taken apart, because only that is what comes out
//! again. Everything else is one token: the whole body.

use super::column::read_varint;
use super::schema::{Cell, DOCUMENT, Field, MASK_RAW, RAW, Shape};

/// Numbers of 14 digits; larger ones make a document travel as it is.
pub(super) const GTIN_MAX: u64 = 99_999_999_999_999;

/// One value of one column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token<'a> {
    Number(u8, Cell, u64),
    Gtin(u8, u64),
    Text(u8, Cell, &'a [u8]),
}

/// The values of all documents of a batch.
#[derive(Debug, Default)]
pub(super) struct Tokens<'a>(Vec<Token<'a>>);

impl<'a> Tokens<'a> {
    pub(super) fn list(&self) -> &[Token<'a>] {
        &self.0
    }

    /// Takes a body apart.
    pub(super) fn add(&mut self, body: &'a [u8]) {
        let before = self.0.len();
        if self.message(body, &DOCUMENT).is_none() {
            self.0.truncate(before);
            self.0
                .push(Token::Number(DOCUMENT.base, Cell::Seen, MASK_RAW));
            self.0.push(Token::Text(RAW, Cell::Series, body));
        }
    }

    fn message(&mut self, mut bytes: &'a [u8], shape: &'static Shape) -> Option<()> {
        let mask_at = self.0.len();
        self.0.push(Token::Number(shape.base, Cell::Seen, 0));
        let mut mask = 0;
        let mut fields = shape.fields.iter();
        let mut run: Option<Run> = None;
        while !bytes.is_empty() {
            let tag = read_varint(&mut bytes)?;
            if let Some(run) = run.as_mut().filter(|it| it.field.tag() == tag) {
                if !run.field.repeated {
                    return None;
                }
                run.more += 1;
                self.set(run.count_at, run.more);
                bytes = self.field(bytes, shape, run.field)?;
                continue;
            }
            let field = fields.find(|it| it.tag() == tag)?;
            mask |= field.bit();
            let count_at = self.0.len();
            if field.repeated {
                self.0
                    .push(Token::Number(field.column(shape), Cell::Plain, 0));
            }
            bytes = self.field(bytes, shape, field)?;
            run = Some(Run {
                field,
                count_at,
                more: 0,
            });
        }
        self.set(mask_at, mask);
        Some(())
    }

    fn set(&mut self, at: usize, to: u64) {
        if let Some(Token::Number(_, _, value)) = self.0.get_mut(at) {
            *value = to;
        }
    }

    /// One value; returns what comes after it.
    fn field(&mut self, mut bytes: &'a [u8], shape: &Shape, field: &Field) -> Option<&'a [u8]> {
        let column = field.values(shape);
        match field.cell {
            Cell::Message(_) | Cell::Text | Cell::Series => {
                let length = usize::try_from(read_varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                match field.cell {
                    Cell::Message(inner) => self.message(value, inner)?,
                    cell => self.0.push(Token::Text(column, cell, value)),
                }
                return Some(rest);
            }
            Cell::Fixed => {
                let (value, rest) = bytes.split_first_chunk::<8>()?;
                let value = u64::from_le_bytes(*value);
                self.0.push(Token::Number(column, Cell::Fixed, value));
                return Some(rest);
            }
            Cell::Gtin => {
                let value = read_varint(&mut bytes).filter(|it| *it <= GTIN_MAX)?;
                self.0.push(Token::Gtin(column, value));
            }
            cell => {
                let value = read_varint(&mut bytes)?;
                self.0.push(Token::Number(column, cell, value));
            }
        }
        Some(bytes)
    }
}

/// The field that was read last, and where its count stands.
struct Run {
    field: &'static Field,
    count_at: usize,
    more: u64,
}
