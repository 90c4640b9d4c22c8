//! A receipt's parts: what stands above the sum, the sum, and which lines belong together.
//!
//! Some tills print `2 x 1,25` above a name, some below it, some a name on a line of its own. Both
//! ways are tried on the whole receipt; where both fit and say different things, nothing is chosen.

use shelf_stock::money::Money;

use super::token::{Row, row};
use super::words::{DISCOUNT, SUBTOTAL, TAX, TOTAL, VOID, says};

/// The part above the sum.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// Lines above the sum, in capitals.
    pub(super) head: Vec<String>,
    pub(super) entries: Vec<Entry>,
    /// Money off and rounding.
    pub(super) off: Money,
    pub(super) tax: Money,
    pub(super) total: Option<Money>,
}

/// What a line above the sum is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Has an amount.
    Item(Row),
    /// So many times a price, nothing else.
    Times(Row),
    /// A code, nothing else.
    Code(String),
    /// Words.
    Text(String),
}

impl Sheet {
    /// Reads down to the sum.
    pub(super) fn of(lines: &[String]) -> Sheet {
        let mut sheet = Sheet::default();
        let mut items_over = false;
        for line in lines {
            let capitals = line.to_uppercase();
            let row = row(line);
            let begins = capitals.trim_start_matches(|it: char| !it.is_alphabetic());
            match row.amount {
                Some(amount) if starts(begins, &SUBTOTAL) => {
                    let _between = amount;
                    items_over = true;
                }
                Some(amount) if says(&capitals, &TAX) => {
                    sheet.tax = sheet.tax.plus(amount);
                    items_over = true;
                }
                Some(amount) if starts(begins, &TOTAL) => {
                    sheet.total = Some(amount);
                    break;
                }
                Some(amount) if is_off(&capitals, amount) => sheet.off = sheet.off.plus(amount),
                Some(amount) if items_over && amount < Money::ZERO => {
                    sheet.off = sheet.off.plus(amount);
                }
                _ => sheet.entries.push(entry(row)),
            }
            sheet.head.push(capitals);
        }
        sheet
    }

    /// The goods' rows; `None`: it can't be told what belongs together.
    pub(super) fn rows(&self) -> Option<Vec<Row>> {
        match (above(&self.entries), below(&self.entries)) {
            (Some(a), Some(b)) => (a == b).then_some(a),
            (a, b) => a.or(b),
        }
    }
}

fn starts(line: &str, words: &[&str]) -> bool {
    words.iter().any(|it| {
        let rest = line.strip_prefix(it);
        rest.is_some_and(|it| !it.starts_with(char::is_alphabetic))
    })
}

fn is_off(line: &str, amount: Money) -> bool {
    let rounding = says(line, &["RUNDUNG", "ROUNDING"]);
    let off = says(line, &DISCOUNT) || line.contains('%');
    rounding || amount < Money::ZERO && off
}

fn entry(row: Row) -> Entry {
    if row.amount.is_some() {
        return Entry::Item(row);
    }
    if row.price.is_some() && row.name.is_empty() && row.code.is_none() {
        return Entry::Times(row);
    }
    match row.code {
        Some(code) if row.name.is_empty() => Entry::Code(code),
        _ => Entry::Text(row.full),
    }
}

/// What stands above a row belongs to it.
fn above(entries: &[Entry]) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    let (mut times, mut code, mut text): (Option<&Row>, Option<&String>, Option<&String>) =
        (None, None, None);
    for entry in entries {
        match entry {
            Entry::Text(it) => (times, code, text) = (times, None, Some(it)),
            Entry::Code(it) => code = Some(it),
            Entry::Times(it) if times.is_none() => times = Some(it),
            Entry::Times(_) => return None,
            Entry::Item(it) => {
                let mut row = it.clone();
                if let Some(times) = times.take() {
                    multiply(&mut row, times)?;
                }
                name(&mut row, text.take(), code.take())?;
                rows.push(row);
            }
        }
    }
    times.is_none().then_some(rows)
}

/// What stands below a row belongs to it.
fn below(entries: &[Entry]) -> Option<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    // A code right above the first row would belong to nothing.
    let mut left_over = false;
    for entry in entries {
        match (entry, rows.last_mut()) {
            (Entry::Item(_), None) if left_over => return None,
            (Entry::Item(it), _) => rows.push(it.clone()),
            (Entry::Code(_), None) => left_over = true,
            (Entry::Text(_), None) => left_over = false,
            (Entry::Times(it), Some(last)) => multiply(last, it)?,
            (Entry::Times(_), None) => return None,
            (Entry::Code(it), Some(last)) if last.code.is_none() => last.code = Some(it.clone()),
            (Entry::Code(_), Some(_)) => return None,
            (Entry::Text(it), Some(last)) if !last.names() => last.name.clone_from(it),
            _ => {}
        }
    }
    rows.iter().all(Row::names).then_some(rows)
}

/// Only where price times quantity is the row's amount.
fn multiply(row: &mut Row, times: &Row) -> Option<()> {
    let (many, price) = (times.quantity?, times.price?);
    let is_it = row
        .amount
        .is_some_and(|it| size(it) == size(price.times(many)));
    if row.quantity.is_some() || !is_it {
        return None;
    }
    (row.quantity, row.price, row.leading) = (Some(many), Some(price), None);
    Some(())
}

fn name(row: &mut Row, text: Option<&String>, code: Option<&String>) -> Option<()> {
    if row.code.is_none() {
        row.code = code.cloned();
    }
    if !row.names() {
        row.name = text?.clone();
        row.full.clone_from(&row.name);
    }
    Some(())
}

/// An amount without its sign.
pub(super) fn size(amount: Money) -> Money {
    if amount < Money::ZERO {
        amount.negated()
    } else {
        amount
    }
}

/// Takes away what was voided on the same receipt. The error says what has no partner.
pub(super) fn without_voided(rows: Vec<Row>, is_refund: bool) -> Result<Vec<Row>, String> {
    let mut left: Vec<Row> = Vec::new();
    for mut row in rows {
        let negative = row.amount.is_some_and(|it| it < Money::ZERO);
        let says_void = says(&row.full.to_uppercase(), &VOID);
        if !negative || is_refund && !says_void {
            left.push(row);
            continue;
        }
        strip(&mut row, &VOID);
        let partner = left.iter().rposition(|it| {
            let same = it.code == row.code && it.number == row.number;
            same && it.name.eq_ignore_ascii_case(&row.name)
                && it.amount.map(Money::negated) == row.amount
        });
        match partner {
            Some(at) => drop(left.remove(at)),
            None if says_void => return Err(row.full),
            None => left.push(row),
        }
    }
    Ok(left)
}

/// Takes words out of a row's name.
pub(super) fn strip(row: &mut Row, words: &[&str]) {
    let without = |text: &str| {
        let keep = |it: &&str| !says(&it.to_uppercase(), words);
        text.split_whitespace()
            .filter(keep)
            .collect::<Vec<_>>()
            .join(" ")
    };
    (row.name, row.full) = (without(&row.name), without(&row.full));
}
