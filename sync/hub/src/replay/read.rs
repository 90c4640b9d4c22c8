//! A retailer's export into lines: CSV with any usual separator and column names, packed or not.
//!
//! Exports are full of odd rows. A row that can't be understood is counted, named by its line with
//! the reason, and left out; it never stops the rest. Only a missing column does, because then
//! every row would be odd.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Serialize;
use shelf_stock::demand::{DAY_MS, ShopTime};
use shelf_stock::quantity::Quantity;

use crate::platform;
use crate::replay::{Options, Progress, ReplayError};

/// Odd rows that are named; the rest is only counted.
const NAMED_MAX: usize = 100;
/// Rows of one file that are read.
const ROWS_MAX: u64 = 50_000_000;
const ROWS_PER_PROGRESS: u64 = 10_000;

const ITEM: &[&str] = &[
    "gtin",
    "item",
    "product",
    "sku",
    "article",
    "ean",
    "upc",
    "barcode",
    "stockcode",
    "item_id",
    "product_id",
    "artikel",
];
const NAME: &[&str] = &[
    "name",
    "description",
    "title",
    "type",
    "category",
    "bezeichnung",
];
const TIME: &[&str] = &[
    "time",
    "datetime",
    "timestamp",
    "date",
    "sold_at",
    "invoicedate",
    "created_at",
    "zeit",
    "datum",
];
const QUANTITY: &[&str] = &["quantity", "qty", "units", "menge", "count"];
const PRICE: &[&str] = &["unit_price", "unitprice", "price", "preis"];
const STORE: &[&str] = &["store", "shop", "branch", "store_id", "location", "filiale"];
const RECEIPT: &[&str] = &[
    "invoice",
    "receipt",
    "basket",
    "transaction",
    "order",
    "invoiceno",
    "bon",
    "order_id",
];

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Files {
    /// Names by item.
    pub items: BTreeMap<String, String>,
    /// Sales, in the order of the file.
    pub sales: Vec<Row>,
    /// Online orders, if there is a file of them.
    pub orders: Option<Vec<Row>>,
    /// What was left out.
    pub odd: OddRows,
}

/// One line of a sale or an order.
#[derive(Clone, Debug)]
pub struct Row {
    /// The item as the file writes it.
    pub item: String,
    /// Local time.
    pub at: ShopTime,
    /// As written; negative comes back.
    pub quantity: Quantity,
    /// Whether the price is given and zero or below.
    pub free: bool,
    /// The store, empty where the file has none.
    pub store: String,
    /// The receipt, empty where the file has none.
    pub receipt: String,
}

/// Rows that could not be understood.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OddRows {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub named: Vec<OddRow>,
}

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub struct OddRow {
    /// The file's name.
    pub file: String,
    /// Its line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

impl OddRows {
    fn add(&mut self, file: &str, line: u64, why: String) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            let file = file.to_owned();
            self.named.push(OddRow { file, line, why });
        }
    }
}

/// Reads all files that the options name.
pub(super) fn files(
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Files, ReplayError> {
    let mut files = Files::default();
    read_items(&options.items, &mut files, progress)?;
    let mut table = Table::open(&options.sales)?;
    files.sales = table.rows(&mut files.odd, progress)?;
    if let Some(path) = &options.orders {
        files.orders = Some(Table::open(path)?.rows(&mut files.odd, progress)?);
    }
    Ok(files)
}

fn read_items(
    path: &Path,
    files: &mut Files,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ReplayError> {
    let mut table = Table::open(path)?;
    let item = table.column("the item", ITEM)?;
    let name = table.find(NAME);
    while let Some((line, record)) = table.next(&mut files.odd, progress)? {
        let id = record.get(item).unwrap_or_default().trim();
        if id.is_empty() {
            files.odd.add(&table.file, line, "no item".to_owned());
            continue;
        }
        let name = name.and_then(|at| record.get(at)).unwrap_or_default();
        files.items.insert(id.to_owned(), name.trim().to_owned());
    }
    Ok(())
}

/// A file with a header.
struct Table {
    file: String,
    reader: csv::Reader<Box<dyn Read>>,
    header: Vec<String>,
    rows: u64,
}

impl Table {
    fn open(path: &Path) -> Result<Self, ReplayError> {
        let file = path.file_name().unwrap_or(path.as_os_str());
        let file = file.to_string_lossy().into_owned();
        let broken = |source: std::io::Error| ReplayError::Broken {
            file: file.clone(),
            rows: 0,
            source: source.into(),
        };
        let mut bytes = BufReader::new(platform::open(path)?);
        let packed = bytes.fill_buf().map_err(broken)?.starts_with(&[0x1F, 0x8B]);
        let plain: Box<dyn Read> = match packed {
            true => Box::new(flate2::bufread::MultiGzDecoder::new(bytes)),
            false => Box::new(bytes),
        };
        let mut plain = BufReader::new(plain);
        let start = plain.fill_buf().map_err(broken)?;
        let first = start.split(|it| *it == b'\n').next().unwrap_or_default();
        let many = |byte: u8| first.iter().filter(|it| **it == byte).count();
        let separators = [b',', b';', b'\t'];
        let separator = separators
            .into_iter()
            .max_by_key(|it| (many(*it), *it == b','));
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator.unwrap_or(b','))
            .flexible(true)
            .from_reader(Box::new(plain) as Box<dyn Read>);
        let header = reader
            .byte_headers()
            .map_err(|source| ReplayError::Broken {
                file: file.clone(),
                rows: 0,
                source,
            })?;
        let header = header.iter().map(column_name).collect();
        Ok(Self {
            file,
            reader,
            header,
            rows: 0,
        })
    }

    fn find(&self, names: &[&str]) -> Option<usize> {
        let of = |name: &&str| self.header.iter().position(|it| it == name);
        names.iter().find_map(of)
    }

    fn column(&self, what: &str, names: &[&str]) -> Result<usize, ReplayError> {
        self.find(names).ok_or_else(|| ReplayError::Column {
            file: self.file.clone(),
            what: format!("{what} (one of {})", names.join(", ")),
            found: self.header.join(", "),
        })
    }

    /// The next record that can be split, with its line.
    fn next(
        &mut self,
        odd: &mut OddRows,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<(u64, csv::StringRecord)>, ReplayError> {
        let mut record = csv::ByteRecord::new();
        loop {
            match self.reader.read_byte_record(&mut record) {
                Ok(true) if self.rows < ROWS_MAX => {}
                Ok(_) => return Ok(None),
                Err(source) => {
                    let (file, rows) = (self.file.clone(), self.rows);
                    return Err(ReplayError::Broken { file, rows, source });
                }
            }
            self.rows += 1;
            if self.rows.is_multiple_of(ROWS_PER_PROGRESS) {
                let (done, of) = (self.rows, 0);
                progress(Progress {
                    doing: "reading",
                    done,
                    of,
                });
            }
            let line = record.position().map_or(0, csv::Position::line);
            // Other encodings than UTF-8 garble names only; what matters is digits.
            let text = record
                .iter()
                .map(|it| String::from_utf8_lossy(it).into_owned());
            let record: csv::StringRecord = text.collect();
            if record.len() == self.header.len() {
                return Ok(Some((line, record)));
            }
            let why = format!("{} fields instead of {}", record.len(), self.header.len());
            odd.add(&self.file, line, why);
        }
    }

    /// All rows of sales or orders.
    fn rows(
        &mut self,
        odd: &mut OddRows,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Row>, ReplayError> {
        let item = self.column("the item", ITEM)?;
        let time = self.column("the time", TIME)?;
        let quantity = self.column("the quantity", QUANTITY)?;
        let price = self.find(PRICE);
        let store = self.find(STORE);
        let receipt = self.find(RECEIPT);
        let mut rows = Vec::new();
        while let Some((line, record)) = self.next(odd, progress)? {
            let get = |at: usize| record.get(at).unwrap_or_default().trim();
            let optional = |at: Option<usize>| at.map(get).unwrap_or_default().to_owned();
            let Some(at) = local_time(get(time)) else {
                let why = format!("`{}` is no time like 2026-11-21T14:03", shown(get(time)));
                odd.add(&self.file, line, why);
                continue;
            };
            let quantity: Quantity = match plain_number(get(quantity)).parse() {
                Ok(quantity) => quantity,
                Err(error) => {
                    let error: shelf_stock::quantity::QuantityError = error;
                    odd.add(&self.file, line, error.to_string());
                    continue;
                }
            };
            if get(item).is_empty() {
                odd.add(&self.file, line, "no item".to_owned());
                continue;
            }
            let free = price.map(get).is_some_and(|it| {
                let digits = it.trim_start_matches('-').bytes();
                it.starts_with('-') || digits.clone().all(|it| !(b'1'..=b'9').contains(&it))
            });
            rows.push(Row {
                item: get(item).to_owned(),
                at,
                quantity,
                free,
                store: optional(store),
                receipt: optional(receipt),
            });
        }
        Ok(rows)
    }
}

fn column_name(bytes: &[u8]) -> String {
    let name = String::from_utf8_lossy(bytes);
    let name = name.trim_start_matches('\u{feff}').trim().to_lowercase();
    name.replace([' ', '-'], "_")
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Some exports write whole pieces as 3.0000.
fn plain_number(text: &str) -> &str {
    match text.contains(['.', ',']) {
        true => text.trim_end_matches('0').trim_end_matches(['.', ',']),
        false => text,
    }
}

/// `2026-11-21T14:03:59`, with a space, without seconds or time of day, or `21.11.2026 14:03`. A
/// zone after it is passed over: the clock of the shop is what counts.
fn local_time(text: &str) -> Option<ShopTime> {
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "0:0"));
    let (year, month, day) = match date.contains('.') {
        true => {
            let mut parts = date.splitn(3, '.');
            let (day, month) = (parts.next()?, parts.next()?);
            (parts.next()?, month, day)
        }
        false => {
            let mut parts = date.splitn(3, '-');
            (parts.next()?, parts.next()?, parts.next()?)
        }
    };
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let days = days_from_civil(year, month, day)?;
    let mut clock = clock.split(':');
    let mut next = || -> Option<i64> {
        let digits = clock.next().unwrap_or("0");
        let end = digits.find(|it: char| !it.is_ascii_digit());
        digits.get(..end.unwrap_or(digits.len()))?.parse().ok()
    };
    let (hour, minute, second) = (next()?, next()?, next()?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = hour * 3_600 + minute * 60 + second;
    Some(ShopTime::from_millis(days * DAY_MS + seconds * 1000))
}

/// Days since 1970-01-01 in the Gregorian calendar; `None` for a date that is none.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) || !(1900..=2200).contains(&year) {
        return None;
    }
    // Years begin in March, so that the leap day is their last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let of_year = (153 * month + 2) / 5 + day - 1;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leaps + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_exports_write_them() {
        for (text, millis) in [
            ("1970-01-01", Some(0)),
            ("1970-01-01T00:01:02", Some(62_000)),
            ("2010-12-01T08:26:00", Some(1_291_191_960_000)),
            ("2010-12-01 08:26", Some(1_291_191_960_000)),
            ("2010-12-01T08:26:00.500Z", Some(1_291_191_960_000)),
            ("01.12.2010 08:26", Some(1_291_191_960_000)),
            ("2024-02-29", Some(1_709_164_800_000)),
            ("2023-02-29", None),
            ("2010-12-01T24:00", None),
            ("12/01/2010", None),
            ("", None),
        ] {
            assert_eq!(local_time(text).map(ShopTime::as_millis), millis, "{text}");
        }
    }

    #[test]
    fn numbers_with_idle_zeros() {
        for (text, plain) in [
            ("3.0000", "3"),
            ("300", "300"),
            ("0.250", "0.25"),
            ("0,0", "0"),
        ] {
            assert_eq!(plain_number(text), plain);
        }
    }
}
