//! A receipt that another system's till printed, read as a sale.
//!
//! A till whose only way to tell us is its printer. What it prints is made for people, so everything
//! is held against something else: the rows must add up to the printed sum, price times quantity to
//! the amount, names and numbers to the catalogue. What doesn't is no sale but a case for the inbox;
//! nothing is repaired by a guess. The receipt's own number and date identify it, so that printing it
//! again sells nothing again.

mod goods;
mod heading;
mod sheet;
mod token;
mod words;

use shelf_stock::document::{Kind, PaymentState, SourceAction, SourceKey, Tender, TenderKind};
use shelf_stock::identity::Digest;
use shelf_stock::money::Money;
use shelf_stock::name::{ReceiptNo, SourceId, TillId};
use shelf_stock::time::Timestamp;

use super::{Context, Imported, InboxFault, Report, Work, drafts, hash};
use goods::{Goods, goods};
pub use heading::Age;
use heading::Heading;
use sheet::{Sheet, size, strip, without_voided};
use token::Row;

/// Rows of one receipt that are read.
pub const RECEIPT_ROWS_MAX: usize = 400;

const HINT: &str = "look at the receipt, and enter by hand what it moved";
const HINT_NAME: &str = "bind this name to its item: everything sold under it is counted then";
const HINT_NUMBER: &str = "set `till.receipt_number` to the words in front of the receipt's number";
const HINT_DRAWN: &str = "let the till print text instead of images, or choose another `sales_source`: images can't be read";

/// A receipt as it was overheard, card numbers masked.
#[derive(Clone, Copy, Debug)]
pub struct Printed<'a> {
    /// Its lines.
    pub lines: &'a [String],
    /// Whether all of its lines are here.
    pub is_whole: bool,
    /// It consists of images.
    pub is_drawn: bool,
    /// When its printing ended.
    pub at: Timestamp,
}

/// Where a receipt comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The source's name.
    pub source: &'a SourceId,
    /// The till.
    pub till: &'a TillId,
    /// The words in front of a receipt's number, where the usual ones don't do.
    pub number_words: Option<&'a str>,
}

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Goods were sold or taken back.
    Sale(Box<PrintedSale>),
    /// Another receipt was undone.
    Void {
        /// The number of that receipt.
        number: String,
        /// What that receipt added up to, if it is printed.
        total: Option<Money>,
        /// How old the void is.
        age: Age,
    },
    /// No sale: a report, a payment terminal's slip, an opened drawer. It moves nothing.
    Nothing,
    /// It may be a sale, and nothing of it is counted.
    Doubtful(InboxFault),
}

/// A sale as printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintedSale {
    /// What to record. Its hash covers what was printed and not what the catalogue made of it.
    pub imported: Imported,
    /// The receipt's own number.
    pub number: String,
    /// It says that it was printed before.
    pub is_copy: bool,
    /// How old it says it is.
    pub age: Age,
    /// What it adds up to.
    pub total: Money,
    /// Rows that are in doubt, and names that no item has.
    pub faults: Vec<InboxFault>,
}

/// Reads a receipt.
pub fn read(printed: &Printed<'_>, origin: &Origin<'_>, context: &Context<'_>) -> Reading {
    let raw = printed.lines.join("\n");
    let doubt = |what: &str, hint| {
        let place = format!("receipt of {}", origin.till);
        Reading::Doubtful(InboxFault::new(place, what.to_owned(), hint, &raw))
    };
    if printed.is_drawn {
        return doubt("a receipt is an image", HINT_DRAWN);
    }
    let capitals: Vec<String> = printed.lines.iter().map(|it| it.to_uppercase()).collect();
    let sheet = Sheet::of(printed.lines);
    let heading = heading::heading(&capitals, origin.number_words, printed.at, context.zone);
    let kind = PrintedKind::of(&sheet, &capitals);
    if kind == PrintedKind::Report {
        return Reading::Nothing;
    }
    if kind == PrintedKind::Void {
        let (total, age) = (sheet.total.map(size), heading.age);
        return match heading.original {
            Some(number) => Reading::Void { number, total, age },
            None => doubt("it undoes a receipt and doesn't say which", HINT),
        };
    }
    match sale(
        &sheet,
        &heading,
        kind,
        (printed, &capitals),
        (origin, context),
        &raw,
    ) {
        Ok(Some(sale)) => Reading::Sale(Box::new(sale)),
        Ok(None) => Reading::Nothing,
        Err((what, hint)) => doubt(&what, hint),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PrintedKind {
    Sale,
    Refund,
    Void,
    Report,
}

impl PrintedKind {
    /// By the words above the sum that stand on no row of goods; below it tills print their terms.
    fn of(sheet: &Sheet, capitals: &[String]) -> PrintedKind {
        let is_row = |line: &String| token::row(line).amount.is_some();
        let above: Vec<&String> = sheet.head.iter().filter(|it| !is_row(it)).collect();
        let says = |words: &[&str]| above.iter().any(|it| words::says(it, words));
        let goods = sheet
            .entries
            .iter()
            .any(|it| matches!(it, sheet::Entry::Item(_)));
        let slip = capitals.iter().any(|it| words::says(it, &words::SLIP));
        match () {
            () if says(&words::REPORT) => PrintedKind::Report,
            () if slip && !goods => PrintedKind::Report,
            () if says(&words::VOID) => PrintedKind::Void,
            () if says(&words::REFUND) => PrintedKind::Refund,
            () => PrintedKind::Sale,
        }
    }
}

type Doubt = (String, &'static str);

fn sale(
    sheet: &Sheet,
    heading: &Heading,
    kind: PrintedKind,
    (printed, capitals): (&Printed<'_>, &[String]),
    (origin, context): (&Origin<'_>, &Context<'_>),
    raw: &str,
) -> Result<Option<PrintedSale>, Doubt> {
    let Some((rows, total)) = goods_and_sum(sheet, heading, printed.is_whole)? else {
        return Ok(None);
    };
    adds_up(sheet, &rows, total)?;
    let (number, receipt) = identity(heading)?;
    let body_hash = meaning(&number, &rows, total);
    let is_refund = kind == PrintedKind::Refund;
    let rows = without_voided(rows, is_refund)
        .map_err(|row| (format!("`{row}` undoes a row that is not on it"), HINT))?;
    let (read, faults) = lines(rows, is_refund, printed.at, (&number, context), raw);
    let (lines, goods) = super::line::Row::unzip(read);
    let key = SourceKey {
        source: origin.source.clone(),
        receipt,
        action: SourceAction::Record,
        part: 0,
    };
    let back = size(total).negated();
    let paid = if is_refund { back } else { total };
    let report = Report {
        kind: Kind::Sale,
        key: key.clone(),
        till: Some(origin.till.clone()),
        staff: None,
        lines,
        tenders: vec![Tender {
            kind: TenderKind::Other,
            amount: paid,
            reference: None,
            state: PaymentState::Captured,
        }],
    };
    let drafts = drafts(report).map_err(|error| (error.to_string(), HINT))?;
    let copied = |it: &String| words::says(it, &words::COPY) && !words::says(it, &words::SLIP);
    Ok(Some(PrintedSale {
        imported: Imported {
            key,
            body_hash,
            work: Work::Record(drafts),
            goods,
        },
        number,
        is_copy: capitals.iter().any(copied),
        age: heading.age,
        total,
        faults,
    }))
}

/// The rows of goods and what they should add up to; nothing where nobody sold anything.
fn goods_and_sum(
    sheet: &Sheet,
    heading: &Heading,
    is_whole: bool,
) -> Result<Option<(Vec<Row>, Money)>, Doubt> {
    let no = |what: &str| Err((what.to_owned(), HINT));
    let Some(rows) = sheet.rows() else {
        return no("it can't be told which of its lines belong together");
    };
    let asks_money = sheet.total.is_some_and(|it| it != Money::ZERO);
    if rows.is_empty() && !(heading.number.is_some() && asks_money) {
        return Ok(None);
    }
    let Some(total) = sheet.total else {
        return no("it has no sum: it may have been cut off");
    };
    if rows.is_empty() {
        return no("no row of goods can be read on it");
    }
    if !is_whole || rows.len() > RECEIPT_ROWS_MAX {
        return no("it is too long");
    }
    Ok(Some((rows, total)))
}

fn adds_up(sheet: &Sheet, rows: &[Row], total: Money) -> Result<(), Doubt> {
    let goods = rows.iter().filter_map(|it| it.amount);
    let sum = goods.fold(sheet.off, Money::plus);
    if sum == total || sum.plus(sheet.tax) == total {
        return Ok(());
    }
    Err((
        format!("its rows add up to {sum}, and it says {total}"),
        HINT,
    ))
}

fn identity(heading: &Heading) -> Result<(String, ReceiptNo), Doubt> {
    let no = |what: &str| (what.to_owned(), HINT_NUMBER);
    if heading.several {
        return Err(no("several numbers on it could be its own"));
    }
    let number = heading
        .number
        .clone()
        .ok_or_else(|| no("it has no number that can be found"))?;
    let date = heading
        .date
        .as_deref()
        .ok_or_else(|| no("it has no date, and numbers come again"))?;
    // The date as printed: many tills begin again with 1 every morning.
    let receipt =
        ReceiptNo::new(format!("{date} {number}")).map_err(|it| (it.to_string(), HINT_NUMBER))?;
    Ok((number, receipt))
}

/// What a copy has in common with its original, whatever is printed around it.
fn meaning(number: &str, rows: &[Row], total: Money) -> Digest {
    let mut text = format!("{number}\n{total}\n");
    for row in rows {
        let code = row
            .code
            .as_deref()
            .or(row.number.as_deref())
            .unwrap_or_default();
        let many = row.quantity.map(|it| it.to_string()).unwrap_or_default();
        let amount = row.amount.unwrap_or_default();
        text += &format!("{code}\t{}\t{many}\t{amount}\n", row.name);
    }
    hash(text.as_bytes())
}

fn lines(
    rows: Vec<Row>,
    is_refund: bool,
    at: Timestamp,
    (number, context): (&str, &Context<'_>),
    raw: &str,
) -> (Vec<super::line::Row>, Vec<InboxFault>) {
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for mut row in rows {
        let negative = row.amount.is_some_and(|it| it < Money::ZERO);
        let returned = words::says(&row.full.to_uppercase(), &words::REFUND);
        strip(&mut row, &words::REFUND);
        let back = is_refund || negative || returned;
        let place = format!("receipt {number}, `{}`", row.full);
        match goods(&row, back, at, context) {
            Goods::Line(line) => lines.push(line),
            Goods::Later(line, name) if !back => {
                lines.push(line);
                let what = format!("no item is called `{name}`");
                let mut fault = InboxFault::new(format!("`{name}`"), what, HINT_NAME, raw);
                fault.counted = true;
                faults.push(fault);
            }
            Goods::Later(_, name) => {
                let what = format!("no item is called `{name}`; it is money off, or came back");
                faults.push(InboxFault::new(place, what, HINT, raw));
            }
            Goods::Doubt(what) => faults.push(InboxFault::new(place, what, HINT, raw)),
        }
    }
    (lines, faults)
}
