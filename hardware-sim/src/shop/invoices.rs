//! The customers of the generated shop, one after the other, day after day, for ever.

use shelf_stock::item::ItemKind;
use shelf_stock::money::Money;
use shelf_stock::name::ItemId;

use super::figures::{
    BASKET_LINES_MAX, DEPARTMENTS, HOUR_BASKETS_PER_MILLE, LARGE_BASKET_LINES_TENTHS,
    POPULARITY_TENTHS, QUANTITY_PER_MILLE, RETURN_LINES_PER_MILLE, SMALL_BASKET_LINES_TENTHS,
    SMALL_BASKETS_PER_CENT, UNKNOWN_CODES, UNKNOWN_LINES_PER_MILLE, WEIGHT_G,
};
use super::items::{UNKNOWN_SERIAL, example_gtin, weight_label};
use super::{Dice, Goods, Invoice, InvoiceLine, Shop, Take};

/// What the first article of a department weighs in the lottery of popularity.
const FIRST_WEIGHT: u64 = 1_000_000;

/// An endless stream of invoices.
#[derive(Clone, Debug)]
pub struct Invoices {
    dice: Dice,
    shelves: Vec<Shelf>,
    next: u64,
}

/// One department: its articles and how often each is bought.
#[derive(Clone, Debug)]
struct Shelf {
    share: u64,
    articles: Vec<Article>,
    /// Sums of the weights up to each article.
    sums: Vec<u64>,
}

#[derive(Clone, Debug)]
enum Article {
    Barcode { code: String, unpriced: bool },
    Weighed { label: String },
    Key(ItemId),
}

impl Invoices {
    pub(super) fn new(shop: &Shop, seed: u64) -> Self {
        let shelf = |department: &super::figures::Department| {
            let goods = shop
                .goods
                .iter()
                .filter(|it| it.item.group == department.group);
            Shelf::new(
                department.lines_per_10_000,
                goods.filter_map(article).collect(),
            )
        };
        let shelves = DEPARTMENTS
            .iter()
            .map(shelf)
            .filter(|it| !it.articles.is_empty())
            .collect();
        Self {
            dice: Dice::new(seed, 2),
            shelves,
            next: 1,
        }
    }

    fn line(&mut self) -> Option<InvoiceLine> {
        let dice = &mut self.dice;
        let mut pieces = quantity(dice);
        if dice.per_mille(RETURN_LINES_PER_MILLE) {
            pieces = -1;
        }
        if dice.per_mille(UNKNOWN_LINES_PER_MILLE) {
            let code = example_gtin(UNKNOWN_SERIAL + dice.below(UNKNOWN_CODES));
            return Some(InvoiceLine {
                take: scan(code, Some(keyed_price(dice))),
                pieces: 1,
            });
        }
        let shares: Vec<u64> = self.shelves.iter().map(|it| it.share).collect();
        let shelf = self.shelves.get(dice.weighted(&shares))?;
        let take = match shelf.pick(dice)? {
            Article::Barcode { code, unpriced } => {
                let keyed = unpriced.then(|| keyed_price(dice));
                scan(code.clone(), keyed)
            }
            Article::Weighed { label } => {
                pieces = pieces.signum();
                scan(
                    weight_label(label, dice.between(WEIGHT_G.0, WEIGHT_G.1)),
                    None,
                )
            }
            Article::Key(item) => Take::QuickKey(item.clone()),
        };
        Some(InvoiceLine { take, pieces })
    }
}

impl Iterator for Invoices {
    type Item = Invoice;

    fn next(&mut self) -> Option<Invoice> {
        let mean = match self.dice.below(100) < SMALL_BASKETS_PER_CENT {
            true => SMALL_BASKET_LINES_TENTHS,
            false => LARGE_BASKET_LINES_TENTHS,
        };
        let hour = self.dice.weighted(&HOUR_BASKETS_PER_MILLE);
        let second = u32::try_from(hour).unwrap_or(0) * 3600;
        let second_of_day = second + u32::try_from(self.dice.below(3600)).unwrap_or(0);
        let count = self.dice.geometric(mean, BASKET_LINES_MAX);
        let lines: Vec<_> = (0..count).filter_map(|_| self.line()).collect();
        let number = self.next;
        self.next += 1;
        (!lines.is_empty()).then_some(Invoice {
            number,
            second_of_day,
            lines,
        })
    }
}

impl Shelf {
    fn new(share: u64, articles: Vec<Article>) -> Self {
        let mut sum = 0;
        let sums = (1..=articles.len())
            .map(|rank| {
                sum += weight(rank);
                sum
            })
            .collect();
        Self {
            share,
            articles,
            sums,
        }
    }

    fn pick(&self, dice: &mut Dice) -> Option<&Article> {
        let at = dice.below(self.sums.last().copied()?);
        self.articles.get(self.sums.partition_point(|it| *it <= at))
    }
}

/// [`FIRST_WEIGHT`] x rank^(-[`POPULARITY_TENTHS`]/10), in integers so that every machine agrees.
fn weight(rank: usize) -> u64 {
    const SCALE: u64 = 30;
    let rank = u128::try_from(rank).unwrap_or(u128::MAX);
    let power = rank.saturating_pow(POPULARITY_TENTHS);
    let scaled = power.saturating_mul(u128::from(SCALE).pow(10));
    FIRST_WEIGHT * SCALE / tenth_root(scaled).max(1)
}

/// The largest number whose tenth power is not above `of`.
fn tenth_root(of: u128) -> u64 {
    let (mut low, mut high) = (0_u64, 1 << 13);
    while low + 1 < high {
        let middle = low.midpoint(high);
        match u128::from(middle).checked_pow(10) {
            Some(power) if power <= of => low = middle,
            _ => high = middle,
        }
    }
    low
}

fn article(goods: &Goods) -> Option<Article> {
    let item = &goods.item;
    if item.quick_key.is_some() {
        return Some(Article::Key(item.id.clone()));
    }
    let code = item.codes.first()?.as_str();
    Some(match (&item.kind, code.strip_prefix("in-store:")) {
        (ItemKind::Weighed, Some(label)) => Article::Weighed {
            label: label.to_owned(),
        },
        _ => Article::Barcode {
            // A scanner reads thirteen digits.
            code: code.strip_prefix('0').unwrap_or(code).to_owned(),
            unpriced: item.price.is_none(),
        },
    })
}

fn scan(code: String, keyed: Option<Money>) -> Take {
    Take::Scan { code, keyed }
}

fn quantity(dice: &mut Dice) -> i64 {
    let weights = QUANTITY_PER_MILLE.map(|(_, weight)| weight);
    QUANTITY_PER_MILLE
        .get(dice.weighted(&weights))
        .map_or(1, |it| it.0)
}

fn keyed_price(dice: &mut Dice) -> Money {
    Money::minor(i64::try_from(dice.between(9, 99) * 10 + 9).unwrap_or(99))
}
