//! `POST /api/v1/items`: a catalogue for a PC that works alone, or before its hub speaks.
//!
//! JSON (an array of items) or CSV with a header. Good rows go in, bad rows are named with their
//! line and left out: one typing error must not hold a shop's catalogue back.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use shelf_ledger::Tx;
use shelf_stock::item::{ITEM_CODES_MAX, ITEM_NAME_BYTES_MAX, Item, ItemKind};
use shelf_stock::name::{Code, ItemId};
use shelf_stock::quantity::Unit;

use super::fields::{Body, content_type};
use super::problem::Problem;
use super::{Answer, Site};
use crate::daemon::resolve::normal_code;

/// Faults that one answer names; the rest is counted.
const FAULTS_MAX: usize = 100;
/// Items that one transaction takes, so that scans between them don't wait.
const ITEMS_PER_JOB_MAX: usize = 500;

/// What became of an import.
#[derive(Debug, Default, Serialize)]
pub(super) struct Imported {
    /// Rows that went in.
    pub(super) imported: usize,
    /// Rows that did not.
    pub(super) faults_total: usize,
    /// The first of them.
    pub(super) faults: Vec<Fault>,
}

/// A row that can't be used.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    /// Its line in the CSV, or its number in the array, from 1.
    pub(super) line: usize,
    /// What is wrong.
    pub(super) what: String,
}

impl Imported {
    /// Notes a row that can't be used.
    pub(super) fn fault(&mut self, line: usize, what: impl std::fmt::Display) {
        self.faults_total += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault {
                line,
                what: what.to_string(),
            });
        }
    }
}

/// A row of a CSV by its columns' names, with its line.
pub(super) type Row = (usize, BTreeMap<String, String>);

/// Rows of a CSV with a header; `,` or `;`.
pub(super) fn csv_rows(body: &[u8], done: &mut Imported) -> Answer<Vec<Row>> {
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let header = text.split(|it| *it == b'\n').next().unwrap_or_default();
    let delimiter = if header.contains(&b';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text);
    let names = reader
        .headers()
        .map_err(|_| Problem::bad("the CSV has no readable header"))?;
    let names: Vec<String> = names.iter().map(str::to_ascii_lowercase).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let cells = names.iter().cloned().zip(record.iter().map(str::to_owned));
                let cells = cells.filter(|(_, cell)| !cell.is_empty()).collect();
                rows.push((usize::try_from(line).unwrap_or(0), cells));
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                done.fault(usize::try_from(line).unwrap_or(0), error);
            }
        }
    }
    Ok(rows)
}

/// Values of a JSON array, each with its number from 1.
pub(super) fn json_rows(body: &[u8]) -> Answer<Vec<(usize, serde_json::Value)>> {
    let values: Vec<serde_json::Value> = serde_json::from_slice(body)
        .map_err(|error| Problem::bad(format!("the body is no JSON array: {error}")))?;
    Ok((1..).zip(values).collect())
}

/// Whether the body is CSV; refuses what is neither CSV nor JSON.
pub(super) fn is_csv(headers: &HeaderMap) -> Answer<bool> {
    match content_type(headers).as_str() {
        "text/csv" | "text/plain" => Ok(true),
        "application/json" => Ok(false),
        _ => Err(Problem::new(
            axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "the body is neither CSV nor JSON",
        )
        .hint("send `content-type: text/csv` or `application/json`")),
    }
}

/// `POST /api/v1/items`
pub(super) async fn items(
    State(web): Site,
    headers: HeaderMap,
    Body(body): Body,
) -> Answer<Json<Imported>> {
    let mut done = Imported::default();
    let mut good = Vec::new();
    if is_csv(&headers)? {
        for (line, row) in csv_rows(&body, &mut done)? {
            match item_of_row(&row) {
                Ok(item) => good.push(item),
                Err(what) => done.fault(line, what),
            }
        }
    } else {
        for (line, value) in json_rows(&body)? {
            match item_of_value(value) {
                Ok(item) => good.push(item),
                Err(what) => done.fault(line, what),
            }
        }
    }
    done.imported = good.len();
    for items in good.chunks(ITEMS_PER_JOB_MAX) {
        let items = items.to_vec();
        let put = move |tx: &mut Tx<'_>| tx.catalogue_put(&items);
        web.shop.writer.execute("catalogue", put).await?;
    }
    web.shop.ring();
    Ok(Json(done))
}

fn item_of_value(value: serde_json::Value) -> Result<Item, String> {
    let mut item: Item = serde_json::from_value(value).map_err(|error| error.to_string())?;
    item.codes = item
        .codes
        .iter()
        .map(|it| code(it.as_str()))
        .collect::<Result<_, _>>()?;
    bounded(item)
}

fn code(text: &str) -> Result<Code, String> {
    normal_code(text).ok_or_else(|| format!("`{}` is no code", shelf_till::source::masked(text)))
}

fn bounded(item: Item) -> Result<Item, String> {
    if item.name.trim().is_empty() || item.name.len() > ITEM_NAME_BYTES_MAX {
        return Err(format!(
            "the name must have 1 to {ITEM_NAME_BYTES_MAX} bytes"
        ));
    }
    if item.codes.len() > ITEM_CODES_MAX {
        return Err(format!("more than {ITEM_CODES_MAX} codes"));
    }
    Ok(item)
}

fn item_of_row(row: &BTreeMap<String, String>) -> Result<Item, String> {
    let cell = |name: &str| row.get(name).map(String::as_str);
    let codes: Vec<Code> = cell("gtin")
        .into_iter()
        .map(code)
        .collect::<Result<_, _>>()?;
    let number = cell("item").or_else(|| codes.first().map(Code::as_str));
    let number = number.ok_or("neither gtin nor item is given")?;
    let price = cell("unit_price").map(str::parse).transpose();
    let kind = match cell("kind").unwrap_or("standard") {
        "standard" => ItemKind::Standard,
        "weighed" => ItemKind::Weighed,
        other => return Err(format!("kind `{other}` must be standard or weighed")),
    };
    let unit = match (cell("unit"), &kind) {
        (Some("piece"), _) | (None, ItemKind::Standard) => Unit::Piece,
        (Some("kilogram"), _) | (None, _) => Unit::Kilogram,
        (Some("litre"), _) => Unit::Litre,
        (Some("metre"), _) => Unit::Metre,
        (Some(other), _) => {
            return Err(format!(
                "unit `{other}` must be piece, kilogram, litre or metre"
            ));
        }
    };
    let returns_to = cell("returns_to").map(str::parse).transpose();
    bounded(Item {
        id: ItemId::new(number).map_err(|error| error.to_string())?,
        name: cell("name").unwrap_or_default().to_owned(),
        unit,
        kind,
        price: price.map_err(|error: shelf_stock::money::MoneyError| error.to_string())?,
        codes,
        group: cell("group").unwrap_or_default().to_owned(),
        returns_to: returns_to
            .map_err(|error: shelf_stock::location::LocationError| error.to_string())?,
        quick_key: cell("quick_key").map(str::to_owned),
    })
}
