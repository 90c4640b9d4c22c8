//! Which fields are taken apart, and into which columns.
//!
//! This is the schema of documents as layout 1 knows it. It is frozen: a field that is not here
//! makes its document travel whole, and one that is to be taken apart later needs a new layout.

use super::column::write_varint;

/// How a field's value is kept in its column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    /// As it is.
    Plain,
    /// Its place among the different values of the column so far.
    Seen,
    /// Like [`Cell::Seen`], eight bytes in the document.
    Fixed,
    /// The difference to the value before it in the column.
    Delta,
    /// The difference (signed) to the line before it in the same document.
    Time,
    /// Its place among the batch's numbers of 14 digits.
    Gtin,
    /// Its place among the batch's texts.
    Text,
    /// The same, as the difference to the place of the text before it in the column.
    Series,
    /// The difference to the price that the same item had last.
    Price,
    /// The difference to the amount that the same item had last.
    Amount,
    /// A message of its own.
    Message(&'static Shape),
}

/// A message.
#[derive(Debug)]
pub(super) struct Shape {
    /// The column of which fields are there; field n is in column base + n.
    pub(super) base: u8,
    pub(super) fields: &'static [Field],
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u8,
    pub(super) cell: Cell,
    /// Its column counts how many more there are than one; texts are in the column after that.
    pub(super) repeated: bool,
}

/// What the column of fields says for a document that travels as it is.
pub(super) const MASK_RAW: u64 = 1;
/// The column of such documents.
pub(super) const RAW: u8 = 1;
/// The column of the differences between the batch's numbers.
pub(super) const NUMBERS: u8 = 120;
/// The column of what each text shares with the one before.
pub(super) const SHARED: u8 = 121;
/// The column of how long the rest of each text is.
pub(super) const OWN: u8 = 122;
/// The column of the differences between the batch's texts of digits.
pub(super) const DIGITS: u8 = 123;
/// The column of the times of a document's later lines.
pub(super) const LATER: u8 = 124;
/// Columns have numbers below this.
pub(super) const COLUMNS_MAX: usize = 128;

impl Shape {
    /// Every field that may be there.
    pub(super) fn mask_known(&self) -> u64 {
        self.fields.iter().fold(0, |mask, it| mask | it.bit())
    }
}

impl Field {
    pub(super) const fn bit(&self) -> u64 {
        1 << (self.number - 1)
    }

    /// The column that belongs to the field's number.
    pub(super) const fn column(&self, shape: &Shape) -> u8 {
        shape.base + self.number
    }

    /// The column of the field's values.
    pub(super) const fn values(&self, shape: &Shape) -> u8 {
        self.column(shape) + self.repeated as u8
    }

    /// The tag that stands before the field.
    pub(super) fn tag(&self) -> u64 {
        let wire = match self.cell {
            Cell::Fixed => 1,
            Cell::Text | Cell::Series | Cell::Message(_) => 2,
            _ => 0,
        };
        u64::from(self.number) << 3 | wire
    }

    pub(super) fn write_tag(&self, out: &mut Vec<u8>) {
        write_varint(self.tag(), out);
    }
}

const fn one(number: u8, cell: Cell) -> Field {
    Field {
        number,
        cell,
        repeated: false,
    }
}

const fn many(number: u8, cell: Cell) -> Field {
    Field {
        number,
        cell,
        repeated: true,
    }
}

pub(super) static DOCUMENT: Shape = Shape {
    base: 0,
    fields: &[
        one(5, Cell::Delta),
        one(6, Cell::Plain),
        one(7, Cell::Plain),
        one(8, Cell::Plain),
        one(9, Cell::Text),
        one(10, Cell::Text),
        one(11, Cell::Message(&SOURCE)),
        many(12, Cell::Message(&LINE)),
        many(13, Cell::Message(&TENDER)),
        one(14, Cell::Message(&GROUP)),
        one(15, Cell::Message(&PARTICULARS)),
    ],
};

static LINE: Shape = Shape {
    base: 16,
    fields: &[
        one(1, Cell::Gtin),
        one(2, Cell::Text),
        one(3, Cell::Gtin),
        one(4, Cell::Text),
        one(5, Cell::Plain),
        one(6, Cell::Plain),
        one(7, Cell::Plain),
        one(8, Cell::Plain),
        one(9, Cell::Time),
        one(10, Cell::Price),
        one(11, Cell::Amount),
        one(12, Cell::Plain),
        one(13, Cell::Plain),
        one(14, Cell::Gtin),
        one(15, Cell::Text),
        one(16, Cell::Text),
        many(17, Cell::Message(&PART)),
        one(18, Cell::Text),
        one(19, Cell::Text),
    ],
};

static TENDER: Shape = Shape {
    base: 40,
    fields: &[
        one(1, Cell::Plain),
        one(2, Cell::Plain),
        one(3, Cell::Series),
        one(4, Cell::Plain),
    ],
};

/// Columns and state of a document's own key and of the one that a void names are kept apart.
static SOURCE: Shape = Shape {
    base: 48,
    fields: &SOURCE_FIELDS,
};

static VOID_SOURCE: Shape = Shape {
    base: 104,
    fields: &SOURCE_FIELDS,
};

static SOURCE_FIELDS: [Field; 5] = [
    one(1, Cell::Text),
    one(2, Cell::Delta),
    one(3, Cell::Series),
    one(4, Cell::Plain),
    one(5, Cell::Plain),
];

static GROUP: Shape = Shape {
    base: 56,
    fields: &[one(1, Cell::Text), one(2, Cell::Plain), one(3, Cell::Plain)],
};

static PARTICULARS: Shape = Shape {
    base: 64,
    fields: &[
        one(1, Cell::Message(&PLACE)),
        one(2, Cell::Message(&VOID_SOURCE)),
        one(3, Cell::Text),
        one(4, Cell::Text),
        one(5, Cell::Text),
        many(6, Cell::Message(&COUNTED)),
        one(7, Cell::Plain),
        one(8, Cell::Text),
        one(9, Cell::Message(&LISTED)),
        one(10, Cell::Text),
        many(11, Cell::Message(&PART)),
        one(12, Cell::Text),
    ],
};

static LISTED: Shape = Shape {
    base: 80,
    fields: &[many(1, Cell::Text)],
};

static PLACE: Shape = Shape {
    base: 84,
    fields: &[one(1, Cell::Text), one(2, Cell::Fixed), one(3, Cell::Delta)],
};

static COUNTED: Shape = Shape {
    base: 88,
    fields: &[
        one(1, Cell::Gtin),
        one(2, Cell::Text),
        one(3, Cell::Plain),
        one(4, Cell::Text),
        one(5, Cell::Plain),
        one(6, Cell::Plain),
        one(7, Cell::Time),
    ],
};

static PART: Shape = Shape {
    base: 96,
    fields: &[one(1, Cell::Gtin), one(2, Cell::Text), one(3, Cell::Plain)],
};
