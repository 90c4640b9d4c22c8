//! Payments of a basket and what is known about them.
//!
//! A payment is durable before the terminal hears of it and is never sent twice. Amounts are
//! signed: negative is paid out. What the terminal calls the payment (`reference`) carries no card
//! data; the codec has already reduced it.

use serde::{Deserialize, Serialize};
use shelf_stock::money::Money;
use shelf_stock::name::{StaffId, TenderRef};

use super::id::IntentId;

/// One attempt to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id.
    pub intent: IntentId,
    /// How.
    pub kind: PaymentKind,
    /// How much; negative is paid out.
    pub amount: Money,
    /// What is known.
    pub state: PaymentState,
    /// The terminal's or the slip's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<TenderRef>,
    /// Who settled it from the slip, where the terminal could not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<StaffId>,
}

/// Ways of paying at this till.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// Notes and coins.
    Cash,
    /// The payment terminal.
    Card,
}

/// What is known about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Durable; the terminal may have heard of it.
    Started,
    /// Paid.
    Approved,
    /// Refused by the terminal or its host: not charged.
    Declined,
    /// Broken off before the decision: not charged.
    Aborted,
    /// Nobody knows; only the terminal or its slip can tell.
    Unknown,
    /// Was paid and has been given back.
    Reversed,
}

impl PaymentState {
    /// Whether the outcome is still open.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Started | Self::Unknown)
    }
}
