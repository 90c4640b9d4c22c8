//! The words of one printed line: an amount at its end, so many times a price, a code, a name.

use shelf_stock::money::Money;
use shelf_stock::quantity::Quantity;

use crate::source::mask::gs1_check;

/// Digits of an amount in front of its decimals.
const AMOUNT_DIGITS_MAX: usize = 9;
/// Short marks behind an amount, such as a tax class or a currency.
const MARKS_MAX: usize = 2;
/// The largest number in front of a name that can be a quantity.
const LEADING_MAX: usize = 5;
const CURRENCIES: [&str; 12] = [
    "EUR", "USD", "GBP", "CHF", "CNY", "RMB", "PLN", "€", "$", "£", "¥", "元",
];
const PIECES: [&str; 10] = [
    "STK", "STK.", "STÜCK", "ST", "PCS", "PC", "EA", "PZ", "个", "件",
];
/// So many times.
const SIGNS: [char; 5] = ['x', 'X', '*', '×', '@'];
const NUMBERED: [&str; 7] = ["#", "PLU", "PLU:", "ART", "ART.", "ART.-NR.", "SKU"];

/// What one line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// The line's words without what was understood.
    pub(super) name: String,
    /// The line's words in front of its amount.
    pub(super) full: String,
    /// Digits with a check digit that holds.
    pub(super) code: Option<String>,
    /// A number that says it is one (`#4711`, `PLU 4711`).
    pub(super) number: Option<String>,
    /// A bare number in front of the name: how many, or an article number.
    pub(super) leading: Option<String>,
    /// How many or how much.
    pub(super) quantity: Option<Quantity>,
    /// Of what price.
    pub(super) price: Option<Money>,
    /// What it adds to the bill.
    pub(super) amount: Option<Money>,
}

impl Row {
    /// Whether it names goods.
    pub(super) fn names(&self) -> bool {
        self.code.is_some() || self.number.is_some() || self.name.chars().any(char::is_alphabetic)
    }
}

/// Reads one line.
pub(super) fn row(line: &str) -> Row {
    let mut as_printed: Vec<&str> = line.split_whitespace().collect();
    let spaced = spaced(line);
    let mut words: Vec<&str> = spaced.split_whitespace().collect();
    let mut row = Row {
        amount: take_amount(&mut words),
        ..Row::default()
    };
    if row.amount.is_some() {
        take_amount(&mut as_printed);
    }
    row.full = as_printed.join(" ");
    take_times(&mut words, &mut row);
    take_codes(&mut words, &mut row);
    if row.quantity.is_none() && words.len() > 1 {
        let first = words.first().copied().unwrap_or_default();
        if first.len() <= LEADING_MAX && first.bytes().all(|it| it.is_ascii_digit()) {
            row.leading = Some(first.to_owned());
        }
    }
    row.name = words.join(" ");
    row
}

/// Signs of multiplication between a number and a price stand alone.
fn spaced(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 4);
    for word in line.split_whitespace() {
        let parts = word.split_once(SIGNS);
        let times = parts.filter(|(many, price)| {
            let price = price.is_empty() || money(price).is_some();
            price && (many.is_empty() || many.parse::<Quantity>().is_ok())
        });
        match times {
            Some((many, price)) => out += &format!("{many} x {price} "),
            None => out += &format!("{word} "),
        }
    }
    out
}

/// The amount at the end, with short marks behind it.
fn take_amount(words: &mut Vec<&str>) -> Option<Money> {
    for marks in 0..=MARKS_MAX {
        let at = words.len().checked_sub(marks + 1)?;
        let behind = words.get(at + 1..).unwrap_or_default();
        if !behind
            .iter()
            .all(|it| it.chars().count() <= 2 || is_currency(it))
        {
            return None;
        }
        let Some(mut amount) = words.get(at).and_then(|it| money(it)) else {
            continue;
        };
        if behind.first() == Some(&"-") {
            amount = amount.negated();
        }
        if at.checked_sub(1).and_then(|it| words.get(it)) == Some(&"x") {
            // What stands behind the sign is a price.
            return None;
        }
        words.truncate(at);
        while words.last().is_some_and(|it| is_currency(it)) {
            words.pop();
        }
        if words.last() == Some(&"-") {
            words.pop();
            amount = amount.negated();
        }
        return Some(amount);
    }
    None
}

fn is_currency(word: &str) -> bool {
    CURRENCIES.iter().any(|it| word.eq_ignore_ascii_case(it))
}

/// An amount with exactly two decimals: `2,49`, `1.234,56`, `-2.49`, `2,49-`, `€2.49`, `2,49A`.
pub(super) fn money(word: &str) -> Option<Money> {
    let symbol = |it: char| matches!(it, '€' | '$' | '£' | '¥' | '*');
    let word = word.trim_matches(symbol);
    let (word, minus_behind) = match word.strip_suffix('-') {
        Some(word) => (word, true),
        None => (
            word.strip_suffix(['A', 'B', 'C', 'D']).unwrap_or(word),
            false,
        ),
    };
    let (word, minus) = match word.strip_prefix(['-', '−']) {
        Some(word) => (word.trim_matches(symbol), true),
        None => (word, minus_behind),
    };
    let (whole, cents) = word.rsplit_once([',', '.'])?;
    let plain = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    if cents.len() != 2 || !plain(cents) {
        return None;
    }
    let mut groups = whole.split([',', '.', '\'']);
    let first = groups.next().filter(|it| plain(it))?;
    let rest: Vec<&str> = groups.collect();
    let grouped = rest.iter().all(|it| it.len() == 3 && plain(it));
    if !grouped || !rest.is_empty() && first.len() > 3 {
        return None;
    }
    let digits = format!("{first}{}", rest.concat());
    if digits.len() > AMOUNT_DIGITS_MAX {
        return None;
    }
    let minor = digits.parse::<i64>().ok()? * 100 + cents.parse::<i64>().ok()?;
    Some(Money::minor(if minus { -minor } else { minor }))
}

/// `2 x 1,25`, `0,456 kg x 2,99 EUR/kg`, or `2 x` and `2 Stk` in front of a name.
fn take_times(words: &mut Vec<&str>, row: &mut Row) {
    let sign = words.iter().position(|it| matches!(*it, "x" | "à"));
    let Some(sign) = sign else {
        let unit = words
            .get(1)
            .is_some_and(|it| PIECES.iter().any(|unit| it.eq_ignore_ascii_case(unit)));
        if unit && let Some((many, used)) = quantity(words, 2) {
            row.quantity = Some(many);
            words.drain(..used);
        }
        return;
    };
    let Some((many, used)) = quantity(words, sign) else {
        return;
    };
    match words.get(sign + 1).and_then(|it| money(it)) {
        Some(price) => {
            let mut end = sign + 2;
            let of_price = |it: &&str| is_currency(it) || it.starts_with('/') || it.contains("/kg");
            while words.get(end).is_some_and(of_price) {
                end += 1;
            }
            (row.quantity, row.price) = (Some(many), Some(price));
            words.drain(sign - used..end);
        }
        // Without a price only at the beginning: `6 x 0,5 L` is part of many a name.
        None if sign == used && words.len() > sign + 1 => {
            row.quantity = Some(many);
            words.drain(..=sign);
        }
        None => {}
    }
}

/// The quantity that ends before a word, and how many words it has.
fn quantity(words: &[&str], end: usize) -> Option<(Quantity, usize)> {
    let last = end.checked_sub(1).and_then(|it| words.get(it)).copied()?;
    if let Ok(many) = last.trim_start_matches('-').parse::<Quantity>() {
        return Some((many, 1));
    }
    let number = end.checked_sub(2).and_then(|it| words.get(it)).copied()?;
    let many: Quantity = number.trim_start_matches('-').parse().ok()?;
    let unit = last.to_lowercase();
    let pieces = PIECES.iter().any(|it| last.eq_ignore_ascii_case(it));
    match unit.as_str() {
        "kg" | "l" | "m" => Some((many, 2)),
        "g" | "ml" => Some((Quantity::thousandths(many.as_thousandths() / 1000), 2)),
        _ if pieces => Some((many, 2)),
        _ => None,
    }
}

fn take_codes(words: &mut Vec<&str>, row: &mut Row) {
    let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let is_code = |it: &&str| matches!(it.len(), 8 | 12 | 13 | 14) && digits(it) && gs1_check(it);
    if let Some(at) = words.iter().position(is_code) {
        row.code = Some(words.remove(at).to_owned());
    }
    let joined = |it: &&str| it.len() > 1 && it.starts_with('#') && it.get(1..).is_some_and(digits);
    if let Some(at) = words.iter().position(joined) {
        row.number = words.remove(at).get(1..).map(str::to_owned);
        return;
    }
    let marked = |it: &&str| NUMBERED.iter().any(|word| it.eq_ignore_ascii_case(word));
    if let Some(at) = words.iter().position(marked)
        && words.get(at + 1).is_some_and(|it| digits(it))
    {
        row.number = Some(words.remove(at + 1).to_owned());
        words.remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_many_forms() {
        for (word, want) in [
            ("2,49", Some(249)),
            ("1.234,56", Some(123_456)),
            ("1,234.56", Some(123_456)),
            ("-2.49", Some(-249)),
            ("2,49-", Some(-249)),
            ("€2.49", Some(249)),
            ("-$5.00", Some(-500)),
            ("2,49A", Some(249)),
            ("21.11.26", None),
            ("0,5", None),
            ("14:03", None),
            ("12345678901,00", None),
        ] {
            assert_eq!(money(word).map(Money::as_minor), want, "{word}");
        }
    }

    #[test]
    fn what_a_line_says() {
        let said = |line: &str| {
            let it = row(line);
            let many = it.quantity.map(|it| it.to_string()).unwrap_or_default();
            let price = it.price.map_or(0, Money::as_minor);
            let code = it.code.or(it.number).or(it.leading).unwrap_or_default();
            (
                it.name,
                many,
                price,
                code,
                it.amount.map_or(0, Money::as_minor),
            )
        };
        for (line, name, many, price, code, amount) in [
            ("Brot dunkel      2,49 A", "Brot dunkel", "", 0, "", 249),
            ("2 x Brot  EUR  4,98", "Brot", "2", 0, "", 498),
            ("Brot 2x2,49 4,98 *1", "Brot", "2", 249, "", 498),
            ("  2 x 1,25", "", "2", 125, "", 0),
            ("0,456 kg x 2,99 EUR/kg  1,36", "", "0.456", 299, "", 136),
            ("Cola 6x0,5L 3,99", "Cola 6x0,5L", "", 0, "", 399),
            (
                "4006381333931 Stift 1,10",
                "Stift",
                "",
                0,
                "4006381333931",
                110,
            ),
            ("#4711 Seife 0,99-", "Seife", "", 0, "4711", -99),
            ("3 Stk Seife 2,97", "Seife", "3", 0, "", 297),
            ("2 Brot 4,98", "2 Brot", "", 0, "2", 498),
            ("Vielen Dank", "Vielen Dank", "", 0, "", 0),
        ] {
            let want = (
                name.to_owned(),
                many.to_owned(),
                price,
                code.to_owned(),
                amount,
            );
            assert_eq!(said(line), want, "{line}");
        }
    }
}
