//! What is written down about a basket, in order.
//!
//! Events of one basket are numbered from 0 without gaps and folded by [`Basket::apply`]; the
//! order between baskets carries no meaning, so a store may return them basket by basket. Any
//! prefix is a valid state. The JSON form is kept in the ledger across versions: fields may be
//! added with a default, never renamed.
//!
//! [`Basket::apply`]: super::Basket::apply

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shelf_stock::money::Money;
use shelf_stock::name::{Reason, StaffId, TenderRef};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::id::{BasketId, IntentId};
use super::line::{BasketLine, LineNo};
use super::payment::{Payment, PaymentState};
use super::view::Mode;

/// One durable change of one basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasketEvent {
    /// Which basket.
    pub basket: BasketId,
    /// Its number inside the basket, from 0.
    pub n: u32,
    /// When it was decided.
    pub at: Timestamp,
    /// What changed.
    pub change: Change,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// The basket began.
    Opened {
        /// In which mode.
        mode: Mode,
        /// Who serves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        staff: Option<StaffId>,
    },
    /// A row was added.
    LineAdded {
        /// The row.
        line: Arc<BasketLine>,
    },
    /// A row's quantity was keyed, or weighed.
    QuantitySet {
        /// Which row.
        line: LineNo,
        /// How much.
        quantity: Quantity,
        /// Whether a scale said so, and nobody keyed it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        weighed: bool,
    },
    /// A row's price was keyed.
    PriceKeyed {
        /// Which row.
        line: LineNo,
        /// Per unit.
        price: Money,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// A row was taken out.
    LineVoided {
        /// Which row.
        line: LineNo,
    },
    /// Somebody approved a row with a PIN.
    LineApproved {
        /// Which row.
        line: LineNo,
        /// Who.
        staff: StaffId,
    },
    /// The alert of a row was dismissed.
    Acknowledged {
        /// Which row.
        line: LineNo,
    },
    /// The last change of a row was taken back.
    Undone,
    /// The mode changed.
    ModeSet {
        /// To which.
        mode: Mode,
    },
    /// Set aside for later.
    Parked,
    /// Back on the counter.
    Resumed,
    /// A payment began (card) or was taken (cash).
    PaymentAdded {
        /// The payment.
        payment: Payment,
    },
    /// More became known about a payment. An unknown outcome also takes the basket off the counter.
    PaymentChanged {
        /// Which.
        intent: IntentId,
        /// What is known now.
        state: PaymentState,
        /// How much, where the terminal approved another amount than asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<Money>,
        /// The terminal's or the slip's reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<TenderRef>,
        /// Who settled it from the slip.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settled_by: Option<StaffId>,
    },
    /// Paid in full: it becomes a document and nothing else can happen to it.
    Completed,
    /// Abandoned: its events can be cleared.
    Voided,
}
