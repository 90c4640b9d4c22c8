//! A foreign line as a line of a document: look up, direction by sign, parts; and which very thing it names.

use shelf_stock::document::{Line, Subject};
use shelf_stock::item::{Item, ItemKind, Part};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, Reason};
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::returns::ReturnRules;
use shelf_stock::time::Timestamp;

use super::{Named, Resolve, Resolved};
use crate::basket::Goods;

/// What a foreign line says.
pub(crate) struct Foreign<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) item: Option<&'a str>,
    /// The tag of this very thing: its digits or its URI.
    pub(crate) epc: Option<&'a str>,
    /// The serial number of this very thing (AI 21).
    pub(crate) serial: Option<&'a str>,
    /// Negative comes back from the customer.
    pub(crate) quantity: Quantity,
    pub(crate) unit_price: Option<Money>,
    /// As the source says; else price times quantity. Negative for what comes back.
    pub(crate) amount: Option<Money>,
    pub(crate) to: Option<Location>,
    pub(crate) reason: Option<Reason>,
    pub(crate) effective: Timestamp,
}

/// A foreign line that was read.
pub(crate) struct Row {
    pub(crate) line: Line,
    pub(crate) goods: Goods,
}

impl Row {
    /// The lines and the goods of rows.
    pub(crate) fn unzip(rows: Vec<Row>) -> (Vec<Line>, Vec<Goods>) {
        rows.into_iter().map(|it| (it.line, it.goods)).unzip()
    }
}

type Found = (Option<Item>, Option<Code>, Option<String>);

/// Why a foreign line can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    #[error("the quantity is zero or too large")]
    Quantity,
    #[error("the code can't be used: {reason}")]
    Code { reason: String },
    #[error("no item has the number `{number}`, and there is no code")]
    Item { number: String },
    #[error("`{tag}` is no tag of an article, and there is no code")]
    Tag { tag: String },
    #[error("there is neither a code, nor an item number, nor a price")]
    Nothing,
}

impl Foreign<'_> {
    pub(crate) fn into_line(
        self,
        resolve: &dyn Resolve,
        returns: &ReturnRules,
    ) -> Result<Row, LineError> {
        let back = self.quantity < Quantity::ZERO;
        let quantity = if back {
            self.quantity.negated()
        } else {
            self.quantity
        };
        if !quantity.fits_a_line() {
            return Err(LineError::Quantity);
        }
        let (item, code, thing) = self.found(resolve)?;
        let goods = Goods {
            thing: thing.filter(|_| quantity == Quantity::ONE),
            // Pieces are let pass by the number on their tags, however the source found them.
            code: code
                .clone()
                .or_else(|| item.as_ref()?.codes.first().cloned()),
            pieces: pieces(item.as_ref(), quantity),
            comes_back: back,
            at: self.effective,
        };
        let (from, to) = match back {
            true => (Location::Customer, self.disposition(item.as_ref(), returns)),
            false => (Location::SalesFloor, Location::Customer),
        };
        let positive = |it: &Money| *it > Money::ZERO;
        let amount = match self.amount {
            Some(amount) if back && positive(&amount) => Some(amount.negated()),
            other => other,
        };
        let by_price = self.unit_price.map(|it| it.times(self.quantity));
        let parts = parts(item.as_ref(), quantity);
        let subject = match (item, &code) {
            (Some(item), _) => Subject::Item(item.id),
            (None, Some(code)) => Subject::Unbound(code.clone()),
            (None, None) if self.amount.is_none() && by_price.is_none() => {
                return Err(LineError::Nothing);
            }
            (None, None) => Subject::Open,
        };
        let line = Line {
            subject,
            quantity,
            from,
            to,
            effective: self.effective,
            unit_price: self.unit_price,
            amount: amount.or(by_price),
            parts,
            code,
            reason: self.reason,
        };
        Ok(Row { line, goods })
    }

    /// The item, its code, and the very thing.
    fn found(&self, resolve: &dyn Resolve) -> Result<Found, LineError> {
        let named = self.named(resolve);
        let own = named.as_ref().and_then(|it| it.code.as_deref());
        let (item, code) = match (own.or(self.code), self.item, self.epc) {
            (None, None, Some(tag)) => {
                let tag = tag.chars().take(40).collect();
                return Err(LineError::Tag { tag });
            }
            (code, item, _) => look_up(item, code, resolve)?,
        };
        Ok((item, code, named.map(|it| it.thing)))
    }

    /// Where goods go that come back.
    fn disposition(&self, item: Option<&Item>, returns: &ReturnRules) -> Location {
        let named = self.to.clone().filter(|it| *it != Location::Customer);
        named.unwrap_or_else(|| returns.disposition(item))
    }

    /// The very thing: by its tag, else by a code with a serial number. A tag that names none costs nothing
    /// where a code says what was sold.
    fn named(&self, resolve: &dyn Resolve) -> Option<Named> {
        let by_tag = self.epc.and_then(|it| resolve.thing(it, None));
        by_tag.or_else(|| resolve.thing(self.code?, self.serial))
    }
}

/// What goods that are made of others take from stock.
fn parts(item: Option<&Item>, quantity: Quantity) -> Vec<Part> {
    let composed = |it: &&Item| !matches!(it.kind, ItemKind::Standard | ItemKind::Weighed);
    let parts = item.filter(composed).map(|it| it.explode(quantity));
    parts.unwrap_or_default()
}

/// Whole pieces; one of measured goods.
fn pieces(item: Option<&Item>, quantity: Quantity) -> u64 {
    let whole = quantity.as_thousandths() / Quantity::ONE.as_thousandths();
    match item {
        Some(item) if item.unit != Unit::Piece => 1,
        _ => u64::try_from(whole).unwrap_or(0),
    }
}

/// An item number that is known wins; otherwise the code decides.
fn look_up(
    number: Option<&str>,
    code: Option<&str>,
    resolve: &dyn Resolve,
) -> Result<(Option<Item>, Option<Code>), LineError> {
    if let Some(item) = number.and_then(|it| resolve.item(it)) {
        // Only what the catalogue's side calls a code is kept: a text could be a card number.
        let known = code.and_then(|it| match resolve.code(it) {
            Resolved::Item { code, .. } | Resolved::Unknown(code) => Some(code),
            Resolved::Bad { .. } => None,
        });
        return Ok((Some(item), known));
    }
    match (code, number) {
        (Some(code), _) => match resolve.code(code) {
            Resolved::Item { item, code } => Ok((Some(*item), Some(code))),
            Resolved::Unknown(code) => Ok((None, Some(code))),
            Resolved::Bad { reason } => Err(LineError::Code { reason }),
        },
        (None, Some(number)) => Err(LineError::Item {
            number: number.chars().take(40).collect(),
        }),
        (None, None) => Ok((None, None)),
    }
}
