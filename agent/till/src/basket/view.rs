//! What the till page and the API show, as stable JSON.
//!
//! Everything about baskets comes from persisted events. The fields that don't (`notices`,
//! `progress`, `last_sale`, alerts about storage) are hints that a restart forgets; each says so.
//! Quantities are thousandths, money is minor units.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shelf_stock::identity::Place;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, StaffId, TillId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::id::{BasketId, IntentId};
use super::input::RefusedKind;
use super::line::{BasketLine, LineNo};
use super::payment::Payment;
use super::state::Stage;

/// The most notices that a view holds; older ones give way.
pub const NOTICES_MAX: usize = 8;

/// What a read does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Adds a row.
    #[default]
    Sell,
    /// Adds a row that comes back from the customer.
    Return,
    /// Only shows the price.
    PriceCheck,
}

/// Everything that a till page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillView {
    /// Which till.
    pub till: TillId,
    /// Who is signed on. Volatile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<StaffId>,
    /// What the next read does. Durable while a basket is open.
    pub mode: Mode,
    /// Whether cash may be settled here.
    pub cash_allowed: bool,
    /// The basket on the counter.
    pub basket: Option<BasketView>,
    /// Baskets set aside, oldest first.
    pub parked: Vec<BasketView>,
    /// Baskets whose payment nobody knows the outcome of, oldest first.
    pub unsettled: Vec<BasketView>,
    /// Baskets that are paid and being recorded.
    pub closing: Vec<BasketView>,
    /// What needs the cashier, most urgent first; stays until dealt with or dismissed.
    pub alerts: Vec<Alert>,
    /// Rows about reads that added nothing, oldest first. Volatile.
    pub notices: Vec<Notice>,
    /// What the terminal shows. Volatile.
    pub progress: Option<String>,
    /// The sale recorded last. Volatile.
    pub last_sale: Option<LastSale>,
}

/// One basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasketView {
    /// Its id.
    pub id: BasketId,
    /// When it began.
    pub opened: Timestamp,
    /// How far it is.
    pub stage: Stage,
    /// Its rows, in the order of reading; voided ones are flagged.
    pub lines: Vec<Arc<BasketLine>>,
    /// The row read last: what the page shows in large type.
    pub last_line: Option<LineNo>,
    /// Running item count: pieces, and one for each measured row; returns count too.
    pub items: u64,
    /// Sum of the rows that have a price.
    pub total: Money,
    /// Sum of what is paid.
    pub paid: Money,
    /// What is left to pay; negative is to be paid out.
    pub due: Money,
    /// All attempts to pay, in order.
    pub payments: Vec<Payment>,
}

/// A sale that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSale {
    /// Its basket.
    pub basket: BasketId,
    /// What was paid.
    pub total: Money,
    /// Where it stands in the log.
    pub place: Place,
}

/// Something that needs the cashier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "alert", rename_all = "snake_case")]
pub enum Alert {
    /// A sale could not be recorded. Volatile; recording starts again when the till does.
    CommitFailed {
        /// Which basket, unless it is a void.
        basket: Option<BasketId>,
        /// Why.
        message: String,
    },
    /// An event could not be stored. Volatile.
    StorageFailed {
        /// Why.
        message: String,
    },
    /// A recorded sale was voided because its payment was given back. Volatile.
    SaleVoided {
        /// Which payment.
        intent: IntentId,
        /// Cash that the customer paid for it and gets back.
        cash_back: Money,
    },
    /// A payment that was thought not charged is approved after all. Volatile.
    LateApproval {
        /// Which payment.
        intent: IntentId,
    },
    /// The terminal could not say what became of a payment that counts as paid, such as one that was to
    /// be given back. Volatile; the manager's inbox keeps it.
    ApprovedInDoubt {
        /// Which payment.
        intent: IntentId,
    },
    /// The terminal speaks of a payment that this till doesn't know. Volatile.
    StrayPayment {
        /// Which payment.
        intent: IntentId,
    },
    /// The outcome of a payment is unknown: read the terminal's slip. Stays until settled, even
    /// when it was dismissed (then `acknowledged`, and silent).
    PaymentUnknown {
        /// Which basket.
        basket: BasketId,
        /// Which payment.
        intent: IntentId,
        /// How much.
        amount: Money,
        /// Whether the sound has been dismissed. Volatile.
        acknowledged: bool,
    },
    /// A code that nobody knows: key a price or take the row out.
    UnknownCode {
        /// Which row.
        line: LineNo,
        /// The code.
        code: Code,
    },
    /// An item without price: key one.
    PriceNeeded {
        /// Which row.
        line: LineNo,
    },
    /// Goods sold by measure without one: key the quantity.
    QuantityNeeded {
        /// Which row.
        line: LineNo,
    },
    /// The stock policy asks for a PIN.
    ApprovalNeeded {
        /// Which row.
        line: LineNo,
    },
    /// The stock policy warns.
    StockWarning {
        /// Which row.
        line: LineNo,
    },
}

/// A row about something that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// A read that can't be used.
    BadRead {
        /// What is wrong.
        reason: String,
        /// What was read, masked.
        masked: String,
    },
    /// A read that must not be kept.
    RefusedRead {
        /// What it was.
        kind: RefusedKind,
    },
    /// The same code again within the duplicate guard.
    Duplicate {
        /// The code.
        code: Code,
    },
    /// The answer of a price check.
    Price {
        /// What it is.
        name: String,
        /// Per unit; missing: the cashier keys it.
        price: Option<Money>,
        /// How much the code names.
        quantity: Option<Quantity>,
    },
    /// A price check of a code that nobody knows.
    PriceUnknown {
        /// The code.
        code: Code,
    },
    /// What was asked for can't be done now.
    Refused {
        /// Why, as a stable word for the page's texts.
        why: Refusal,
    },
    /// A payment was not charged.
    NotCharged {
        /// Which.
        intent: IntentId,
        /// What the terminal says.
        text: String,
    },
}

/// Why something can't be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// There is no open basket.
    NoBasket,
    /// The basket has no such row.
    NoLine,
    /// Nothing to take back.
    NothingToUndo,
    /// The quantity is not above zero, too large, or not whole for pieces.
    Quantity,
    /// A measured row's quantity can't be keyed.
    Measured,
    /// The price is negative.
    Price,
    /// A row still needs a quantity.
    QuantityNeeded,
    /// A row still needs a price.
    PriceNeeded,
    /// A row still needs somebody's PIN.
    ApprovalNeeded,
    /// A payment is under way: wait for the terminal or cancel there.
    PaymentUnderWay,
    /// Money was already taken for this basket: give it back first.
    AlreadyPaid,
    /// There is no such payment, or it is not in a state for this.
    NoPayment,
    /// The amount is zero, of the wrong sign or more than what is due.
    Amount,
    /// Cash is not settled here: the configuration does not declare it lawful
    /// (`fiscal = "declared"`).
    CashNotDeclared,
    /// The basket is full.
    BasketFull,
    /// Too many payments for one basket.
    TooManyPayments,
    /// Too many baskets are set aside: finish one first.
    TooManyParked,
    /// The basket is empty.
    Empty,
    /// A thing on the pad was sold already.
    ThingSold,
    /// A tag on the pad names no article: its barcode must be scanned.
    TagWithoutArticle,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBasket => "there is no open basket",
            Self::NoLine => "the basket has no such row",
            Self::NothingToUndo => "there is nothing to take back",
            Self::Quantity => "this quantity can't be sold: pieces are whole, and more than zero",
            Self::Measured => "the scale or the code measured this row; take it out instead",
            Self::Price => "this is no price: is it a barcode?",
            Self::QuantityNeeded => "a row still needs its weight or measure",
            Self::PriceNeeded => "a row still needs a price; key one or take the row out",
            Self::ApprovalNeeded => "a row still needs somebody's PIN",
            Self::PaymentUnderWay => "the terminal is at work: wait, or cancel the payment",
            Self::AlreadyPaid => "money was taken for this basket: give it back first",
            Self::NoPayment => "there is no such payment, or it is already decided",
            Self::Amount => "the amount must be above zero and not more than what is due",
            Self::CashNotDeclared => {
                "cash is not settled at this till: set fiscal = \"declared\" only where that is lawful"
            }
            Self::BasketFull => "the basket is full: pay it and begin another",
            Self::TooManyPayments => "this basket has too many payments",
            Self::TooManyParked => "too many baskets are set aside: finish one first",
            Self::Empty => "the basket is empty",
            Self::ThingSold => "a thing on the pad was sold already; take it off the pad",
            Self::TagWithoutArticle => "a tag on the pad names no article; scan its barcode",
        })
    }
}
