//! Real invoices from files: items `gtin,name,unit_price` and sales
//! `invoice,time,gtin,quantity,unit_price`, as CSV or CSV.gz.
//!
//! Real files are a mess and are taken as they are: rows that can't be read are counted and the
//! first of them named by line; rows that are no goods (fees, notes of the staff, corrections at
//! price 0) are counted and left out; negative quantities are goods that come back. Sales are
//! streamed: however long the file, one invoice is in memory. Nothing is mended by guessing.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use shelf_codecs::barcode::Gtin;
use shelf_stock::item::{ITEM_NAME_BYTES_MAX, Item, ItemKind};
use shelf_stock::money::Money;
use shelf_stock::name::{Code, ItemId};
use shelf_stock::quantity::{LINE_QUANTITY_UNITS_MAX, Quantity, Unit};

use super::{Goods, Invoice, InvoiceLine, Shop, Take};

/// The most bytes that a file may unpack to; the rest is not read.
pub const UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// The most items of a file; more are counted as bad rows.
pub const ITEMS_MAX: usize = 250_000;
/// The most lines of one invoice; a longer one goes on as another of the same number.
pub const INVOICE_LINES_MAX: usize = 1_000;
/// Bad rows that are named; the count is always whole.
pub const BAD_ROWS_NAMED_MAX: usize = 20;
/// What lies on the shelf of each item of a file, which says nothing about stock.
pub const OPENING_PIECES: i64 = 500;

/// Names that the gift shop's file gives to charges and bookings: nothing that lies on a shelf.
const NO_GOODS: [&str; 12] = [
    "ADJUST BAD DEBT",
    "AMAZON FEE",
    "BANK CHARGES",
    "CARRIAGE",
    "CRUK COMMISSION",
    "DISCOUNT",
    "DOTCOM POSTAGE",
    "MANUAL",
    "NEXT DAY CARRIAGE",
    "PACKING CHARGE",
    "POSTAGE",
    "SAMPLES",
];

/// A file can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be opened or read.
    #[error("{} can't be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its first line lacks a column.
    #[error("{}: the first line has no column `{column}`; it must be `{columns}`", path.display())]
    Column {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: &'static str,
        /// All of them.
        columns: String,
    },
}

/// What became of the rows of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Rows that were used.
    pub good: u64,
    /// Rows that can't be read.
    pub bad: u64,
    /// Rows about something that lies on no shelf.
    pub no_goods: u64,
    /// Corrections: rows with the price 0.
    pub corrections: u64,
    /// The first bad rows: line and what is wrong.
    pub named: Vec<(u64, String)>,
}

impl Rows {
    fn bad(&mut self, line: u64, what: impl Into<String>) {
        self.bad += 1;
        if self.named.len() < BAD_ROWS_NAMED_MAX {
            self.named.push((line, what.into()));
        }
    }
}

const ITEM_COLUMNS: [&str; 3] = ["gtin", "name", "unit_price"];
const SALE_COLUMNS: [&str; 5] = ["invoice", "time", "gtin", "quantity", "unit_price"];

/// Reads the items of a shop.
///
/// # Errors
/// When the file can't be opened or has not the columns.
pub fn items(path: &Path) -> Result<(Shop, Rows), FileError> {
    let mut table = Table::open(path, ITEM_COLUMNS)?;
    let mut rows = Rows::default();
    let mut shop = Shop::default();
    let mut seen = BTreeSet::new();
    while let Some(record) = table.next(&mut rows) {
        let line = record.position().map_or(0, csv::Position::line);
        let [gtin, name, price] = table.cells(&record);
        if price.is_empty() || NO_GOODS.iter().any(|it| name.eq_ignore_ascii_case(it)) {
            rows.no_goods += 1;
            continue;
        }
        match goods(gtin, name, price) {
            Ok(_) if shop.goods.len() >= ITEMS_MAX => rows.bad(line, "there are too many items"),
            Ok(goods) if !seen.insert(goods.item.id.clone()) => {
                rows.bad(line, format!("`{gtin}` was here before"));
            }
            Ok(goods) => {
                rows.good += 1;
                shop.goods.push(goods);
            }
            Err(what) => rows.bad(line, what),
        }
    }
    Ok((shop, rows))
}

fn goods(gtin: &str, name: &str, price: &str) -> Result<Goods, String> {
    let code = Gtin::parse(gtin)
        .map_err(|it| format!("`{gtin}`: {it}"))?
        .to_string();
    if name.is_empty() || name.len() > ITEM_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err("the name is empty, too long or not printable".into());
    }
    let price: Money = price.parse().map_err(|it| format!("{it}"))?;
    let item = Item {
        id: ItemId::new(code.as_str()).map_err(|it| it.to_string())?,
        name: name.to_owned(),
        unit: Unit::Piece,
        kind: ItemKind::Standard,
        price: Some(price),
        codes: vec![Code::new(code).map_err(|it| it.to_string())?],
        group: String::new(),
        returns_to: None,
        quick_key: None,
    };
    Ok(Goods {
        item,
        opening: Some(Quantity::units(OPENING_PIECES)),
    })
}

/// Invoices of a file, one at a time.
pub struct Sales {
    table: Table<5>,
    known: BTreeSet<String>,
    rows: Rows,
    /// The first line of the next invoice.
    pending: Option<(u64, u32, InvoiceLine)>,
}

impl Sales {
    /// Opens a file of sales of these goods.
    ///
    /// # Errors
    /// When the file can't be opened or has not the columns.
    pub fn open(path: &Path, shop: &Shop) -> Result<Self, FileError> {
        let codes = shop.goods.iter().flat_map(|it| &it.item.codes);
        let known = codes.map(|it| it.as_str().to_owned()).collect();
        let table = Table::open(path, SALE_COLUMNS)?;
        Ok(Self {
            table,
            known,
            rows: Rows::default(),
            pending: None,
        })
    }

    /// What became of the rows so far.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    fn row(&mut self) -> Option<(u64, u32, InvoiceLine)> {
        loop {
            let record = self.table.next(&mut self.rows)?;
            let line = record.position().map_or(0, csv::Position::line);
            let cells = self.table.cells(&record);
            match sale(cells, &self.known) {
                Ok(Sold::Line(invoice, second, sold)) => {
                    self.rows.good += 1;
                    return Some((invoice, second, sold));
                }
                Ok(Sold::NoGoods) => self.rows.no_goods += 1,
                Ok(Sold::Correction) => self.rows.corrections += 1,
                Err(what) => self.rows.bad(line, what),
            }
        }
    }
}

impl Iterator for Sales {
    type Item = Invoice;

    fn next(&mut self) -> Option<Invoice> {
        let (number, second_of_day, first) = match self.pending.take() {
            Some(pending) => pending,
            None => self.row()?,
        };
        let mut lines = vec![first];
        while lines.len() < INVOICE_LINES_MAX {
            match self.row() {
                Some((invoice, _, line)) if invoice == number => lines.push(line),
                other => {
                    self.pending = other;
                    break;
                }
            }
        }
        Some(Invoice {
            number,
            second_of_day,
            lines,
        })
    }
}

enum Sold {
    Line(u64, u32, InvoiceLine),
    NoGoods,
    Correction,
}

fn sale(
    [invoice, time, gtin, quantity, price]: [&str; 5],
    known: &BTreeSet<String>,
) -> Result<Sold, String> {
    let invoice = invoice
        .parse()
        .map_err(|_| format!("`{invoice}` is no invoice number"))?;
    let second = second_of_day(time).ok_or_else(|| format!("`{time}` is no time"))?;
    let code = Gtin::parse(gtin).map_err(|it| format!("`{gtin}`: {it}"))?;
    let pieces: i64 = quantity
        .parse()
        .map_err(|_| format!("`{quantity}` is no whole number"))?;
    if pieces == 0 || pieces.unsigned_abs() > LINE_QUANTITY_UNITS_MAX.unsigned_abs() {
        return Err(format!("nobody sells {pieces} pieces"));
    }
    let price: Money = price.parse().map_err(|it| format!("{it}"))?;
    if !known.contains(&code.to_string()) {
        return Ok(Sold::NoGoods);
    }
    if price <= Money::ZERO {
        return Ok(Sold::Correction);
    }
    let take = Take::Scan {
        code: gtin.to_owned(),
        keyed: None,
    };
    Ok(Sold::Line(invoice, second, InvoiceLine { take, pieces }))
}

/// The time of `2011-01-31T09:05:00`.
fn second_of_day(time: &str) -> Option<u32> {
    let (_, clock) = time.split_once(['T', ' '])?;
    let mut parts = clock.split(':').map(|it| it.parse::<u32>().ok());
    let hour = parts.next()??;
    let minute = parts.next()??;
    let second = parts.next().unwrap_or(Some(0))?;
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

/// A CSV table with known columns, packed or not.
struct Table<const N: usize> {
    reader: csv::Reader<Box<dyn Read + Send>>,
    columns: [usize; N],
}

impl<const N: usize> Table<N> {
    fn open(path: &Path, names: [&'static str; N]) -> Result<Self, FileError> {
        let failed = |source| FileError::Read {
            path: path.to_owned(),
            source,
        };
        let stream = stream(path).map_err(failed)?;
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(stream);
        let header = reader
            .headers()
            .map_err(|it| failed(io::Error::other(it)))?
            .clone();
        let mut columns = [0; N];
        for (column, name) in columns.iter_mut().zip(names) {
            let mut cells = header.iter();
            let found = cells.position(|it| it.trim_start_matches('\u{feff}') == name);
            *column = found.ok_or_else(|| FileError::Column {
                path: path.to_owned(),
                column: name,
                columns: names.join(","),
            })?;
        }
        Ok(Self { reader, columns })
    }

    /// The next row that is a row; what is none is counted.
    fn next(&mut self, rows: &mut Rows) -> Option<csv::StringRecord> {
        loop {
            let mut record = csv::StringRecord::new();
            match self.reader.read_record(&mut record) {
                Ok(true) => return Some(record),
                Ok(false) => return None,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    rows.bad(line, error.to_string());
                    if matches!(error.kind(), csv::ErrorKind::Io(_)) {
                        // A torn file gives no more rows.
                        return None;
                    }
                }
            }
        }
    }

    fn cells<'r>(&self, record: &'r csv::StringRecord) -> [&'r str; N] {
        self.columns.map(|it| record.get(it).unwrap_or_default())
    }
}

/// The file's text; whether it is packed is seen from its first two bytes.
#[allow(
    clippy::disallowed_methods,
    reason = "the files are this module's input; errors name them"
)]
fn stream(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let mut file = BufReader::new(File::open(path)?);
    let packed = file.fill_buf()?.starts_with(&[0x1F, 0x8B]);
    Ok(match packed {
        true => Box::new(MultiGzDecoder::new(file).take(UNPACKED_BYTES_MAX)),
        false => Box::new(file.take(UNPACKED_BYTES_MAX)),
    })
}
