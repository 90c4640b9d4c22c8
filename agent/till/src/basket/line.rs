//! A line of a basket: what was read, what it costs, where the goods go.
//!
//! A line is the same value in the machine, in the persisted events and in the page's JSON.
//! Quantities are thousandths of the unit, money is minor units; both are integers everywhere. A
//! line number is never reused inside its basket.

use serde::{Deserialize, Serialize};
use shelf_stock::document::Subject;
use shelf_stock::item::Part;
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, Epc, Reason, StaffId};
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::time::Timestamp;

/// Number of a line inside its basket, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineNo(pub u32);

/// One row of a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasketLine {
    /// Its number.
    pub no: LineNo,
    /// What the cashier reads.
    pub name: String,
    /// What it is about.
    pub subject: Subject,
    /// The code that was read, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The tag of this very thing, if it was read by its tag: it is a row once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epc: Option<Epc>,
    /// How much, in thousandths of `unit`; above zero also for a return.
    pub quantity: Quantity,
    /// Whether the quantity of measured goods must still be keyed; `quantity` is a stand-in then.
    #[serde(default)]
    pub quantity_missing: bool,
    /// What one unit is.
    pub unit: Unit,
    /// Price per unit; missing until one is keyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// What the line adds to the bill (negative for a return); missing without a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Where the price comes from.
    pub price_origin: PriceOrigin,
    /// Why the price was keyed or the goods came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Which way the goods go.
    pub direction: Direction,
    /// What one unit takes from stock; empty: the subject itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Whether a scale or a code measured it, so that no quantity can be keyed.
    #[serde(default)]
    pub measured: bool,
    /// What the stock policy said when it was read.
    #[serde(default)]
    pub stock: StockFlag,
    /// Who approved it where the policy asks for a PIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<StaffId>,
    /// Whether the cashier has dismissed its alert.
    #[serde(default)]
    pub acknowledged: bool,
    /// Whether it was taken out of the basket; it stays visible, struck through.
    #[serde(default)]
    pub voided: bool,
    /// When it was read.
    pub effective: Timestamp,
}

/// Where a line's price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceOrigin {
    /// The catalogue's price.
    Catalogue,
    /// Printed in the code of weighed goods.
    Code,
    /// Keyed by the cashier, or still to be keyed.
    Keyed,
}

/// Which way goods go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the sales floor to the customer.
    Sale,
    /// From the customer to a location.
    Return {
        /// Where the goods go.
        to: Location,
    },
}

/// What the store's policy says about a line that the book has no stock for. The sale of goods
/// that lie on the counter is never refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StockFlag {
    /// Nothing to say.
    #[default]
    Fine,
    /// Told to the cashier.
    Warn,
    /// Needs somebody's PIN before paying.
    Pin,
}

impl BasketLine {
    /// Whether a price must still be keyed.
    pub fn needs_price(&self) -> bool {
        !self.voided && self.amount.is_none() && !self.quantity_missing
    }

    /// Whether somebody must still approve it.
    pub fn needs_approval(&self) -> bool {
        !self.voided && self.stock == StockFlag::Pin && self.approved_by.is_none()
    }

    /// Whether its code belongs to no item yet.
    pub fn is_unknown(&self) -> bool {
        matches!(self.subject, Subject::Unbound(_))
    }

    /// `amount` with the sign of the line's direction.
    pub(crate) fn signed(&self, amount: Money) -> Money {
        match self.direction {
            Direction::Sale => amount,
            Direction::Return { .. } => amount.negated(),
        }
    }
}

/// What of a line matters to whoever follows single things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// Which very thing, if its tag or its serial number was read: the digits of the tag, or `GTIN/SERIAL`.
    pub thing: Option<String>,
    /// The code of its article.
    pub code: Option<Code>,
    /// How many pieces; one for measured goods.
    pub pieces: u64,
    /// Whether it comes back.
    pub comes_back: bool,
    /// When.
    pub at: Timestamp,
}

impl Goods {
    /// Of a line.
    pub(crate) fn of(line: &BasketLine) -> Self {
        let whole = line.quantity.as_thousandths() / Quantity::ONE.as_thousandths();
        let pieces = match line.unit {
            Unit::Piece => u64::try_from(whole).unwrap_or(0),
            _ => 1,
        };
        Self {
            thing: line.epc.as_ref().map(ToString::to_string),
            code: line.code.clone(),
            pieces,
            comes_back: line.direction != Direction::Sale,
            at: line.effective,
        }
    }
}
