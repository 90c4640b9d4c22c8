//! The generated shop against the figures that it states, and its promise to repeat itself.

#![allow(
    clippy::disallowed_methods,
    reason = "the tests write the files that are read"
)]

use std::io::Write as _;

use proptest::prelude::*;
use shelf_codecs::barcode::{
    Barcode, Gtin, Measure, MeasureTemplate, MeasureUnit, ScanText, interpret,
};
use shelf_stock::item::ItemKind;

use super::figures::{DEPARTMENTS, HOUR_BASKETS_PER_MILLE, QUANTITY_PER_MILLE};
use super::files::{self, FileError, Sales};
use super::*;

fn templates(shop: &Shop) -> Vec<MeasureTemplate> {
    let braces = |it: &String| MeasureTemplate::braces(it, MeasureUnit::Kilogram).unwrap();
    shop.measure_templates.iter().map(braces).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_same_seed_is_the_same_shop_and_another_is_not(seed: u64) {
        let shop = Shop::generated(seed);
        prop_assert_eq!(&shop, &Shop::generated(seed));
        prop_assert_ne!(&shop, &Shop::generated(seed.wrapping_add(1)));
        let few = |seed| shop.invoices(seed).take(20).collect::<Vec<_>>();
        prop_assert_eq!(few(seed), few(seed));
        prop_assert_ne!(few(seed), few(seed.wrapping_add(1)));
    }

    #[test]
    fn every_number_is_valid_reserved_for_examples_and_used_once(seed: u64) {
        let shop = Shop::generated(seed);
        let mut ids = std::collections::BTreeSet::new();
        for goods in &shop.goods {
            prop_assert!(ids.insert(goods.item.id.clone()));
            for code in &goods.item.codes {
                if let Some(label) = code.as_str().strip_prefix("in-store:") {
                    prop_assert!(label.len() == 5 && goods.item.kind == ItemKind::Weighed);
                } else {
                    let gtin = Gtin::parse(code.as_str()).unwrap();
                    prop_assert!(gtin.to_string().starts_with("0952"), "{}", gtin);
                }
            }
        }
    }

    #[test]
    fn whatever_is_scanned_can_be_read_and_sold(seed: u64) {
        let shop = Shop::generated(seed);
        let (templates, items) = (templates(&shop), shop.by_id());
        let codes: std::collections::BTreeSet<&str> =
            shop.goods.iter().flat_map(|it| &it.item.codes).map(shelf_stock::name::Code::as_str).collect();
        for invoice in shop.invoices(seed).take(50) {
            prop_assert!(!invoice.lines.is_empty() && invoice.second_of_day < 86_400);
            for line in invoice.lines {
                prop_assert!(line.pieces != 0);
                let (code, keyed) = match &line.take {
                    Take::QuickKey(item) => {
                        prop_assert!(items[item].quick_key.is_some());
                        continue;
                    }
                    Take::Scan { code, keyed } => (code, keyed),
                };
                match interpret(&ScanText::plain(code.as_bytes()), &templates) {
                    Barcode::Gtin(gtin) => {
                        let known = codes.contains(gtin.to_string().as_str());
                        prop_assert!(known || keyed.is_some(), "{} is unknown", gtin);
                    }
                    Barcode::VariableMeasure { item_code, measure, .. } => {
                        let code = format!("in-store:{item_code}");
                        prop_assert!(codes.contains(code.as_str()), "{}", code);
                        prop_assert!(matches!(measure, Measure::Weight(grams) if grams > 0));
                        prop_assert!(line.pieces.abs() == 1);
                    }
                    other => prop_assert!(false, "{}: {:?}", code, other),
                }
            }
        }
    }

    #[test]
    fn the_dice_stay_inside(seed: u64, below in 1_u64..1_000, mean in 10_u64..300) {
        let mut dice = Dice::new(seed, 3);
        prop_assert!(dice.below(below) < below);
        prop_assert!((5..=9).contains(&dice.between(5, 9)));
        prop_assert!((1..=120).contains(&dice.geometric(mean, 120)));
        prop_assert_eq!(dice.weighted(&[0, 0, 7, 0]), 2);
    }
}

#[test]
fn the_stream_has_the_figures_it_is_made_from() {
    let shop = Shop::generated(7);
    let invoices: Vec<Invoice> = shop.invoices(7).take(4_000).collect();
    let lines: Vec<&InvoiceLine> = invoices.iter().flat_map(|it| &it.lines).collect();
    let mean = lines.len() * 10 / invoices.len();
    assert!((85..105).contains(&mean), "mean lines {mean}/10");
    let returned = lines.iter().filter(|it| it.pieces < 0).count() * 1000 / lines.len();
    assert!((13..24).contains(&returned), "returns {returned} per mille");
    let evening = |it: &&Invoice| (16 * 3600..18 * 3600).contains(&it.second_of_day);
    let evening = invoices.iter().filter(evening).count() * 1000 / invoices.len();
    assert!(
        (180..230).contains(&evening),
        "16 to 18: {evening} per mille"
    );
    let keyed = lines
        .iter()
        .filter(|it| matches!(it.take, Take::QuickKey(_)))
        .count();
    let packed = Gtin::parse(&items::example_gtin(700_000_000))
        .unwrap()
        .short();
    let sold = |code: &str| {
        lines
            .iter()
            .any(|it| matches!(&it.take, Take::Scan { code: of, .. } if of == code))
    };
    assert!(keyed > 0 && sold(&packed), "keys {keyed}, packs {packed}");
}

#[test]
fn the_figures_add_up() {
    assert_eq!(HOUR_BASKETS_PER_MILLE.iter().sum::<u64>(), 1_000);
    assert_eq!(QUANTITY_PER_MILLE.iter().map(|it| it.1).sum::<u64>(), 1_000);
    for department in &DEPARTMENTS {
        assert!(department.price_cents.is_sorted(), "{}", department.group);
    }
}

fn file(name: &str, text: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::File::create(&path)
        .unwrap()
        .write_all(text)
        .unwrap();
    (folder, path)
}

const ITEMS: &str = "gtin,name,unit_price\n9520000000011,Boombox,16.98\n\
    9520000000028,POSTAGE,18.00\n9520000000035,?? missing,\n9520000000036,Wrong digit,1.00\n\
    9520000000011,Again,1.00\n9520000000042,Cup,0.85\n";

#[test]
fn items_are_taken_and_what_is_none_is_named() {
    let (_folder, path) = file("items.csv", ITEMS.as_bytes());
    let (shop, rows) = files::items(&path).unwrap();
    let names: Vec<&str> = shop.goods.iter().map(|it| it.item.name.as_str()).collect();
    assert_eq!(names, ["Boombox", "Cup"]);
    assert_eq!((rows.good, rows.bad, rows.no_goods), (2, 2, 2));
    let lines: Vec<u64> = rows.named.iter().map(|it| it.0).collect();
    assert_eq!(lines, [5, 6], "{:?}", rows.named);
}

#[test]
fn sales_come_invoice_by_invoice_packed_or_not() {
    let (_items_folder, items) = file("items.csv", ITEMS.as_bytes());
    let (shop, _) = files::items(&items).unwrap();
    let sales = "invoice,time,gtin,quantity,unit_price\n\
        1,2010-12-01T08:26:00,9520000000011,6,2.55\n1,2010-12-01T08:26:00,9520000000042,74215,1.04\n\
        1,2010-12-01T08:26:00,9520000000028,1,18.00\n2,2010-12-01T09:00:30,9520000000042,-3,0.85\n\
        x,2010-12-01T09:00:30,9520000000042,1,0.85\n2,2010-12-01T25:00:30,9520000000042,1,0.85\n\
        3,2010-12-01T09:01:00,9520000000042,10,0\n4,2010-12-01T09:02:00,9520000000042,1,0.85\n";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(sales.as_bytes()).unwrap();
    for text in [sales.as_bytes().to_vec(), packed.finish().unwrap()] {
        let (_folder, path) = file("sales", &text);
        let mut reader = Sales::open(&path, &shop).unwrap();
        let read: Vec<(u64, u32, Vec<i64>)> = reader
            .by_ref()
            .map(|it| {
                (
                    it.number,
                    it.second_of_day,
                    it.lines.iter().map(|it| it.pieces).collect(),
                )
            })
            .collect();
        let expected = [
            (1, 30_360, vec![6, 74_215]),
            (2, 32_430, vec![-3]),
            (4, 32_520, vec![1]),
        ];
        assert_eq!(read, expected);
        let rows = reader.rows();
        assert_eq!(
            (rows.good, rows.bad, rows.no_goods, rows.corrections),
            (4, 2, 1, 1)
        );
        assert_eq!(rows.named.iter().map(|it| it.0).collect::<Vec<_>>(), [6, 7]);
    }
}

#[test]
fn files_that_are_none() {
    let (_folder, path) = file("items.csv", b"ean,name,price\n1,a,2\n");
    let error = files::items(&path).unwrap_err();
    assert!(
        matches!(error, FileError::Column { column: "gtin", .. }),
        "{error}"
    );
    let gone = path.with_file_name("gone.csv");
    assert!(matches!(files::items(&gone), Err(FileError::Read { .. })));
    // A torn archive gives what could be read and says so.
    let mut torn = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    torn.write_all(ITEMS.as_bytes()).unwrap();
    let torn = torn.finish().unwrap();
    let (_folder, path) = file("items.csv.gz", &torn[..torn.len() - 12]);
    match files::items(&path) {
        Ok((_, rows)) => assert!(rows.bad > 0),
        Err(error) => assert!(matches!(error, FileError::Read { .. })),
    }
}
