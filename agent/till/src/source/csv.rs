//! Sales as CSV: `invoice,time,gtin,quantity,unit_price`, one row per line of an invoice.
//!
//! A header names the columns (any order; `epc` and `serial` may name the very thing of a row; more columns
//! are passed over; `,` or `;`). Rows of one
//! invoice stand together. A negative quantity comes back from the customer. A negative quantity at
//! price 0 is no return but a correction by staff: it becomes an adjustment of its own; a positive
//! quantity at price 0 left the shop like any other. A row that can't be used becomes a fault with
//! its raw text, and everything behind it flows on; a row whose price alone can't be used moves its
//! goods without a price, and says so.
//!
//! The importer takes the file in pieces, so that its size doesn't matter; a line's length does.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use shelf_stock::document::{Kind, Line, SourceAction, SourceKey};
use shelf_stock::identity::Digest;
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{Reason, ReceiptNo, SourceId, TillId};
use shelf_stock::quantity::Quantity;

use super::line::{Foreign, Row};
use super::{Context, Found, Imported, InboxFault, Report, Work, clock, drafts};
use crate::basket::Goods;

/// The longest line, terminator not counted.
pub const CSV_LINE_BYTES_MAX: usize = 4_096;
/// The most rows of one invoice.
pub const CSV_INVOICE_ROWS_MAX: usize = 10_000;
/// The most invoices of one file.
pub const CSV_INVOICES_MAX: usize = 1_000_000;
/// The reason of an adjustment that a row at price 0 asks for.
pub const REASON_CORRECTION: &str = "correction";

const COLUMNS: [&str; 5] = ["invoice", "time", "gtin", "quantity", "unit_price"];
/// Columns that may be there: the tag of this very thing, or its serial number.
const COLUMNS_MORE: [&str; 2] = ["epc", "serial"];

const HINT_ROW: &str = "enter what the row means by hand: the rest of its invoice is counted";

/// What a file held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvCounts {
    /// Rows behind the header, empty ones not counted.
    pub rows: u64,
    /// Invoices that became facts.
    pub invoices: u64,
    /// Lines of those facts: sales, returns and adjustments.
    pub lines: u64,
    /// Of those, lines that came back from customers.
    pub returns: u64,
    /// Of those, corrections.
    pub adjustments: u64,
    /// Faults.
    pub faults: u64,
}

/// The file is no such CSV at all: it belongs in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the first line is no header with the columns invoice, time, gtin, quantity and unit_price: {missing} is missing"
)]
pub struct HeaderError {
    /// The first column that is missing.
    pub missing: &'static str,
}

/// Reads one file.
pub struct CsvImport<'a> {
    context: Context<'a>,
    source: SourceId,
    till: Option<TillId>,
    header: Header,
    partial: Vec<u8>,
    overlong: bool,
    line_number: u64,
    invoice: Option<Invoice>,
    seen: BTreeSet<ReceiptNo>,
    counts: CsvCounts,
}

enum Header {
    Awaited,
    Read {
        columns: [usize; 5],
        more: [Option<usize>; 2],
        delimiter: u8,
    },
    Missing(&'static str),
}

struct Invoice {
    receipt: ReceiptNo,
    first_line: u64,
    sold: Vec<Line>,
    goods: Vec<Goods>,
    corrected: Vec<Line>,
    rows: usize,
    hasher: Sha256,
}

impl<'a> CsvImport<'a> {
    /// An importer for one file of a source, at a till if the source is one.
    pub fn new(context: Context<'a>, source: SourceId, till: Option<TillId>) -> Self {
        Self {
            context,
            source,
            till,
            header: Header::Awaited,
            partial: Vec::new(),
            overlong: false,
            line_number: 0,
            invoice: None,
            seen: BTreeSet::new(),
            counts: CsvCounts::default(),
        }
    }

    /// Takes the next piece of the file.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Found>) {
        for piece in bytes.split_inclusive(|it| *it == b'\n') {
            let (body, ended) = match piece.strip_suffix(b"\n") {
                Some(body) => (body, true),
                None => (piece, false),
            };
            let room = (CSV_LINE_BYTES_MAX + 1).saturating_sub(self.partial.len());
            self.overlong |= body.len() > room;
            self.partial.extend(body.iter().take(room));
            if ended {
                self.end_line(out);
            }
        }
    }

    /// The file is over: its last line and its last invoice.
    pub fn finish(mut self, out: &mut Vec<Found>) -> Result<CsvCounts, HeaderError> {
        if !self.partial.is_empty() {
            self.end_line(out);
        }
        self.end_invoice(out);
        match self.header {
            Header::Read { .. } => Ok(self.counts),
            Header::Missing(missing) => Err(HeaderError { missing }),
            Header::Awaited => Err(HeaderError {
                missing: COLUMNS[0],
            }),
        }
    }

    fn end_line(&mut self, out: &mut Vec<Found>) {
        let line = std::mem::take(&mut self.partial);
        let overlong = std::mem::take(&mut self.overlong);
        self.line_number += 1;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches('\r');
        if let Header::Awaited = self.header {
            self.header = header(text.trim_start_matches('\u{feff}'));
            return;
        }
        let Header::Read {
            columns,
            more,
            delimiter,
        } = self.header
        else {
            return;
        };
        if text.trim().is_empty() {
            return;
        }
        self.counts.rows += 1;
        let fields = match fields(text, delimiter) {
            _ if overlong || text.len() > CSV_LINE_BYTES_MAX => {
                let what = format!("the line is longer than {CSV_LINE_BYTES_MAX} bytes");
                return self.fault(out, what, text, false);
            }
            Some(fields) => fields,
            None => return self.fault(out, "a quote is never closed".to_owned(), text, false),
        };
        let field = |at: usize| fields.get(at).map_or("", |it| it.trim());
        let more = more.map(|it| it.map(field).filter(|it| !it.is_empty()));
        self.row(text, &columns.map(field), more, out);
    }

    fn fault(&mut self, out: &mut Vec<Found>, what: String, raw: &str, counted: bool) {
        self.counts.faults += 1;
        let place = format!("line {}", self.line_number);
        let mut fault = InboxFault::new(place, what, HINT_ROW, raw);
        fault.counted = counted;
        out.push(Found::Fault(fault));
    }

    fn row(
        &mut self,
        raw: &str,
        fields: &[&str; 5],
        more: [Option<&str>; 2],
        out: &mut Vec<Found>,
    ) {
        let [receipt, time, gtin, quantity, price] = *fields;
        let receipt = match ReceiptNo::new(receipt) {
            Ok(receipt) => receipt,
            Err(error) => return self.fault(out, error.to_string(), raw, false),
        };
        if self.invoice.as_ref().is_none_or(|it| it.receipt != receipt) {
            self.end_invoice(out);
            if let Err(what) = self.begin_invoice(receipt) {
                return self.fault(out, what, raw, false);
            }
        }
        let full = self.invoice.as_mut().is_none_or(|it| {
            it.hasher.update(raw.as_bytes());
            it.hasher.update(b"\n");
            it.rows += 1;
            it.rows > CSV_INVOICE_ROWS_MAX
        });
        if full {
            let what = format!("the invoice has more than {CSV_INVOICE_ROWS_MAX} rows");
            return self.fault(out, what, raw, false);
        }
        match self.line([time, gtin, quantity, price], more) {
            Ok((row, correction, price_fault)) => {
                if let Some(what) = price_fault {
                    self.fault(out, what, raw, true);
                }
                if let Some(invoice) = &mut self.invoice {
                    if correction {
                        invoice.corrected.push(row.line);
                    } else {
                        invoice.sold.push(row.line);
                        invoice.goods.push(row.goods);
                    }
                }
            }
            Err(what) => self.fault(out, what, raw, false),
        }
    }

    fn begin_invoice(&mut self, receipt: ReceiptNo) -> Result<(), String> {
        if self.seen.len() >= CSV_INVOICES_MAX {
            return Err(format!(
                "the file has more than {CSV_INVOICES_MAX} invoices"
            ));
        }
        if !self.seen.insert(receipt.clone()) {
            return Err(format!(
                "invoice {receipt} appears again after another one; its rows must stand together"
            ));
        }
        self.invoice = Some(Invoice {
            receipt,
            first_line: self.line_number,
            sold: Vec::new(),
            goods: Vec::new(),
            corrected: Vec::new(),
            rows: 0,
            hasher: Sha256::new(),
        });
        Ok(())
    }

    /// A row as a line; whether it is a correction; and what is wrong with its price.
    fn line(
        &self,
        [time, gtin, quantity, price]: [&str; 4],
        [epc, serial]: [Option<&str>; 2],
    ) -> Result<(Row, bool, Option<String>), String> {
        let effective = clock::read(time, None, self.context.zone).map_err(|it| it.to_string())?;
        let quantity: Quantity = quantity
            .parse()
            .map_err(|it: shelf_stock::quantity::QuantityError| it.to_string())?;
        let (unit_price, fault) = match price.parse::<Money>() {
            Ok(price) if price >= Money::ZERO => (Some(price), None),
            Ok(_) => (
                None,
                Some("the price is negative; the goods are counted without it".to_owned()),
            ),
            Err(error) => (
                None,
                Some(format!("{error}; the goods are counted without it")),
            ),
        };
        let correction = quantity < Quantity::ZERO && unit_price == Some(Money::ZERO);
        let foreign = Foreign {
            // Where the tag says it, the column may be empty.
            code: Some(gtin).filter(|it| !it.is_empty() || epc.is_none()),
            item: None,
            epc,
            serial,
            quantity: if correction {
                quantity.negated()
            } else {
                quantity
            },
            unit_price: unit_price.filter(|_| !correction),
            amount: None,
            to: None,
            reason: None,
            effective,
        };
        let read = foreign.into_line(self.context.resolve, self.context.returns);
        let mut row = read.map_err(|it| it.to_string())?;
        if correction {
            row.line.to = Location::Loss;
        }
        Ok((row, correction, fault))
    }

    fn end_invoice(&mut self, out: &mut Vec<Found>) {
        let Some(invoice) = self.invoice.take() else {
            return;
        };
        let (first_line, receipt) = (invoice.first_line, invoice.receipt.clone());
        let tally = tally(&invoice);
        match self.fact(invoice) {
            Ok(Some(fact)) => {
                self.counts.invoices += 1;
                self.counts.lines += tally.0;
                self.counts.returns += tally.1;
                self.counts.adjustments += tally.2;
                out.push(Found::Fact(Box::new(fact)));
            }
            Ok(None) => {}
            Err(error) => {
                self.counts.faults += 1;
                let place = format!("line {first_line}");
                let fault = InboxFault::new(place, error.to_string(), HINT_ROW, receipt.as_str());
                out.push(Found::Fault(fault));
            }
        }
    }

    fn fact(&self, invoice: Invoice) -> Result<Option<Imported>, shelf_stock::name::NameError> {
        let sold_count = u32::try_from(invoice.sold.len()).unwrap_or(u32::MAX);
        let key = SourceKey {
            source: self.source.clone(),
            receipt: invoice.receipt,
            action: SourceAction::Record,
            part: 0,
        };
        let report = |kind, part, lines| Report {
            kind,
            key: SourceKey {
                part,
                ..key.clone()
            },
            till: self.till.clone(),
            staff: None,
            lines,
            tenders: Vec::new(),
        };
        let mut all = Vec::new();
        if !invoice.sold.is_empty() {
            all.extend(drafts(report(Kind::Sale, 0, invoice.sold))?);
        }
        if !invoice.corrected.is_empty() {
            let reason = Reason::new(REASON_CORRECTION)?;
            let kind = Kind::Adjustment { reason };
            all.extend(drafts(report(kind, sold_count, invoice.corrected))?);
        }
        Ok((!all.is_empty()).then(|| Imported {
            key,
            body_hash: Digest::from_bytes(invoice.hasher.finalize().into()),
            work: Work::Record(all),
            goods: invoice.goods,
        }))
    }
}

/// Lines, returns and corrections of an invoice.
fn tally(invoice: &Invoice) -> (u64, u64, u64) {
    let count = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
    let back = invoice
        .sold
        .iter()
        .filter(|it| it.from == Location::Customer);
    let corrected = invoice.corrected.len();
    (
        count(invoice.sold.len() + corrected),
        count(back.count()),
        count(corrected),
    )
}

fn header(text: &str) -> Header {
    let delimiter = if text.contains(';') { b';' } else { b',' };
    let names = fields(text, delimiter).unwrap_or_default();
    let mut columns = [0; 5];
    for (slot, wanted) in columns.iter_mut().zip(COLUMNS) {
        let found = names
            .iter()
            .position(|it| it.trim().eq_ignore_ascii_case(wanted));
        match found {
            Some(index) => *slot = index,
            None => return Header::Missing(wanted),
        }
    }
    let more = COLUMNS_MORE.map(|wanted| {
        let mut names = names.iter();
        names.position(|it| it.trim().eq_ignore_ascii_case(wanted))
    });
    Header::Read {
        columns,
        more,
        delimiter,
    }
}

/// The fields of one line; `None` where a quote is never closed.
fn fields(text: &str, delimiter: u8) -> Option<Vec<String>> {
    if !text.contains('"') {
        return Some(
            text.split(char::from(delimiter))
                .map(str::to_owned)
                .collect(),
        );
    }
    if text.bytes().filter(|it| *it == b'"').count() % 2 == 1 {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(512)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => Some(record.iter().map(str::to_owned).collect()),
        Ok(false) | Err(_) => None,
    }
}
