//! What all payment terminals have in common, whatever they speak: who a payment is, how far it is, whom
//! to ask about it.
//!
//! These words are written to disk inside the terminals' records, so a name must not change. What a
//! terminal said, and which way the money went, differs by protocol and stays with each.

/// The identity of a payment intent (a UUID), given by the till.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct IntentId(pub u128);

/// How far a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PaymentState {
    /// Asked for; nothing has been sent.
    Created,
    /// The next thing sent is the payment: from here on it may have happened.
    Sent,
    /// The terminal took the command.
    Accepted,
    /// The customer is busy at the terminal.
    InProgress,
    /// Approved, and the sale is durable.
    Approved,
    /// Refused; no money moved.
    Declined,
    /// Cancelled or never begun; no money moved.
    Aborted,
    /// Nobody could say. People decide.
    Unknown,
    /// Approved and committed, then taken back by the terminal.
    Reversed,
}

/// Why an input was not taken. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A dialogue is running.
    Busy,
    /// No such unknown payment is held.
    NotHeld,
}

/// Who can say what became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The cashier, from the terminal's display or slip, now.
    Cashier,
    /// The manager, from the terminal's journal or the acquirer.
    Manager,
}
