//! Bytes of the machines' small rows: a format number, then fields of fixed size or with a length.
//!
//! A row that can't be read any more is treated as absent by its reader, who must then be on the
//! safe side.

use shelf_stock::quantity::Quantity;

/// Writes a row.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(format: u8) -> Self {
        Self(vec![format])
    }

    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn signed(self, number: i64) -> Self {
        self.number(number.cast_unsigned())
    }

    pub(crate) fn quantity(self, quantity: Quantity) -> Self {
        self.signed(quantity.as_thousandths())
    }

    pub(crate) fn flag(mut self, flag: bool) -> Self {
        self.0.push(flag.into());
        self
    }

    /// At most 65,535 bytes; more are cut.
    pub(crate) fn text(mut self, bytes: &[u8]) -> Self {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_le_bytes());
        self.0.extend(bytes.iter().take(length.into()));
        self
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a row.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Of a row in this format.
    pub(crate) fn new(bytes: &'a [u8], format: u8) -> Option<Self> {
        let (found, rest) = bytes.split_first()?;
        (*found == format).then_some(Self(rest))
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.number().map(u64::cast_signed)
    }

    pub(crate) fn quantity(&mut self) -> Option<Quantity> {
        self.signed().map(Quantity::thousandths)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        let (flag, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*flag != 0)
    }

    pub(crate) fn text(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (text, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
        self.0 = rest;
        Some(text)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}
