//! What the machine wants done, in strict order.

use serde::{Deserialize, Serialize};
use shelf_stock::document::Draft;
use shelf_stock::money::Money;
use shelf_stock::name::TenderRef;

use super::event::BasketEvent;
use super::id::{BasketId, IntentId};
use super::view::TillView;

/// One thing to do. Effects of one call are carried out in order, and none before the
/// [`TillEffect::Persist`] effects ahead of it are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TillEffect {
    /// Append to the basket's events.
    Persist(BasketEvent),
    /// Give this view to the pages.
    Show(Box<TillView>),
    /// Make a sound (PC speaker, scanner, page).
    Sound(Sound),
    /// Send a payment to the terminal, once.
    StartPayment {
        /// Its id.
        intent: IntentId,
        /// How much: positive is a sale, negative a refund.
        amount: Money,
    },
    /// Ask the terminal what became of a payment. Never sends the payment again.
    AskTerminal {
        /// Which.
        intent: IntentId,
        /// What was asked for, to compare with the terminal's answer.
        amount: Money,
    },
    /// Ask the terminal to break off.
    CancelPayment {
        /// Which.
        intent: IntentId,
    },
    /// Ask the terminal to give a payment back, by its own reference.
    ReversePayment {
        /// Which.
        intent: IntentId,
        /// How much was paid.
        amount: Money,
        /// What the terminal calls it.
        reference: Option<TenderRef>,
    },
    /// Acknowledge the terminal's approval. May be repeated; a session that isn't waiting for it
    /// ignores it.
    ConfirmTerminal {
        /// Which.
        intent: IntentId,
    },
    /// Record these drafts in one transaction; for a sale the same transaction clears the basket's
    /// events. Answer with `Committed` or `CommitFailed`. May be repeated: the source keys make it
    /// idempotent.
    Record {
        /// What it is.
        what: What,
        /// The drafts, one unless it is larger than a document.
        drafts: Vec<Draft>,
    },
    /// Clear the events of an abandoned basket.
    Clear(BasketId),
}

/// What is being recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The sale of a basket.
    Sale(BasketId),
    /// The void of a sale whose payment was given back.
    Void(IntentId),
}

/// Sounds, each with a visual twin in the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// Short and high: the line is in.
    Ok,
    /// Two low: nobody knows the code, or it can't be read.
    Unknown,
    /// Long: something is needed from the cashier first.
    Blocked,
    /// The payment went through.
    PaymentOk,
    /// Repeats until acknowledged.
    PaymentUnknown,
}
