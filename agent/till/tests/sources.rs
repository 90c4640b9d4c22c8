//! Reports of other systems: what is taken, what becomes a fault, and that nothing blocks.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "test support and tables"
)]

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

#[test]
fn an_api_sale_becomes_one_document() {
    let imported = api(SALE).unwrap();
    assert_eq!(imported.key.receipt.as_str(), "815");
    assert_eq!(imported.body_hash, hash(SALE.as_bytes()));
    let [draft] = recorded(&imported) else {
        panic!()
    };
    draft.validate().unwrap();
    assert_eq!(draft.source.as_ref(), Some(&imported.key));
    let [known, unknown, returned, open] = draft.lines.as_slice() else {
        panic!()
    };
    assert_eq!(known.amount, Some(Money::minor(500)));
    assert_eq!(known.effective, Timestamp::from_millis(1_795_266_180_000));
    assert_eq!(
        unknown.subject,
        Subject::Unbound(Code::new("04006381333919").unwrap())
    );
    assert_eq!(
        (unknown.quantity, unknown.amount),
        (Quantity::thousandths(375), Some(Money::minor(370)))
    );
    assert_eq!(
        (&returned.from, &returned.to),
        (&Location::Customer, &Location::Damaged)
    );
    assert_eq!(returned.amount, Some(Money::minor(-500)));
    assert_eq!(open.subject, Subject::Open);
    let reference = draft.tenders[0].reference.as_ref().unwrap();
    assert_eq!(reference.as_str(), "************1111");
}

#[test]
fn a_report_from_the_future_is_told_apart() {
    let imported = api(SALE).unwrap();
    let at = |ahead| Timestamp::from_millis(1_795_266_180_000 - ahead);
    assert_eq!(imported.ahead_ms(at(REPORT_AHEAD_MS_MAX)), None);
    assert_eq!(imported.ahead_ms(at(86_400_000)), Some(86_400_000));
    assert_eq!(imported.ahead_ms(at(-86_400_000)), None, "late is no fault");
}

#[test]
fn an_api_void_names_its_sale() {
    let imported = api(
        r#"{"till": "2", "transaction": "815", "action": "void", "time": "2026-11-21T15:00:00"}"#,
    )
    .unwrap();
    assert_eq!(imported.key.action, SourceAction::Void);
    let Work::Void { sale, reason, .. } = imported.work else {
        panic!()
    };
    assert_eq!(
        (sale.receipt.as_str(), sale.action, reason.as_str()),
        ("815", SourceAction::Record, "voided")
    );
}

#[test]
fn bad_bodies_say_where_and_what() {
    let changed = |from: &str, to: &str| {
        assert!(SALE.contains(from), "{from}");
        SALE.replacen(from, to, 1)
    };
    let table = [
        (String::new(), "the body is no sale document"),
        ("[]".into(), "the body is no sale document"),
        ("\u{0}".into(), "the body is no sale document"),
        (
            SALE[..SALE.len() / 2].into(),
            "the body is no sale document",
        ),
        ("[".repeat(100_000), "the body is no sale document"),
        (
            changed("berlin-1", "hamburg-1"),
            "store: this PC belongs to the store `berlin-1`",
        ),
        (changed("\"till\": \"2\"", "\"till\": \"2/3\""), "till: "),
        (
            changed("\"815\"", "\"\""),
            "transaction: a receipt number is empty",
        ),
        (changed("14:03:00+01:00", "25:03:00"), "time: "),
        (
            changed("\"2\", \"unit", "\"2.0001\", \"unit"),
            "lines[0].quantity: ",
        ),
        (
            changed("\"2\", \"unit", "0, \"unit"),
            "lines[0]: the quantity is zero",
        ),
        (
            changed("\"2\", \"unit", "1e3, \"unit"),
            "lines[0].quantity: ",
        ),
        (
            changed("\"2\", \"unit", "99999999, \"unit"),
            "lines[0]: the quantity is zero or too large",
        ),
        (
            changed("\"2\", \"unit", "null, \"unit"),
            "lines[0].quantity: ",
        ),
        (changed("2.50", "2.505"), "lines[0].unit_price: "),
        (
            changed("4006381333931", "hello"),
            "lines[0]: the code can't be used: it is no GTIN",
        ),
        (
            changed("A-7", "B-7"),
            "lines[2]: no item has the number `B-7`",
        ),
        (changed("\"damaged\"", "\"the bin\""), "lines[2].to: "),
        (
            changed(", \"unit_price\": \"1.00\"", ""),
            "lines[3]: there is neither",
        ),
        (
            changed("\"card\"", "\"shells\""),
            "the body is no sale document",
        ),
        (changed("\"4.70\"", "\"4,7,0\""), "payments[0].amount: "),
        (
            changed("\"store\"", "\"action\": \"void\", \"store\""),
            "lines: a void undoes its whole receipt",
        ),
        (
            format!("{{\"a\": \"{}\"}}", "x".repeat(2 * 1024 * 1024)),
            "the body has 2097161 bytes",
        ),
    ];
    for (body, want) in table {
        let error = api(&body).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(want), "{text:?} for {want:?}");
        assert!(error.fault(body.as_bytes()).raw.chars().count() <= FAULT_RAW_CHARS_MAX);
    }
}

#[test]
fn a_large_api_sale_is_a_group_that_repeats_exactly() {
    let line = r#"{"code": "4006381333931", "quantity": 1}"#;
    let lines = vec![line; 1_300].join(",");
    let body = format!(
        r#"{{"till": "2", "transaction": "9", "time": "2026-11-21T14:03:00Z", "lines": [{lines}]}}"#
    );
    let (first, again) = (api(&body).unwrap(), api(&body).unwrap());
    assert_eq!(first, again);
    let parts = recorded(&first);
    assert!(parts.len() >= 3);
    assert_eq!(parts.iter().map(|it| it.lines.len()).sum::<usize>(), 1_300);
    parts.iter().for_each(|it| it.validate().unwrap());
}

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

#[test]
fn csv_rows_become_facts_or_faults() {
    let (found, counts) = csv(ROWS.as_bytes(), ROWS.len());
    insta::assert_snapshot!(told(&found));
    insta::assert_snapshot!(format!("{:?}", counts.unwrap()));
    let faults: Vec<_> = found
        .iter()
        .filter_map(|it| match it {
            Found::Fault(it) => Some(it),
            Found::Fact(_) => None,
        })
        .collect();
    assert!(faults.iter().all(|it| !it.raw.contains("4111111111111111")));
    for piece in [1, 7, 64] {
        assert_eq!(csv(ROWS.as_bytes(), piece).0, found, "in pieces of {piece}");
    }
    for draft in found
        .iter()
        .filter_map(|it| match it {
            Found::Fact(it) => Some(it),
            Found::Fault(_) => None,
        })
        .flat_map(|it| recorded(it))
    {
        draft.validate().unwrap();
    }
}

#[test]
fn bad_csv_files_are_told_apart_from_bad_rows() {
    let missing = |text: &[u8]| csv(text, 10).1.unwrap_err().missing;
    assert_eq!(missing(b""), "invoice");
    assert_eq!(missing(b"\x89PNG\r\n\x1a\n"), "invoice");
    assert_eq!(
        missing(b"invoice,time,gtin,quantity\n1,2,3,4\n"),
        "unit_price"
    );
    let semicolons = "Unit_Price;quantity;gtin;time;invoice;note\n1,50;0,5;9520000039066;2010-12-01 08:26;7;hello\n";
    assert_eq!(
        told(&csv(semicolons.as_bytes(), 99).0),
        "7 sale[0.5 floor>customer]"
    );
    let mut long = b"invoice,time,gtin,quantity,unit_price\n".to_vec();
    long.extend(vec![b'9'; 2 * 1024 * 1024]);
    long.extend(b"\n1,2010-12-01T08:26:00,9520000039066,6,2.55\n\xFF\xFE,\n");
    let (found, counts) = csv(&long, 1 << 16);
    assert_eq!((counts.unwrap().invoices, found.len()), (1, 3));
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
fn poslog_sales_returns_voids_and_what_never_happened() {
    let text = format!(
        "<?xml version=\"1.0\"?><n:POSLog xmlns:n=\"http://www.nrf-arts.org/IXRetail/namespace/\">{}{}{}{}{}{}{}</n:POSLog>",
        transaction(
            1,
            "<LineItem VoidFlag=\"true\"><Sale><Quantity>9</Quantity></Sale></LineItem>\
            <LineItem><Return><POSIdentity><POSItemID>9520000039141</POSItemID></POSIdentity><Quantity>1</Quantity></Return></LineItem>\
            <LineItem><Sale><POSItemID>9520000039149</POSItemID><Quantity>0.42</Quantity><ExtendedAmount>1.05</ExtendedAmount></Sale></LineItem>\
            <LineItem><Tender TenderType=\"Cash\"><Amount>5.10</Amount></Tender></LineItem>"
        ),
        transaction(2, "").replace("<Transaction>", "<Transaction CancelFlag=\"true\">"),
        transaction(
            3,
            "<LineItem><Sale><POSItemID>not &amp; a &lt;code&gt;</POSItemID></Sale></LineItem>"
        ),
        transaction(4, "").replace("berlin-1", "rome-9"),
        "<Transaction><ControlTransaction/></Transaction>",
        "<Transaction><WorkstationID>POS3</WorkstationID><SequenceNumber>6</SequenceNumber><BusinessDayDate>2026-11-21</BusinessDayDate>\
         <EndDateTime>2026-11-21T14:09:00</EndDateTime><PostVoidTransaction><TransactionLink><SequenceNumber>1</SequenceNumber></TransactionLink></PostVoidTransaction></Transaction>",
        transaction(
            7,
            "<LineItem><Sale><POSItemID>Department</POSItemID><RegularSalesUnitPrice><![CDATA[3.00]]></RegularSalesUnitPrice></Sale></LineItem>"
        ),
    );
    let (found, counts) = pos(&text);
    insta::assert_snapshot!(told(&found));
    assert_eq!(
        counts.unwrap(),
        PoslogCounts {
            facts: 4,
            passed_over: 2,
            faults: 2
        }
    );
}

#[test]
fn poslog_files_that_cannot_be_read_to_the_end_keep_what_was_found() {
    let good = transaction(1, "");
    let bomb = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><POSLog>&b;</POSLog>";
    let deep = "<a>".repeat(100);
    let table = [
        (
            format!("<POSLog>{good}"),
            1,
            "the XML breaks off or is damaged",
        ),
        (
            format!("<POSLog>{good}<Transaction><Workst"),
            1,
            "the XML breaks off or is damaged",
        ),
        (
            format!("<POSLog>{good}</Wrong>"),
            1,
            "the XML breaks off or is damaged",
        ),
        (
            format!("<POSLog>{good}<Transaction>&secret;</Transaction></POSLog>"),
            1,
            "the XML breaks off or is damaged",
        ),
        (bomb.to_owned(), 0, "the file has a document type"),
        (deep, 0, "elements are nested deeper"),
        ("<html></html>".to_owned(), 0, "the file has no POSLog"),
        (String::new(), 0, "the file has no POSLog"),
    ];
    for (text, facts, want) in table {
        let (found, counts) = pos(&text);
        let error = counts.unwrap_err().to_string();
        assert!(error.starts_with(want), "{error}");
        assert_eq!(found.len(), facts, "{text}");
    }
    let latin = with_context(|it| poslog::read(b"<POSLog>\xE9</POSLog>", &it, &mut vec![]));
    assert_eq!(latin, Err(PoslogError::Encoding { at: 8 }));
}

#[test]
fn the_gift_shop_flows_through() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/giftshop-sales.csv.gz");
    if !path.exists() {
        return;
    }
    let unpacked = std::process::Command::new("gzip")
        .arg("-dc")
        .arg(&path)
        .output()
        .unwrap();
    let (found, counts) = csv(&unpacked.stdout, 1 << 16);
    let counts = counts.unwrap();
    println!("gift shop: {counts:?}");
    assert_eq!(counts.rows, 244_956);
    let uncounted = found
        .iter()
        .filter(|it| matches!(it, Found::Fault(it) if !it.counted))
        .count();
    assert_eq!(counts.lines + uncounted as u64, counts.rows);
    let mut keys = BTreeMap::new();
    for found in &found {
        let Found::Fact(fact) = found else { continue };
        assert!(
            keys.insert(fact.key.clone(), fact.body_hash).is_none(),
            "one fact per key"
        );
        recorded(fact).iter().for_each(|it| it.validate().unwrap());
    }
}

mod any_bytes {
    use super::*;
    use proptest::prelude::*;

    /// Text that looks enough like a report to get past the first check.
    fn mangled(base: &'static str) -> impl Strategy<Value = Vec<u8>> {
        let edit = (
            0..base.len(),
            0..12_usize,
            prop::collection::vec(any::<u8>(), 0..6),
        );
        prop::collection::vec(edit, 0..6).prop_map(move |edits| {
            let mut bytes = base.as_bytes().to_vec();
            for (at, cut, insert) in edits {
                let at = at.min(bytes.len());
                let end = (at + cut).min(bytes.len());
                bytes.splice(at..end, insert);
            }
            bytes
        })
    }

    const POSLOG: &str = "<POSLog><Transaction><WorkstationID>3</WorkstationID><SequenceNumber>1</SequenceNumber><BusinessDayDate>2026-11-21</BusinessDayDate><EndDateTime>2026-11-21T14:03:00</EndDateTime><LineItem><Return><POSItemID>9520000039066</POSItemID><Quantity>2</Quantity></Return></LineItem></Transaction></POSLog>";

    fn usable(fact: &Imported) {
        if let Work::Record(drafts) = &fact.work {
            assert!(!drafts.is_empty());
            drafts.iter().for_each(|it| it.validate().unwrap());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn every_fact_is_valid_and_nothing_panics(
            body in mangled(SALE),
            rows in mangled(ROWS),
            log in mangled(POSLOG),
            noise in prop::collection::vec(any::<u8>(), 0..200),
            piece in 1..50_usize,
        ) {
            for bytes in [&body, &rows, &log, &noise] {
                if let Ok(fact) = with_context(|it| api::read(bytes, &it)) {
                    usable(&fact);
                }
                let (whole, counts) = csv(bytes, bytes.len().max(1));
                prop_assert_eq!(&(csv(bytes, piece)), &(whole.clone(), counts));
                let mut found = whole;
                let _counts = with_context(|it| poslog::read(bytes, &it, &mut found));
                for found in &found {
                    match found {
                        Found::Fact(fact) => usable(fact),
                        Found::Fault(fault) => prop_assert!(fault.raw.chars().count() <= FAULT_RAW_CHARS_MAX),
                    }
                }
            }
        }
    }
}

/// The things that facts name, as `+THING` sold or `-THING` back; `?` for pieces without a name.
fn things(found: &[Found]) -> Vec<String> {
    let facts = found.iter().filter_map(|it| match it {
        Found::Fact(fact) => Some(&fact.goods),
        Found::Fault(_) => None,
    });
    let goods = facts.flatten().map(|it| {
        let sign = if it.comes_back { '-' } else { '+' };
        format!("{sign}{}x{}", it.thing.as_deref().unwrap_or("?"), it.pieces)
    });
    goods.collect()
}

#[test]
fn every_source_says_which_very_things_it_sold() {
    let csv = "invoice;time;gtin;quantity;unit_price;Serial;EPC\n\
        1;2026-11-21T10:00:00Z;11111110;1;1.00;42;\n\
        1;2026-11-21T10:00:00Z;;1;1.00;;tag:A\n\
        1;2026-11-21T10:00:00Z;11111110;2;1.00;43;\n\
        1;2026-11-21T10:00:00Z;11111110;-1;1.00;44;\n\
        1;2026-11-21T10:00:00Z;11111110;1;1.00;;\n\
        1;2026-11-21T10:00:00Z;;1;1.00;;nonsense\n";
    let mut found = Vec::new();
    let source = SourceId::new("pos").unwrap();
    let counts = with_context(|context| {
        let mut reader = CsvImport::new(context, source, None);
        reader.push(csv.as_bytes(), &mut found);
        reader.finish(&mut found).unwrap()
    });
    // Two pieces are no one thing, and what can't be read is a fault and not a sale of nothing.
    let told = ["+11111110/42x1", "+Ax1", "+?x2", "-11111110/44x1", "+?x1"];
    assert_eq!(things(&found), told);
    assert_eq!((counts.lines, counts.faults), (5, 1));

    let body = r#"{"till":"pos","transaction":"1","time":"2026-11-21T10:00:00Z","lines":[
        {"code":"11111110","serial":"42","quantity":1},
        {"epc":"tag:B","quantity":1,"return":true},
        {"code":"11111110","epc":"nonsense","quantity":1}]}"#;
    let fact = with_context(|context| api::read(body.as_bytes(), &context).unwrap());
    let told = ["+11111110/42x1", "-Bx1", "+?x1"];
    assert_eq!(things(&[Found::Fact(Box::new(fact))]), told);
    let body = body.replace(
        r#""code":"11111110","epc":"nonsense""#,
        r#""epc":"nonsense""#,
    );
    let refused = with_context(|context| api::read(body.as_bytes(), &context).unwrap_err());
    assert!(refused.to_string().contains("no tag"), "{refused}");
}
