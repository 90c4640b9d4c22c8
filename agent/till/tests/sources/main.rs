//! Reports of other systems: what is taken, what becomes a fault, and that nothing blocks.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "test support and tables"
)]

mod any_bytes;
mod api_reports;
mod csv_files;
mod poslog_files;
mod things;

use std::collections::BTreeMap;

use shelf_stock::document::{Draft, Kind, SourceAction, Subject};
use shelf_stock::item::{Item, ItemKind};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, ItemId, SourceId, StoreId};
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::returns::ReturnRules;
use shelf_stock::time::Timestamp;
use shelf_till::source::clock::FixedOffset;
use shelf_till::source::csv::{CsvCounts, CsvImport, HeaderError};
use shelf_till::source::poslog::{self, PoslogCounts, PoslogError};
use shelf_till::source::*;

/// Codes of digits are codes; those that end in 9 belong to no item.
struct Catalogue;

impl Resolve for Catalogue {
    fn code(&self, code: &str) -> Resolved {
        let digits =
            !code.is_empty() && code.len() <= 14 && code.bytes().all(|it| it.is_ascii_digit());
        if !digits {
            let reason = "it is no GTIN".to_owned();
            return Resolved::Bad { reason };
        }
        let normalised = Code::new(format!("{code:0>14}")).unwrap();
        if code.ends_with('9') {
            return Resolved::Unknown(normalised);
        }
        let item = Box::new(item(normalised.as_str()));
        Resolved::Item {
            item,
            code: normalised,
        }
    }

    fn item(&self, number: &str) -> Option<Item> {
        number.starts_with("A-").then(|| item(number))
    }

    /// Tags begin with `tag:`, and all of them are on the same article.
    fn thing(&self, text: &str, serial: Option<&str>) -> Option<Named> {
        let code = Some("04006381333930".to_owned());
        match (text.strip_prefix("tag:"), serial) {
            (Some(tag), _) => Some(Named {
                thing: tag.to_owned(),
                code,
            }),
            (None, Some(serial)) => Some(Named {
                thing: format!("{text}/{serial}"),
                code: None,
            }),
            (None, None) => None,
        }
    }
}

fn item(id: &str) -> Item {
    Item {
        id: ItemId::new(id).unwrap(),
        name: id.to_owned(),
        unit: Unit::Piece,
        kind: ItemKind::Standard,
        price: None,
        codes: vec![],
        group: String::new(),
        returns_to: None,
        quick_key: None,
    }
}

fn with_context<T>(run: impl FnOnce(Context<'_>) -> T) -> T {
    let store = StoreId::new("berlin-1").unwrap();
    let returns = ReturnRules::default();
    run(Context {
        store: &store,
        resolve: &Catalogue,
        zone: &FixedOffset { minutes: 60 },
        returns: &returns,
    })
}

fn api(body: &str) -> Result<Imported, api::ApiError> {
    with_context(|it| api::read(body.as_bytes(), &it))
}

fn recorded(imported: &Imported) -> &[Draft] {
    match &imported.work {
        Work::Record(drafts) => drafts,
        Work::Void { .. } => panic!("a void"),
    }
}

const SALE: &str = r#"{"store": "berlin-1", "till": "2", "transaction": "815", "time": "2026-11-21T14:03:00+01:00",
  "lines": [
    {"code": "4006381333931", "quantity": "2", "unit_price": 2.50},
    {"code": "4006381333919", "quantity": 0.375, "unit_price": "10.00", "amount": "3.70"},
    {"item": "A-7", "quantity": "1", "return": true, "unit_price": "5", "to": "damaged", "reason": "broken"},
    {"quantity": 1, "unit_price": "1.00"}
  ],
  "payments": [{"kind": "card", "amount": "4.70", "reference": "4111111111111111"}],
  "from_the_future": true}"#;

fn csv(text: &[u8], piece: usize) -> (Vec<Found>, Result<CsvCounts, HeaderError>) {
    with_context(|it| {
        let mut out = vec![];
        let mut import = CsvImport::new(it, SourceId::new("shop.csv").unwrap(), None);
        for piece in text.chunks(piece) {
            import.push(piece, &mut out);
        }
        let counts = import.finish(&mut out);
        (out, counts)
    })
}

fn told(found: &[Found]) -> String {
    let one = |it: &Found| match it {
        Found::Fact(fact) => match &fact.work {
            Work::Record(drafts) => {
                let draft = |it: &Draft| {
                    format!(
                        "{}[{}]",
                        if it.kind == Kind::Sale {
                            "sale"
                        } else {
                            "adjustment"
                        },
                        it.lines
                            .iter()
                            .map(|it| format!("{} {}>{}", it.quantity, it.from, it.to))
                            .collect::<Vec<_>>()
                            .join(", ")
                    )
                };
                format!(
                    "{} {}",
                    fact.key.receipt,
                    drafts.iter().map(draft).collect::<Vec<_>>().join(" ")
                )
            }
            Work::Void { sale, .. } => format!("void of {}", sale.receipt),
        },
        Found::Fault(fault) => format!(
            "! {}: {}{}",
            fault.place,
            fault.what,
            if fault.counted { " (counted)" } else { "" }
        ),
    };
    found.iter().map(one).collect::<Vec<_>>().join("\n")
}

const ROWS: &str = "\u{feff}invoice,time,gtin,quantity,unit_price\r
1,2010-12-01T08:26:00,9520000039066,6,2.55\r
1,2010-12-01T08:26:00,9520000039141,6,3.39\r
2,2010-12-01T09:00:00,9520000039066,-1,2.55\r
\r
3,2010-12-01T09:01:00,9520000039066,-20,0.0\r
3,2010-12-01T09:01:00,9520000039066,1,0.0\r
4,yesterday,9520000039066,1,1.00\r
4,2010-12-01T09:02:00,banana,1,1.00\r
4,2010-12-01T09:02:00,9520000039066,many,1.00\r
4,2010-12-01T09:02:00,9520000039066,1,0.001\r
4,2010-12-01T09:02:00,9520000039066,2,-5\r
1,2010-12-01T09:03:00,9520000039066,1,1.00\r
,2010-12-01T09:03:00,9520000039066,1,1.00\r
\"5\",\"2010-12-01T09:03:00\",\"9520000039066\",\"1\",\"1.00\"\r
6,\"2010-12-01T09:03:00,9520000039066,1,1.00\r
7,2010-12-01T09:03:00
8,2010-12-01T09:04:00,4111111111111111,1,1.00
9,2010-12-01T09:04:00,9520000039066,1,1.00";

fn pos(text: &str) -> (Vec<Found>, Result<PoslogCounts, PoslogError>) {
    with_context(|it| {
        let mut out = vec![];
        let counts = poslog::read(text.as_bytes(), &it, &mut out);
        (out, counts)
    })
}

fn transaction(sequence: u32, more: &str) -> String {
    format!(
        "<Transaction><RetailStoreID>berlin-1</RetailStoreID><WorkstationID>POS3</WorkstationID>\
         <SequenceNumber>{sequence}</SequenceNumber><BusinessDayDate>2026-11-21</BusinessDayDate>\
         <EndDateTime>2026-11-21T14:03:00</EndDateTime><RetailTransaction>\
         <LineItem><Sale><POSIdentity POSIDType=\"UPC\"><POSItemID>09520000039066</POSItemID></POSIdentity>\
         <RegularSalesUnitPrice>2.55</RegularSalesUnitPrice><Quantity>2</Quantity></Sale></LineItem>{more}\
         </RetailTransaction></Transaction>"
    )
}

#[test]
fn ten_thousand_good_records_flow_past_a_poison_one() {
    let mut text = "invoice,time,gtin,quantity,unit_price\n0,\u{1F4A9},,,\n".to_owned();
    for n in 1..=10_000 {
        text += &format!("{n},2010-12-01T08:26:00,9520000039066,1,2.55\n");
    }
    let (found, counts) = csv(text.as_bytes(), 4_096);
    let counts = counts.unwrap();
    assert_eq!(
        (counts.invoices, counts.faults, found.len()),
        (10_000, 1, 10_001)
    );

    let poison =
        "<Transaction><LineItem><Sale><Quantity>&#33;</Quantity></Sale></LineItem></Transaction>";
    let good: String = (1..=10_000).map(|it| transaction(it, "")).collect();
    let (found, counts) = pos(&format!("<POSLog>{poison}{good}</POSLog>"));
    let counts = counts.unwrap();
    assert_eq!(
        (counts.facts, counts.faults, found.len()),
        (10_000, 1, 10_001)
    );

    let bodies = std::iter::once("{}".to_owned())
        .chain((1..=10_000).map(|n| SALE.replace("815", &n.to_string())));
    assert_eq!(bodies.filter(|it| api(it).is_ok()).count(), 10_000);
}
