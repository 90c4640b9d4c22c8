//! Receipts that other tills print: what is a sale, what is none, and what is left to a person.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test support and tables")]

use shelf_stock::document::Subject;
use shelf_stock::item::{Item, ItemKind};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, ItemId, SourceId, StoreId, TillId};
use shelf_stock::quantity::Unit;
use shelf_stock::returns::ReturnRules;
use shelf_stock::time::Timestamp;
use shelf_till::source::clock::FixedOffset;
use shelf_till::source::receipt::{Age, Origin, Printed, PrintedSale, Reading, read};
use shelf_till::source::{Context, Resolve, Resolved, Work};

/// 21 November 2026, 14:00 UTC.
const NOW: i64 = 1_795_269_600_000;

/// What this shop sells: number, name, price.
const GOODS: [(&str, &str, i64); 7] = [
    ("10", "Brot", 249),
    ("11", "Milch 1L", 109),
    ("12", "Bio Vollmilchschokolade Nuss 100g", 199),
    ("13", "Seife", 99),
    ("14", "Seife", 149),
    ("15", "Cola 6x0,5L", 399),
    ("16", "Käse", 1990),
];

struct Shop;

fn goods() -> Vec<Item> {
    let item = |(id, name, price): &(&str, &str, i64)| Item {
        id: ItemId::new(id).unwrap(),
        name: (*name).to_owned(),
        unit: Unit::Piece,
        kind: if *name == "Käse" {
            ItemKind::Weighed
        } else {
            ItemKind::Standard
        },
        price: Some(Money::minor(*price)),
        codes: vec![],
        group: String::new(),
        returns_to: None,
        quick_key: None,
    };
    GOODS.iter().map(item).collect()
}

impl Resolve for Shop {
    fn code(&self, code: &str) -> Resolved {
        let known = Code::new(code).unwrap();
        match code {
            "4006381333931" => {
                let item = Box::new(self.item("10").unwrap());
                Resolved::Item { item, code: known }
            }
            _ => Resolved::Unknown(known),
        }
    }

    fn item(&self, number: &str) -> Option<Item> {
        goods().into_iter().find(|it| it.id.as_str() == number)
    }

    fn names(&self, beginning: &str) -> Vec<Item> {
        let beginning = beginning.to_lowercase();
        let mut found = goods();
        found.retain(|it| it.name.to_lowercase().starts_with(&beginning));
        found
    }
}

fn reading(lines: &[&str]) -> Reading {
    let lines: Vec<String> = lines.iter().map(|it| (*it).to_owned()).collect();
    let printed = Printed {
        lines: &lines,
        is_whole: true,
        is_drawn: false,
        at: Timestamp::from_millis(NOW),
    };
    let (source, till) = (
        SourceId::new("till-1").unwrap(),
        TillId::new("till-1").unwrap(),
    );
    let origin = Origin {
        source: &source,
        till: &till,
        number_words: None,
    };
    let store = StoreId::new("berlin").unwrap();
    let returns = ReturnRules::default();
    let context = Context {
        store: &store,
        resolve: &Shop,
        zone: &FixedOffset { minutes: 0 },
        returns: &returns,
    };
    read(&printed, &origin, &context)
}

/// A receipt with these rows, its number, its date and its sum.
fn receipt(rows: &[&str], total: &str) -> Vec<String> {
    let mut lines = vec![
        "Laden am Eck".to_owned(),
        "Bon-Nr 815  21.11.2026 13:58".to_owned(),
    ];
    lines.extend(rows.iter().map(|it| (*it).to_owned()));
    lines.push(format!("SUMME EUR {total}"));
    lines.extend(["Bar 50,00", "MwSt 19% 0,40", "Rückgabe nur mit Bon"].map(str::to_owned));
    lines
}

fn read_rows(rows: &[&str], total: &str) -> Reading {
    let lines = receipt(rows, total);
    reading(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

fn sale(reading: Reading) -> PrintedSale {
    match reading {
        Reading::Sale(sale) => *sale,
        other => panic!("{other:?}"),
    }
}

/// Its lines: the item (or `?` and the name), how many thousandths, negative where they come back.
fn moved(sale: &PrintedSale) -> Vec<(String, i64)> {
    let Work::Record(drafts) = &sale.imported.work else {
        panic!("{sale:?}")
    };
    let lines = drafts.iter().flat_map(|it| &it.lines);
    lines
        .map(|it| {
            let name = match &it.subject {
                Subject::Item(item) => item.to_string(),
                Subject::Unbound(code) => format!("?{code}"),
                Subject::Open => "open".to_owned(),
            };
            let back = it.from == Location::Customer;
            let many = it.quantity.as_thousandths();
            (name, if back { -many } else { many })
        })
        .collect()
}

#[test]
fn rows_of_many_forms_are_goods() {
    for (rows, total, want) in [
        (&["Brot          2,49 A"][..], "2,49", &[("10", 1000)][..]),
        (
            &["2 x Brot  4,98", "MILCH 1L 1,09"],
            "6,07",
            &[("10", 2000), ("11", 1000)],
        ),
        (&["Brot 2x2,49  4,98"], "4,98", &[("10", 2000)]),
        (&["Brot", "  2 x 2,49    4,98"], "4,98", &[("10", 2000)]),
        (
            &["Brot 4,98", "  2 x 2,49", "Milch 1L 1,09"],
            "6,07",
            &[("10", 2000), ("11", 1000)],
        ),
        (&["3 Brot 7,47"], "7,47", &[("10", 3000)]),
        (&["11 Milch 1L 1,09"], "1,09", &[("11", 1000)]),
        (&["4006381333931", "Laib 2,49"], "2,49", &[("10", 1000)]),
        (&["#13 Seife 0,99"], "0,99", &[("13", 1000)]),
        (&["Cola 6x0,5L 3,99"], "3,99", &[("15", 1000)]),
        (&["Bio Vollmilchschok 1,99"], "1,99", &[("12", 1000)]),
        (
            &["Käse 0,500 kg x 19,90 EUR/kg 9,95"],
            "9,95",
            &[("16", 500)],
        ),
        (&["Brot 2,49", "Rabatt 10% -0,25"], "2,24", &[("10", 1000)]),
        (
            &["Brot 2,49", "Milch 1L 1,09", "STORNO Brot -2,49"],
            "1,09",
            &[("11", 1000)],
        ),
        (
            &["Brot 2,49", "RETOURE Milch 1L -1,09"],
            "1,40",
            &[("10", 1000), ("11", -1000)],
        ),
        (&["Marmelade 3,00"], "3,00", &[("?MARMELADE", 1000)]),
    ] {
        let sale = sale(read_rows(rows, total));
        let want: Vec<(String, i64)> = want.iter().map(|it| (it.0.to_owned(), it.1)).collect();
        assert_eq!(moved(&sale), want, "{rows:?}");
        assert_eq!(
            sale.faults.len(),
            usize::from(want[0].0.starts_with('?')),
            "{rows:?}"
        );
        assert_eq!(sale.imported.key.receipt.as_str(), "21.11.2026 815");
        assert_eq!((sale.age, sale.is_copy), (Age::Fresh, false));
    }
}

#[test]
fn what_is_in_doubt_waits_and_the_rest_flows_on() {
    for (row, amount) in [
        // Two items of this name; several pieces or a new price; nothing to weigh.
        ("Seife 0,99", 99),
        ("Brot 4,98", 498),
        ("Käse 9,95", 995),
        ("2 Brot 4,00", 400),
        ("Brot 0,5 x 2,50 1,25", 125),
    ] {
        let total = Money::minor(109 + amount).to_string();
        let sale = sale(read_rows(&["Milch 1L 1,09", row], &total));
        assert_eq!(moved(&sale), [("11".to_owned(), 1000)], "{row}");
        assert_eq!(sale.faults.len(), 1, "{row}");
        assert!(sale.faults[0].raw.contains("SUMME"), "{row}");
    }
}

#[test]
fn a_receipt_that_does_not_add_up_sells_nothing() {
    let header = "Bon-Nr 815  21.11.2026 13:58";
    for (lines, why) in [
        (&[header, "Brot 2,49", "SUMME 3,49"][..], "add up to 2.49"),
        (&[header, "Brot 2,49"], "no sum"),
        (&["21.11.2026", "Brot 2,49", "SUMME 2,49"], "no number"),
        (&["Bon 815", "Brot 2,49", "SUMME 2,49"], "no date"),
        (
            &["Bon 1", "Bon 2 21.11.26", "Brot 2,49", "SUMME 2,49"],
            "several numbers",
        ),
        (&[header, "SUMME 2,49"], "no row of goods"),
        (
            &[header, "STORNO Brot -2,49", "SUMME -2,49"],
            "undoes a row",
        ),
        (
            &[header, "** STORNO **", "Brot -2,49", "SUMME -2,49"],
            "doesn't say which",
        ),
        (
            &[header, "Wurst 2,50", "2 x 1,25", "Käse 2,50", "SUMME 5,00"],
            "belong together",
        ),
    ] {
        match reading(lines) {
            Reading::Doubtful(fault) => {
                assert!(fault.what.contains(why), "{lines:?}: {}", fault.what);
            }
            other => panic!("{lines:?}: {other:?}"),
        }
    }
}

#[test]
fn reports_slips_and_drawers_are_no_sales() {
    for lines in [
        &[
            "Z-BERICHT 21.11.2026",
            "Warengruppe 1 123,45",
            "SUMME 123,45",
        ][..],
        &["Kassenlade geöffnet", "21.11.2026 13:58"],
        &["KUNDENBELEG", "Beleg-Nr 77", "TOTAL EUR 12,34"],
        &[
            "*** TRAINING ***",
            "Bon 5 21.11.2026",
            "Brot 2,49",
            "SUMME 2,49",
        ],
    ] {
        assert_eq!(reading(lines), Reading::Nothing, "{lines:?}");
    }
}

#[test]
fn copies_refunds_and_voids_say_so() {
    let rows = ["Brot 2,49", "Milch 1L 1,09"];
    let original = sale(read_rows(&rows, "3,58"));
    let mut lines = receipt(&rows, "3,58");
    lines.insert(0, "*** KOPIE *** 22.11.2026 09:00".into());
    lines.push("Es bediente Sie Frau A".into());
    let copy = sale(reading(
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
    ));
    assert!(copy.is_copy && !original.is_copy);
    assert_eq!(
        (&copy.imported.key, copy.imported.body_hash),
        (&original.imported.key, original.imported.body_hash)
    );

    for rows in [
        ["** RETOURE **", "Brot 2,49"],
        ["** RETOURE **", "Brot -2,49"],
    ] {
        let total = rows[1].replace("Brot ", "");
        let refund = sale(read_rows(&rows, &total));
        assert_eq!(moved(&refund), [("10".to_owned(), -1000)]);
    }
    let void = reading(&[
        "Bon 816 21.11.2026 13:59",
        "STORNO zu Bon 815",
        "Brot -2,49",
        "SUMME -2,49",
    ]);
    let total = Some(Money::minor(249));
    assert_eq!(
        void,
        Reading::Void {
            number: "815".into(),
            total,
            age: Age::Fresh
        }
    );
}

proptest::proptest! {
    /// Whatever is printed, reading it ends and sells nothing that doesn't add up.
    #[test]
    fn any_lines(lines in proptest::collection::vec("[ -~äöü€年x]{0,40}", 0..40)) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let _read = reading(&lines);
    }

    /// A receipt that was cut off anywhere above its sum sells nothing.
    #[test]
    fn a_receipt_without_its_end_sells_nothing(kept in 0usize..5) {
        let lines = receipt(&["Brot 2,49", "Milch 1L 1,09", "2 x Brot 4,98"], "8,56");
        let lines: Vec<&str> = lines.iter().take(kept).map(String::as_str).collect();
        proptest::prop_assert!(!matches!(reading(&lines), Reading::Sale(_)));
    }
}

/// A number from a step (SplitMix64).
fn drawn(step: &mut u64) -> u64 {
    *step = step.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *step;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Receipts put together from everything that the reader knows, in any order, are read without a panic, and
/// the same way each time. Card numbers never come so far: the printer's session masks them.
#[test]
fn no_receipt_is_too_strange_to_be_read() {
    const RECEIPTS: u32 = 20_000;
    const PIECES: [&str; 35] = [
        "SUMME",
        "EUR",
        "2,49",
        "-2,49",
        "2,49-",
        "Brot",
        "Käse",
        "2 x",
        "0,456 kg x",
        "x",
        "STORNO",
        "zu Bon 815",
        "KOPIE",
        "Bon-Nr 816",
        "21.11.2026",
        "13:58",
        "Rabatt",
        "ZWISCHENSUMME",
        "合计",
        "小票号 12",
        "#4711",
        "PLU",
        "4006381333931",
        "99999999999,99",
        "-",
        "€",
        "ß",
        "İ",
        "\u{0}",
        "\u{200d}👩",
        "1.234,56",
        "Bar",
        "Gutschrift",
        "MwSt 19% 0,40",
        "\u{1b}",
    ];
    let mut step = 7;
    for number in 0..RECEIPTS {
        let mut lines = Vec::new();
        for _ in 0..=drawn(&mut step) % 7 {
            let mut line = String::new();
            for _ in 0..drawn(&mut step) % 6 {
                let at = usize::try_from(drawn(&mut step) % PIECES.len() as u64).unwrap();
                line += PIECES[at];
                line += if drawn(&mut step).is_multiple_of(4) {
                    ""
                } else {
                    " "
                };
            }
            lines.push(line);
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let first = format!("{:?}", reading(&lines));
        assert_eq!(
            first,
            format!("{:?}", reading(&lines)),
            "receipt {number}: {lines:?}"
        );
    }
}
