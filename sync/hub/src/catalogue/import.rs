//! Reads an import: JSON array or CSV in, items and rejected rows out.
//!
//! Pure: text in, values out, nothing is stored. A row is rejected with its line, its field, the
//! value and what is wrong, and never takes another row with it. Only text that is no JSON or CSV
//! at all fails as a whole. Columns: `gtin`, `name`, `unit_price` and, where a shop needs them,
//! `item` (own number), `unit`, `group`, `quick_key`; JSON rows may also carry `codes`, `kind` and
//! `returns_to`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shelf_codecs::barcode::Gtin;
use shelf_stock::item::{
    COMPOSITION_PARTS_MAX, ITEM_CODES_MAX, ITEM_NAME_BYTES_MAX, Item, ItemKind,
};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, ItemId};
use shelf_stock::quantity::Unit;
use utoipa::ToSchema;

/// The largest import that is read.
pub const IMPORT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most rows of one import.
pub const IMPORT_ROWS_MAX: usize = 250_000;
/// The most rejected rows that an answer lists; the count is always whole.
pub const REJECTED_LISTED_MAX: usize = 1000;
/// How much of a bad value an answer repeats.
const VALUE_CHARS_MAX: usize = 60;

/// A row that went nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rejected {
    /// Line of the import where the row starts, from 1.
    pub line: u64,
    /// Which field, or `row` for the whole of it.
    pub field: String,
    /// The beginning of what it says.
    pub value: String,
    /// What is wrong.
    pub problem: String,
}

/// A row that can go in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Line of the import where it starts, from 1.
    pub line: u64,
    /// What it says.
    pub item: Item,
}

/// The whole import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Rows that can go in, one per item.
    pub rows: Vec<Row>,
    /// Rows that can't.
    pub rejected: Vec<Rejected>,
}

/// The text as a whole can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No JSON array.
    #[error("the import is no JSON array of items (line {line}: {problem})")]
    Json {
        /// Where reading stopped, from 1.
        line: usize,
        /// What the reader says.
        problem: String,
    },
    /// No CSV with the needed columns.
    #[error("the import has no column `{column}`; its first line must be `gtin,name,unit_price`")]
    Column {
        /// Which column is missing.
        column: &'static str,
    },
    /// More rows than one import may have.
    #[error("the import has more than {IMPORT_ROWS_MAX} rows; split it")]
    Rows,
}

/// One row as it was written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    item: Option<String>,
    gtin: Option<String>,
    name: String,
    unit_price: Option<Amount>,
    unit: Option<Unit>,
    kind: Option<ItemKind>,
    codes: Vec<String>,
    group: Option<String>,
    quick_key: Option<String>,
    returns_to: Option<Location>,
}

/// A price as text or as a JSON number, whose shortest decimal form is what was written.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Amount {
    Text(String),
    Number(serde_json::Number),
}

/// Reads a JSON array of rows.
pub fn json(text: &str) -> Result<Import, ImportError> {
    let raw: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| ImportError::Json {
        line: error.line(),
        problem: error.to_string(),
    })?;
    if raw.len() > IMPORT_ROWS_MAX {
        return Err(ImportError::Rows);
    }
    let mut lines = LineCounter::new(text);
    let mut import = Import::default();
    for raw in raw {
        let line = lines.line_of(raw.get());
        match serde_json::from_str::<Written>(raw.get()) {
            Ok(written) => import.take(line, read(written)),
            Err(error) => import.take(line, Err(reject("row", raw.get(), error.to_string()))),
        }
    }
    Ok(import.one_row_per_item())
}

/// Reads CSV with a header line; a byte order mark and `;` as separator are understood.
pub fn csv(text: &str) -> Result<Import, ImportError> {
    let text = text.trim_start_matches('\u{feff}');
    let header = text.lines().next().unwrap_or_default();
    let comma = !header.contains(';') || header.contains(',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if comma { b',' } else { b';' })
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = Columns::find(reader.headers().ok())?;
    let mut import = Import::default();
    for (index, record) in reader.records().enumerate() {
        if index >= IMPORT_ROWS_MAX {
            return Err(ImportError::Rows);
        }
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                import.take(line, columns.written(&record).and_then(read));
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                import.take(line, Err(reject("row", "", error.to_string())));
            }
        }
    }
    Ok(import.one_row_per_item())
}

impl Import {
    fn take(&mut self, line: u64, row: Result<Item, Rejected>) {
        match row {
            Ok(item) => self.rows.push(Row { line, item }),
            Err(rejected) => self.rejected.push(Rejected { line, ..rejected }),
        }
    }

    /// Rejects rows that repeat an item or a code of an earlier row.
    fn one_row_per_item(mut self) -> Self {
        let mut items: BTreeMap<ItemId, u64> = BTreeMap::new();
        let mut codes: BTreeMap<Code, u64> = BTreeMap::new();
        let rows = std::mem::take(&mut self.rows);
        for row in rows {
            let item_before = items.get(&row.item.id).copied();
            let code_before = row.item.codes.iter().find_map(|it| codes.get(it).copied());
            if let Some(line) = item_before.or(code_before) {
                let problem = format!("the item or one of its codes already stands in line {line}");
                let rejected = reject("row", row.item.id.as_str(), problem);
                self.take(row.line, Err(rejected));
                continue;
            }
            items.insert(row.item.id.clone(), row.line);
            codes.extend(row.item.codes.iter().map(|it| (it.clone(), row.line)));
            self.rows.push(row);
        }
        self.rejected.sort_by_key(|it| it.line);
        self
    }
}

fn reject(field: &str, value: &str, problem: impl Into<String>) -> Rejected {
    Rejected {
        line: 0,
        field: field.to_owned(),
        value: value.chars().take(VALUE_CHARS_MAX).collect(),
        problem: problem.into(),
    }
}

fn read(written: Written) -> Result<Item, Rejected> {
    let codes = codes(&written)?;
    let own = written
        .item
        .as_deref()
        .map(str::trim)
        .filter(|it| !it.is_empty());
    let id = match (own, codes.first()) {
        (Some(own), _) => ItemId::new(own).map_err(|it| reject("item", own, it.to_string()))?,
        (None, Some(code)) => ItemId::new(code.as_str())
            .map_err(|it| reject("gtin", code.as_str(), it.to_string()))?,
        (None, None) => {
            return Err(reject(
                "gtin",
                "",
                "a row needs a `gtin` or an `item` number",
            ));
        }
    };
    let name = written.name.trim();
    if name.is_empty() {
        return Err(reject(
            "name",
            "",
            "an item needs a name for cashiers to read",
        ));
    }
    if name.len() > ITEM_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        let problem = format!("a name has at most {ITEM_NAME_BYTES_MAX} bytes, all printable");
        return Err(reject("name", name, problem));
    }
    let kind = written.kind.unwrap_or_default();
    check_parts(&kind)?;
    Ok(Item {
        id,
        name: name.to_owned(),
        unit: written.unit.unwrap_or_default(),
        kind,
        price: price(written.unit_price)?,
        codes,
        group: written.group.unwrap_or_default(),
        returns_to: written.returns_to,
        quick_key: written.quick_key.filter(|it| !it.is_empty()),
    })
}

fn codes(written: &Written) -> Result<Vec<Code>, Rejected> {
    let mut codes = Vec::new();
    let gtin = written
        .gtin
        .as_deref()
        .map(str::trim)
        .filter(|it| !it.is_empty());
    if let Some(text) = gtin {
        let gtin = Gtin::parse(text).map_err(|it| reject("gtin", text, it.to_string()))?;
        codes.push(code("gtin", &gtin.to_string())?);
    }
    for text in &written.codes {
        let code = match (Gtin::parse(text), text.strip_prefix("in-store:")) {
            (Ok(gtin), _) => code("codes", &gtin.to_string())?,
            (Err(_), Some(_)) => code("codes", text)?,
            (Err(error), None) => {
                let problem = format!("{error}; a store's own code starts with `in-store:`");
                return Err(reject("codes", text, problem));
            }
        };
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    if codes.len() > ITEM_CODES_MAX {
        let problem = format!("an item has at most {ITEM_CODES_MAX} codes");
        return Err(reject("codes", "", problem));
    }
    Ok(codes)
}

fn code(field: &str, text: &str) -> Result<Code, Rejected> {
    Code::new(text).map_err(|it| reject(field, text, it.to_string()))
}

fn price(written: Option<Amount>) -> Result<Option<Money>, Rejected> {
    let text = match written {
        None => return Ok(None),
        Some(Amount::Text(text)) => text.trim().to_owned(),
        Some(Amount::Number(number)) => number.to_string(),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let price: Money = text.parse().map_err(|_| {
        reject(
            "unit_price",
            &text,
            "write a price like 12.34, without currency",
        )
    })?;
    if price < Money::ZERO {
        return Err(reject("unit_price", &text, "a price is not below zero"));
    }
    Ok(Some(price))
}

fn check_parts(kind: &ItemKind) -> Result<(), Rejected> {
    let parts = match kind {
        ItemKind::Bundle(parts) => parts.as_slice(),
        ItemKind::Pack(part) => std::slice::from_ref(part),
        ItemKind::Standard | ItemKind::Weighed => return Ok(()),
    };
    if parts.is_empty() || parts.len() > COMPOSITION_PARTS_MAX {
        let problem = format!("a composition has 1 to {COMPOSITION_PARTS_MAX} parts");
        return Err(reject("kind", "", problem));
    }
    match parts.iter().find(|it| !it.quantity.fits_a_line()) {
        Some(part) => Err(reject(
            "kind",
            part.item.as_str(),
            "a part's quantity is above zero",
        )),
        None => Ok(()),
    }
}

/// Which column is where.
struct Columns {
    by_name: BTreeMap<String, usize>,
}

impl Columns {
    fn find(header: Option<&csv::StringRecord>) -> Result<Self, ImportError> {
        let names = header.into_iter().flatten().enumerate();
        let by_name: BTreeMap<String, usize> = names
            .map(|(index, name)| (name.trim().to_ascii_lowercase(), index))
            .collect();
        for column in ["name", "unit_price"] {
            if !by_name.contains_key(column) {
                return Err(ImportError::Column { column });
            }
        }
        if !by_name.contains_key("gtin") && !by_name.contains_key("item") {
            return Err(ImportError::Column { column: "gtin" });
        }
        Ok(Self { by_name })
    }

    fn written(&self, record: &csv::StringRecord) -> Result<Written, Rejected> {
        let cell = |name: &str| {
            let index = self.by_name.get(name)?;
            record
                .get(*index)
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
        };
        let unit = match cell("unit") {
            None => None,
            Some(text) => {
                let value = serde_json::Value::String(text.to_ascii_lowercase());
                let unit = serde_json::from_value(value);
                Some(unit.map_err(|it| reject("unit", &text, it.to_string()))?)
            }
        };
        Ok(Written {
            item: cell("item"),
            gtin: cell("gtin"),
            name: cell("name").unwrap_or_default(),
            unit_price: cell("unit_price").map(Amount::Text),
            unit,
            group: cell("group"),
            quick_key: cell("quick_key"),
            ..Written::default()
        })
    }
}

/// Counts lines up to slices of one text, in order.
struct LineCounter<'a> {
    text: &'a str,
    counted: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            counted: 0,
            line: 1,
        }
    }

    /// The line of a slice of the text; later calls must ask for later slices.
    fn line_of(&mut self, part: &str) -> u64 {
        let start = self.text.as_ptr() as usize;
        let offset = (part.as_ptr() as usize).saturating_sub(start);
        let between = self
            .text
            .as_bytes()
            .get(self.counted..offset)
            .unwrap_or_default();
        let newlines = between.iter().filter(|byte| **byte == b'\n').count();
        self.line += u64::try_from(newlines).unwrap_or(u64::MAX);
        self.counted = offset.max(self.counted);
        self.line
    }
}

#[cfg(test)]
mod tests;
