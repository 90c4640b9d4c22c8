//! The generated catalogue: barcoded goods with their packs and bundles, weighed goods, goods that
//! have a key instead of a barcode, and one item that nobody has priced.

use shelf_codecs::barcode::check_digit;
use shelf_stock::item::{Item, ItemKind, Part};
use shelf_stock::money::Money;
use shelf_stock::name::{Code, ItemId};
use shelf_stock::quantity::{Quantity, Unit};

use super::figures::{BARCODED_ITEMS, DEPARTMENTS, Department, OPENING_UNITS};
use super::{Dice, Goods, Shop};

/// The GS1 prefix that is reserved for examples (GS1 General Specifications, prefix 952).
pub(super) const EXAMPLE_PREFIX: &str = "952";
/// Weight codes of the shop: 21, five digits of the item, five of the weight in grams.
pub(super) const WEIGHT_TEMPLATE: &str = "21.....{NNDDD}";
/// Serial numbers of packs, bundles and of what is in no catalogue.
const PACK_SERIAL: u64 = 700_000_000;
const BUNDLE_SERIAL: u64 = 710_000_000;
const UNPRICED_SERIAL: u64 = 720_000_000;
pub(super) const UNKNOWN_SERIAL: u64 = 900_000_000;

/// The rank of packs and bundles among the groceries.
const POPULAR_RANK: usize = 12;

const BRANDS: [&str; 10] = [
    "Hillside",
    "Nordlicht",
    "Casa Verde",
    "Old Mill",
    "Sunrise",
    "Harbour",
    "Alpenhof",
    "Willow",
    "Red Barn",
    "Everyday",
];
const SIZES: [&str; 6] = ["small", "classic", "large", "250 g", "500 g", "family"];

/// A GTIN-13 of the example prefix.
pub(super) fn example_gtin(serial: u64) -> String {
    let body = format!("{EXAMPLE_PREFIX}{:09}", serial % 1_000_000_000);
    let check = char::from(check_digit(body.as_bytes()));
    format!("{body}{check}")
}

/// The weight label of a weighed item.
pub(super) fn weight_label(item_code: &str, grams: u64) -> String {
    let body = format!("21{item_code}{:05}", grams % 100_000);
    let check = char::from(check_digit(body.as_bytes()));
    format!("{body}{check}")
}

pub(super) fn generate(seed: u64) -> Shop {
    let mut dice = Dice::new(seed, 1);
    let mut goods = Vec::new();
    let share: u64 = DEPARTMENTS.iter().map(|it| it.lines_per_10_000).sum();
    let (mut serial, mut label, mut key) = (1, 101, 1);
    for department in &DEPARTMENTS {
        for _ in 0..department.weighed_items {
            goods.extend(weighed(&mut dice, department, label));
            label += 1;
        }
        for _ in 0..department.keyed_items {
            goods.extend(keyed(&mut dice, department, key));
            key += 1;
        }
        for _ in 0..BARCODED_ITEMS * department.lines_per_10_000 / share {
            goods.extend(barcoded(&mut dice, department, serial));
            serial += 1;
        }
    }
    // Among the popular ones, so that a short run meets them.
    let popular = goods.len().min(POPULAR_RANK);
    goods.splice(popular..popular, composed());
    Shop {
        goods,
        measure_templates: vec![WEIGHT_TEMPLATE.to_owned()],
    }
}

fn barcoded(dice: &mut Dice, department: &Department, serial: u64) -> Option<Goods> {
    let gtin = format!("0{}", example_gtin(serial));
    let mut item = item(&gtin, name(dice, department), department)?;
    item.price = Some(price(dice, department));
    item.codes = vec![Code::new(gtin).ok()?];
    Some(Goods {
        opening: Some(opening(dice)),
        item,
    })
}

fn weighed(dice: &mut Dice, department: &Department, label: u64) -> Option<Goods> {
    let code = format!("{label:05}");
    let mut item = item(&format!("W{code}"), name(dice, department), department)?;
    item.name.push_str(", by weight");
    item.unit = Unit::Kilogram;
    item.kind = ItemKind::Weighed;
    item.price = Some(price(dice, department));
    item.codes = vec![Code::new(format!("in-store:{code}")).ok()?];
    Some(Goods {
        opening: Some(opening(dice)),
        item,
    })
}

fn keyed(dice: &mut Dice, department: &Department, key: u64) -> Option<Goods> {
    let name = name(dice, department);
    let mut item = item(&format!("Q{key:03}"), name.clone(), department)?;
    item.price = Some(price(dice, department));
    item.quick_key = Some(name.chars().take(20).collect());
    Some(Goods {
        opening: Some(opening(dice)),
        item,
    })
}

/// A six-pack of the first article, a gift set of the first three, and an article without price.
fn composed() -> Vec<Goods> {
    let grocery = &DEPARTMENTS[0];
    let part = |serial, units| {
        let item = ItemId::new(format!("0{}", example_gtin(serial))).ok()?;
        Some(Part {
            item,
            quantity: Quantity::units(units),
        })
    };
    let whole = |serial, name: &str, kind, cents: Option<i64>| {
        let gtin = format!("0{}", example_gtin(serial));
        let mut item = item(&gtin, name.to_owned(), grocery)?;
        item.kind = kind;
        item.price = cents.map(Money::minor);
        item.codes = vec![Code::new(gtin).ok()?];
        Some(item)
    };
    let pack = part(1, 6).map(ItemKind::Pack);
    let bundle: Option<Vec<Part>> = [(1, 1), (2, 1), (3, 2)]
        .map(|(it, n)| part(it, n))
        .into_iter()
        .collect();
    let pack = pack.and_then(|it| whole(PACK_SERIAL, "Six-pack", it, Some(999)));
    let bundle =
        bundle.and_then(|it| whole(BUNDLE_SERIAL, "Gift set", ItemKind::Bundle(it), Some(1_499)));
    let unpriced = whole(
        UNPRICED_SERIAL,
        "New article, not priced yet",
        ItemKind::Standard,
        None,
    );
    let stock = |item: Item, opening| Goods { item, opening };
    let units = Quantity::units(48);
    [
        pack.map(|it| stock(it, None)),
        bundle.map(|it| stock(it, None)),
        unpriced.map(|it| stock(it, Some(units))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An entry with nothing but its names; `None` only for names that can't be, which ours never are.
fn item(id: &str, name: String, department: &Department) -> Option<Item> {
    Some(Item {
        id: ItemId::new(id).ok()?,
        name,
        unit: Unit::Piece,
        kind: ItemKind::Standard,
        price: None,
        codes: Vec::new(),
        group: department.group.to_owned(),
        returns_to: None,
        quick_key: None,
    })
}

fn pick<'a>(dice: &mut Dice, words: &[&'a str]) -> &'a str {
    let at = dice.below(u64::try_from(words.len()).unwrap_or(0));
    usize::try_from(at)
        .ok()
        .and_then(|it| words.get(it))
        .copied()
        .unwrap_or_default()
}

fn name(dice: &mut Dice, department: &Department) -> String {
    let (brand, word) = (pick(dice, &BRANDS), pick(dice, department.words));
    format!("{brand} {word}, {}", pick(dice, &SIZES))
}

/// A price between the department's quantiles, ending in 9 as prices do.
fn price(dice: &mut Dice, department: &Department) -> Money {
    let [p5, p25, p50, p75, p95] = department.price_cents;
    let (low, high) = match dice.weighted(&[25, 25, 25, 25]) {
        0 => (p5, p25),
        1 => (p25, p50),
        2 => (p50, p75),
        _ => (p75, p95),
    };
    let cents = dice.between(low, high) / 10 * 10 + 9;
    Money::minor(i64::try_from(cents).unwrap_or(99))
}

fn opening(dice: &mut Dice) -> Quantity {
    let (low, high) = OPENING_UNITS;
    Quantity::units(i64::try_from(dice.between(low, high)).unwrap_or(0))
}
