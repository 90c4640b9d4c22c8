//! A row of a receipt as a line of a document: which item, how many of it, or why that is in doubt.

use shelf_stock::item::{Item, ItemKind};
use shelf_stock::money::Money;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::sheet::size;
use super::token::Row;
use crate::source::line::{self, Foreign};
use crate::source::{Context, Resolved};

/// A printed name this long may be the beginning of a longer one: tills cut names off.
const CUT_NAME_CHARS_MIN: usize = 12;

/// What became of a row.
pub(super) enum Goods {
    /// An item.
    Line(line::Row),
    /// A name that no item has: it is counted once somebody says what it is.
    Later(line::Row, String),
    /// In doubt.
    Doubt(String),
}

/// Which item a row is, as far as can be told.
enum Which {
    Item(Item),
    Code(String),
    Name(String),
    Doubt(String),
}

/// Reads one row. `back`: it comes back from the customer.
pub(super) fn goods(row: &Row, back: bool, at: Timestamp, context: &Context<'_>) -> Goods {
    let mut quantity = row.quantity;
    let which = which(row, &mut quantity, context);
    let (item, code, name) = match which {
        Which::Doubt(why) => return Goods::Doubt(why),
        Which::Item(item) => {
            let many = match how_many(&item, quantity, row.amount) {
                Ok(many) => many,
                Err(why) => return Goods::Doubt(format!("`{}`: {why}", row.full)),
            };
            quantity = Some(many);
            (Some(item.id.to_string()), row.code.clone(), None)
        }
        Which::Code(code) => (None, Some(code), None),
        Which::Name(name) => (None, Some(name.clone()), Some(name)),
    };
    let many = quantity.unwrap_or(Quantity::units(1));
    if let (Some(price), Some(amount)) = (row.price, row.amount)
        && size(price.times(many)) != size(amount)
    {
        return Goods::Doubt(format!(
            "`{}`: price times quantity is not its amount",
            row.full
        ));
    }
    let foreign = Foreign {
        code: code.as_deref(),
        item: item.as_deref(),
        epc: None,
        serial: None,
        quantity: if back { many.negated() } else { many },
        unit_price: row.price,
        amount: row.amount.map(size),
        to: None,
        reason: None,
        effective: at,
    };
    match (foreign.into_line(context.resolve, context.returns), name) {
        (Ok(read), None) => Goods::Line(read),
        (Ok(read), Some(name)) => Goods::Later(read, name),
        (Err(error), _) => Goods::Doubt(format!("`{}`: {error}", row.full)),
    }
}

fn which(row: &Row, quantity: &mut Option<Quantity>, context: &Context<'_>) -> Which {
    let resolve = context.resolve;
    if let Some(code) = &row.code {
        return match resolve.code(code) {
            Resolved::Item { item, .. } => Which::Item(*item),
            Resolved::Unknown(_) => Which::Code(code.clone()),
            Resolved::Bad { reason } => Which::Doubt(format!("`{code}`: {reason}")),
        };
    }
    if let Some(item) = row.number.as_deref().and_then(|it| numbered(it, context)) {
        return Which::Item(item);
    }
    match named(&row.full, None, context) {
        Named::One(item) => {
            // The words that look like a quantity are part of its name.
            *quantity = row.quantity.filter(|_| row.full == row.name);
            return Which::Item(item);
        }
        Named::Several => return several(row),
        Named::Nobody => {}
    }
    if row.leading.is_some() {
        return leading(row, quantity, context);
    }
    let unit = row
        .price
        .or(row.amount.map(size).filter(|_| quantity.is_none()));
    match named(&row.name, unit, context) {
        Named::One(item) => Which::Item(item),
        Named::Several => several(row),
        Named::Nobody => Which::Name(plain(&row.name)),
    }
}

fn several(row: &Row) -> Which {
    Which::Doubt(format!("several items are called `{}`", row.name))
}

fn numbered(number: &str, context: &Context<'_>) -> Option<Item> {
    let by_code = || match context.resolve.code(number) {
        Resolved::Item { item, .. } => Some(*item),
        _ => None,
    };
    context.resolve.item(number).or_else(by_code)
}

/// `2 Brot` is two of them, `4711 Brot` is an article number: the price and the catalogue decide.
fn leading(row: &Row, quantity: &mut Option<Quantity>, context: &Context<'_>) -> Which {
    let number = row.leading.as_deref().unwrap_or_default();
    let name = row.name.strip_prefix(number).unwrap_or(&row.name).trim();
    let numbered = numbered(number, context);
    let doubt = || {
        Which::Doubt(format!(
            "`{}`: `{number}` is an article number or how many",
            row.full
        ))
    };
    match (named(name, None, context), numbered) {
        (Named::Several, _) => several(row),
        (Named::One(item), Some(other)) if item.id == other.id => Which::Item(item),
        (Named::One(item), _) => {
            let many: Option<Quantity> = number.parse().ok();
            let amount = row.amount.map(size);
            let fits = |it: Quantity| item.price.map(|price| price.times(it)) == amount;
            match many.filter(|it| fits(*it)) {
                Some(many) => *quantity = Some(many),
                None => return doubt(),
            }
            Which::Item(item)
        }
        (Named::Nobody, Some(item)) if item.price == row.amount.map(size) => Which::Item(item),
        (Named::Nobody, Some(_)) => doubt(),
        (Named::Nobody, None) => Which::Name(plain(&row.full)),
    }
}

enum Named {
    One(Item),
    Several,
    Nobody,
}

/// The item that has this name alone, or that it was bound to, or whose name begins so and whose price
/// is the printed one.
fn named(name: &str, unit_price: Option<Money>, context: &Context<'_>) -> Named {
    let name = name.trim();
    if name.is_empty() {
        return Named::Nobody;
    }
    let begin = context.resolve.names(name);
    let lower = name.to_lowercase();
    let mut whole = begin.iter().filter(|it| it.name.to_lowercase() == lower);
    match (whole.next(), whole.next()) {
        (Some(item), None) => return Named::One(item.clone()),
        (Some(_), Some(_)) => return Named::Several,
        (None, _) => {}
    }
    if let Resolved::Item { item, .. } = context.resolve.code(&plain(name)) {
        return Named::One(*item);
    }
    match &begin[..] {
        [item]
            if name.chars().count() >= CUT_NAME_CHARS_MIN
                && unit_price.is_some()
                && item.price == unit_price =>
        {
            Named::One(item.clone())
        }
        _ => Named::Nobody,
    }
}

/// A name as the code that it is bound by: capitals, single blanks.
fn plain(name: &str) -> String {
    name.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_uppercase()
}

/// How many of an item a row is; the error says why that can't be told.
fn how_many(
    item: &Item,
    printed: Option<Quantity>,
    amount: Option<Money>,
) -> Result<Quantity, &'static str> {
    let weighed = matches!(item.kind, ItemKind::Weighed);
    match printed {
        Some(many) if weighed || many.is_whole() => Ok(many),
        Some(_) => Err("a part of a piece can't be sold"),
        None if weighed => Err("it is sold by weight, and none is printed"),
        None => {
            let price = item.price.map_or(0, Money::as_minor);
            let amount = amount.map_or(0, |it| size(it).as_minor());
            let multiple = price > 0 && amount > price && amount % price == 0;
            if multiple {
                return Err("its amount is several times its price, and no quantity is printed");
            }
            Ok(Quantity::units(1))
        }
    }
}
