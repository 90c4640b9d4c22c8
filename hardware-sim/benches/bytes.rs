//! How many bytes a movement has on the wire, and how long packing and reading it takes.
//!
//! Every invoice of both shops becomes the document that a till writes of it: prices, quantities
//! and returns are the data's own; the seconds between scans and the terminal's numbers, which the
//! data doesn't have, are drawn. Payloads are whole, with place, predecessor and signature. Prints
//! one JSON line for each shop, size of batch and format; asserts nothing. The folder of the data
//! is the variable `SHELF_SALES_DATA`. Run with `cargo bench -p shelf-sim --bench bytes`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench reads files and the clock, and prints its result"
)]

use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use flate2::read::MultiGzDecoder;
use shelf_sim::shop::Dice;
use shelf_stock::document::{
    Document, Draft, Kind, Line, PaymentState, SourceAction, SourceKey, Subject, Tender, TenderKind,
};
use shelf_stock::identity::{Digest, Incarnation, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, ItemId, ReceiptNo, SourceId, StaffId, TenderRef, TillId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::frame::{FORMAT, FORMAT_PLAIN, FRAME_BYTES_MAX, pack, pack_for, unpack};
use shelf_wire::key::{NodeKey, SIGNATURE_BYTES};
use shelf_wire::message::{BATCH_DOCUMENTS_MAX, LogBatch, Message};
use shelf_wire::sealed::{Authored, Sealed};

/// Lines of each shop: enough that several full batches are made.
const LINES_MAX: usize = 60_000;
const ROUNDS: u32 = 5;
/// 2026-01-01.
const EPOCH_MS: i64 = 1_767_225_600_000;

struct Row {
    invoice: String,
    second: i64,
    item: String,
    quantity: i64,
    price: i64,
    amount: i64,
}

fn table(path: &Path, row: impl Fn(&csv::StringRecord) -> Option<Row>) -> Vec<Row> {
    let file = MultiGzDecoder::new(File::open(path).unwrap());
    let mut reader = csv::Reader::from_reader(file);
    let rows = reader.records().filter_map(|it| row(&it.unwrap()));
    rows.take(LINES_MAX).collect()
}

fn minor(text: &str) -> Option<i64> {
    text.parse::<Money>().ok().map(Money::as_minor)
}

/// Seconds since the year's start of `2011-01-31T09:05:00`, near enough.
fn second(time: &str) -> Option<i64> {
    let part = |from: usize, to: usize| time.get(from..to)?.parse::<i64>().ok();
    let days = (part(2, 4)? * 12 + part(5, 7)? - 1) * 31 + part(8, 10)?;
    Some(((days * 24 + part(11, 13)?) * 60 + part(14, 16)?) * 60 + part(17, 19)?)
}

fn giftshop(folder: &Path) -> Vec<Row> {
    table(&folder.join("giftshop-sales.csv.gz"), |it| {
        let (quantity, price) = (it.get(3)?.parse().ok()?, minor(it.get(4)?)?);
        Some(Row {
            invoice: it.get(0)?.to_owned(),
            second: second(it.get(1)?)?,
            item: format!("{:0>14}", it.get(2)?),
            quantity,
            price,
            amount: price * quantity,
        })
    })
}

fn supermarket(folder: &Path) -> Vec<Row> {
    table(&folder.join("supermarket-sales.csv.gz"), |it| {
        let quantity: i64 = it.get(4)?.parse().ok()?;
        // The data has floating point: 3.9 for 3.90.
        let cents = |text: &str| minor(&format!("{:.2}", text.parse::<f64>().ok()?));
        let (amount, discount) = (cents(it.get(5)?)?, cents(it.get(6)?)?);
        Some(Row {
            invoice: it.get(1)?.to_owned(),
            second: second(it.get(2)?)?,
            item: it.get(3)?.to_owned(),
            quantity,
            price: (amount + discount) / quantity.max(1),
            amount,
        })
    })
}

fn line(row: &Row, effective: Timestamp) -> Line {
    let back = row.quantity < 0;
    let (floor, customer) = (Location::SalesFloor, Location::Customer);
    let (from, to) = if back {
        (customer, floor)
    } else {
        (floor, customer)
    };
    Line {
        subject: Subject::Item(ItemId::new(row.item.as_str()).unwrap()),
        quantity: Quantity::units(row.quantity.abs()),
        from,
        to,
        effective,
        unit_price: Some(Money::minor(row.price)),
        amount: Some(Money::minor(row.amount)),
        parts: vec![],
        code: Some(Code::new(row.item.as_str()).unwrap()),
        reason: None,
    }
}

/// What a till writes of an invoice.
fn draft(number: usize, rows: &[Row], wall: Timestamp, dice: &mut Dice) -> Draft {
    let mut draft = Draft::new(Kind::Sale);
    let till = TillId::new("till-1").unwrap();
    draft.source = Some(SourceKey {
        source: SourceId::new(till.as_str()).unwrap(),
        receipt: ReceiptNo::new(number.to_string()).unwrap(),
        action: SourceAction::Record,
        part: 0,
    });
    draft.till = Some(till);
    draft.staff = Some(StaffId::new(format!("{}", 11 + number / 400 % 3)).unwrap());
    let mut before_ms = i64::try_from(dice.between(8_000, 40_000)).unwrap();
    for row in rows.iter().rev() {
        draft.lines.push(line(row, wall.plus_millis(-before_ms)));
        before_ms += i64::try_from(dice.between(1_200, 7_000)).unwrap();
    }
    draft.lines.reverse();
    let card = dice.below(10) < 6;
    draft.tenders = vec![Tender {
        kind: if card {
            TenderKind::Card
        } else {
            TenderKind::Cash
        },
        amount: draft.lines.iter().filter_map(|it| it.amount).sum(),
        reference: card.then(|| TenderRef::new(format!("{:06}", number * 6 / 10)).unwrap()),
        state: PaymentState::Captured,
    }];
    draft
}

/// The log of a shop: every invoice a document.
fn log(rows: &[Row], key: &NodeKey) -> Vec<Authored> {
    let mut dice = Dice::new(7, 7);
    let mut log: Vec<Authored> = Vec::new();
    let (mut clock_ms, mut second) = (EPOCH_MS, 0);
    for rows in rows.chunk_by(|a, b| a.invoice == b.invoice) {
        for rows in rows.chunks(200) {
            let gap = (rows[0].second - second).clamp(0, 86_400) * 1_000;
            second = rows[0].second;
            clock_ms += gap.max(20_000) + i64::try_from(dice.below(1_000)).unwrap();
            let wall = Timestamp::from_millis(clock_ms);
            let number = log.len() + 1;
            let document = Document {
                place: Place {
                    node: key.node_id(),
                    incarnation: Incarnation(0x1234_5678_9ABC_DEF0),
                    seq: Seq(u64::try_from(number).unwrap()),
                },
                prev: log.last().map_or(Digest::ZERO, Authored::digest),
                hlc: Hlc::at(wall),
                wall,
                draft: draft(number, rows, wall, &mut dice),
            };
            // Rows that no till would take: nothing for nothing.
            if let Ok(authored) = Authored::write(document) {
                log.push(authored);
            }
        }
    }
    log
}

struct Made {
    frames: Vec<Vec<u8>>,
    lines: usize,
}

/// Batches of so many documents; `None`: as many as fit a payload.
fn batches(log: &[Authored], of: Option<usize>, reads: u8, key: &NodeKey) -> Made {
    let mut made = Made {
        frames: Vec::new(),
        lines: 0,
    };
    let mut rest = log;
    let mut count = of.unwrap_or(BATCH_DOCUMENTS_MAX);
    while !rest.is_empty() && (of.is_none() || rest.len() >= count) {
        count = count.min(rest.len());
        let documents: Vec<Sealed> = rest[..count].iter().map(|it| it.sealed().clone()).collect();
        let head = key.sign_head(&documents.last().unwrap().head());
        let batch = LogBatch::of(&documents, &head, count > 1).unwrap();
        let message = Message::LogBatch(batch);
        // What a relay must be able to pass on to anybody, as the machines keep it.
        let relayable = of.is_some() || pack(&message).is_ok();
        match pack_for(&message, u32::from(reads)).map(|it| relayable.then_some(it)) {
            Ok(Some(frame)) => made.frames.push(frame),
            _ => {
                count = count * 9 / 10;
                continue;
            }
        }
        made.lines += rest[..count]
            .iter()
            .map(|it| it.document().draft.lines.len())
            .sum::<usize>();
        rest = &rest[count..];
        if of.is_none() {
            count = (count * 21 / 20).min(BATCH_DOCUMENTS_MAX);
        }
    }
    made
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn report(shop: &str, log: &[Authored], of: Option<usize>, reads: u8, key: &NodeKey) {
    let made = batches(log, of, reads, key);
    let messages: Vec<Message> = made.frames.iter().map(|it| unpack(it).unwrap()).collect();
    let (mut packing, mut reading) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for message in &messages {
            black_box(pack_for(message, u32::from(reads)).unwrap());
        }
        packing.push(start.elapsed().as_nanos() as f64 / made.lines as f64);
        let start = Instant::now();
        for frame in &made.frames {
            black_box(unpack(frame).unwrap());
        }
        reading.push(start.elapsed().as_nanos() as f64 / made.lines as f64);
    }
    let bytes: usize = made.frames.iter().map(Vec::len).sum();
    let lines = made.lines as f64;
    let unsigned = bytes - made.frames.len() * SIGNATURE_BYTES;
    let documents = of.map_or_else(|| "\"full\"".to_owned(), |it| it.to_string());
    println!(
        r#"{{"bench":"bytes","shop":"{shop}","format":{reads},"documents":{documents},"payloads":{},"lines":{},"bytes_per_movement":{:.2},"without_signature":{:.2},"bytes_per_payload":{},"pack_ns_per_movement":{:.0},"unpack_ns_per_movement":{:.0}}}"#,
        made.frames.len(),
        made.lines,
        bytes as f64 / lines,
        unsigned as f64 / lines,
        bytes / made.frames.len().max(1),
        median(packing),
        median(reading),
    );
    assert!(made.frames.iter().all(|it| it.len() <= FRAME_BYTES_MAX));
}

fn main() {
    let Ok(folder) = std::env::var("SHELF_SALES_DATA") else {
        println!(r#"{{"bench":"bytes","skipped":"SHELF_SALES_DATA is not set"}}"#);
        return;
    };
    let folder = Path::new(&folder);
    let key = NodeKey::from_seed([7; 32]);
    for (shop, rows) in [
        ("giftshop", giftshop(folder)),
        ("supermarket", supermarket(folder)),
    ] {
        let log = log(&rows, &key);
        for of in [Some(1), Some(10), Some(100), None] {
            for reads in [FORMAT_PLAIN, FORMAT] {
                report(shop, &log, of, reads, &key);
            }
        }
    }
}
