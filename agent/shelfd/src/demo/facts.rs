//! What must be at the hub, and what is there: two bags of facts, and how they differ.
//!
//! The simulators keep their own record: each line that a till's screen showed, each report that
//! was answered, each payment that a terminal booked and saw acknowledged. The other bag is read
//! from the documents at the hub. A fact that is there less often than it happened is lost, one
//! that is there more often is doubled. The comparison knows nothing of how the daemon works.

use std::collections::BTreeMap;

use serde_json::Value;
use shelf_stock::document::{Document, Kind, Line, SourceAction, Subject, Tender, TenderKind};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::Code;
use shelf_stock::quantity::Quantity;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    /// A receipt was made or voided.
    Receipt(Receipt),
    /// A line of it.
    Line(Receipt, Moved),
    /// A payment: at which till, how much in minor units, and by what it is known there.
    Paid {
        till: String,
        minor: i64,
        mark: String,
    },
}

/// A receipt by its till's own number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Receipt {
    /// At which till.
    pub(super) till: String,
    /// Its number there.
    pub(super) number: String,
    /// Whether this is its void.
    pub(super) is_void: bool,
}

/// A line's goods.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moved {
    /// The code that was read, else the item's number.
    pub(super) what: String,
    /// How much.
    pub(super) quantity: Quantity,
    /// Whether it came back from the customer.
    pub(super) back: bool,
}

/// Facts and how often each is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts(BTreeMap<Fact, u64>);

/// How two bags differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Facts that are missing.
    pub(super) lost: u64,
    /// Facts that are there too often.
    pub(super) duplicated: u64,
    /// The first of them in words.
    pub(super) named: Vec<String>,
}

/// Differences that are named; the counts are whole.
const NAMED_MAX: usize = 10;

impl Facts {
    /// One more.
    pub(super) fn add(&mut self, fact: Fact) {
        *self.0.entry(fact).or_default() += 1;
    }

    /// Everything that a document says of sales.
    pub(super) fn add_document(&mut self, document: &Document) {
        let is_void = matches!(document.draft.kind, Kind::Void { .. });
        if !is_void && document.draft.kind != Kind::Sale {
            return;
        }
        let key = document.draft.source.as_ref();
        let receipt = Receipt {
            till: key.map_or_else(String::new, |it| it.source.to_string()),
            number: key.map_or_else(|| document.place.to_string(), |it| it.receipt.to_string()),
            is_void: is_void || key.is_some_and(|it| it.action == SourceAction::Void),
        };
        for line in &document.draft.lines {
            self.add(Fact::Line(receipt.clone(), moved(line)));
        }
        for tender in &document.draft.tenders {
            self.add(paid(&receipt, tender));
        }
        // A receipt that is larger than a document has several, counted by its first.
        if key.is_none_or(|it| it.part == 0) {
            self.add(Fact::Receipt(receipt));
        }
    }

    /// How many of receipts that aren't voids.
    pub(super) fn receipts(&self) -> u64 {
        let sales = self
            .0
            .iter()
            .filter(|(it, _)| matches!(it, Fact::Receipt(it) if !it.is_void));
        sales.map(|(_, count)| count).sum()
    }

    /// What of `expected` is missing in `found`, and what is too much, beyond `before`.
    pub(super) fn compare(expected: &Self, found: &Self, before: &Self) -> Difference {
        let mut difference = Difference::default();
        let all = expected.0.keys().chain(found.0.keys());
        let all: std::collections::BTreeSet<&Fact> = all.collect();
        for fact in all {
            let of = |facts: &Self| facts.0.get(fact).copied().unwrap_or(0);
            let (wanted, there) = (of(expected), of(found).saturating_sub(of(before)));
            difference.lost += wanted.saturating_sub(there);
            difference.duplicated += there.saturating_sub(wanted);
            if wanted != there && difference.named.len() < NAMED_MAX {
                let text = format!("happened {wanted} times, is there {there} times: {fact:?}");
                difference.named.push(text);
            }
        }
        difference
    }
}

fn moved(line: &Line) -> Moved {
    Moved {
        what: what(&line.subject, line.code.as_ref()),
        quantity: line.quantity,
        back: line.from == Location::Customer,
    }
}

/// The code that was read, else the item's number.
pub(super) fn what(subject: &Subject, code: Option<&Code>) -> String {
    match (code, subject) {
        (Some(code), _) => code.to_string(),
        (None, Subject::Item(item)) => item.to_string(),
        (None, Subject::Unbound(code)) => code.to_string(),
        (None, Subject::Open) => "open".to_owned(),
    }
}

fn paid(receipt: &Receipt, tender: &Tender) -> Fact {
    let reference = tender
        .reference
        .as_ref()
        .map(shelf_stock::name::TenderRef::as_str)
        .unwrap_or_default();
    let mark = match tender.kind {
        TenderKind::Card if !reference.is_empty() => {
            let numbers = reference.split(' ').filter(|it| it.starts_with(['R', 'N']));
            numbers.collect::<Vec<_>>().join(" ")
        }
        _ => receipt.number.clone(),
    };
    Fact::Paid {
        till: receipt.till.clone(),
        minor: tender.amount.as_minor(),
        mark,
    }
}

/// What a terminal calls a booking, in the words of [`paid`].
pub(super) fn terminal_mark(receipt: u16, trace: u32) -> String {
    format!("R{receipt:04} N{trace:06}")
}

/// A payment that a terminal booked or a drawer took.
pub(super) fn payment(till: &str, amount: Money, mark: String) -> Fact {
    Fact::Paid {
        till: till.to_owned(),
        minor: amount.as_minor(),
        mark,
    }
}

/// A page of the hub's documents: facts into the bag; the number of documents, those that could not
/// be read, and the next page.
pub(super) fn read_page(page: &Value, facts: &mut Facts) -> (u64, u64, Option<i64>) {
    let (mut documents, mut unreadable) = (0, 0);
    for row in page["documents"].as_array().into_iter().flatten() {
        documents += 1;
        match serde_json::from_value::<Document>(row["document"].clone()) {
            Ok(document) => facts.add_document(&document),
            Err(_) => unreadable += 1,
        }
    }
    (documents, unreadable, page["next"].as_i64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(number: &str) -> Receipt {
        Receipt {
            till: "till-1".into(),
            number: number.into(),
            is_void: false,
        }
    }

    fn bag(numbers: &[&str]) -> Facts {
        let mut facts = Facts::default();
        for number in numbers {
            facts.add(Fact::Receipt(receipt(number)));
            let moved = Moved {
                what: "a".into(),
                quantity: Quantity::ONE,
                back: false,
            };
            facts.add(Fact::Line(receipt(number), moved));
        }
        facts
    }

    #[test]
    fn what_is_missing_is_lost_and_what_is_too_much_is_doubled() {
        let none = Facts::default();
        for (expected, found, before, lost, duplicated) in [
            (vec!["1", "2"], vec!["1", "2"], vec![], 0, 0),
            (vec!["1", "2"], vec!["1"], vec![], 2, 0),
            (vec!["1"], vec!["1", "1"], vec![], 0, 2),
            (vec!["1"], vec!["2"], vec![], 2, 2),
            (vec!["1"], vec!["0", "1"], vec!["0"], 0, 0),
        ] {
            let found = Facts::compare(&bag(&expected), &bag(&found), &bag(&before));
            assert_eq!(
                (found.lost, found.duplicated),
                (lost, duplicated),
                "{expected:?}"
            );
            assert_eq!(found.named.is_empty(), lost + duplicated == 0);
        }
        assert_eq!(Facts::compare(&none, &none, &none), Difference::default());
    }
}
