//! What is written down about a payment: the intent before the first byte, and every step after it.
//!
//! A record holds all that is needed to find out later, perhaps after a restart, what became of the
//! payment. It holds of the card no more than the last four digits.

use shelf_codecs::zvt::{Amount, CardTail, StatusInformation, TerminalDate, TerminalTime};

use super::interface::ShopTime;
use crate::payment::{IntentId, PaymentRecord, Progress};

/// Which way the money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ChargeKind {
    /// `06 01`: the customer pays.
    Pay,
    /// `06 31`: the customer gets money.
    Refund,
    /// `06 30`: an earlier payment is taken back.
    Reverse {
        /// The receipt number of that payment, four digits.
        receipt: u16,
    },
}

/// What the terminal said about one transaction; the parts that identify it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// 0 is approved.
    pub result_code: Option<u8>,
    /// In minor units.
    pub amount: Option<Amount>,
    /// ISO 4217 numeric.
    pub currency: Option<u16>,
    /// The terminal's trace number.
    pub trace: Option<u32>,
    /// The trace number of the transaction this one reverses; only a reversal has one.
    pub original_trace: Option<u32>,
    /// The receipt number.
    pub receipt: Option<u16>,
    /// By the terminal's clock.
    pub date: Option<TerminalDate>,
    /// By the terminal's clock.
    pub time: Option<TerminalTime>,
    /// The terminal's identity.
    pub terminal_id: Option<u32>,
    /// The last four digits of the card.
    pub card: Option<CardTail>,
    /// The scheme the terminal names (girocard, VISA, …).
    pub card_name: Option<String>,
}

impl From<&StatusInformation> for Evidence {
    fn from(status: &StatusInformation) -> Self {
        Self {
            result_code: status.result_code,
            amount: status.amount,
            currency: status.currency,
            trace: status.trace_number(),
            original_trace: status.original_trace,
            receipt: status.receipt,
            date: status.date,
            time: status.time,
            terminal_id: status.terminal_id,
            card: status.card,
            card_name: status.card_name.clone(),
        }
    }
}

/// The terminal's last transaction before ours, as it told us.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Previous {
    /// The terminal could not or would not say. A missing answer can then not be settled by comparing.
    NotLearnt,
    /// The terminal had no transaction.
    Nothing,
    /// This one.
    Last(Box<Evidence>),
}

/// The durable record of a payment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IntentRecord {
    /// Given by the till.
    pub intent: IntentId,
    /// Which way the money goes.
    pub kind: ChargeKind,
    /// What was asked for.
    pub amount: Amount,
    /// ISO 4217 numeric.
    pub currency: u16,
    /// The shop's wall time when it was asked for, to compare with the terminal's.
    pub asked_at: Option<ShopTime>,
    /// How far it is.
    #[serde(flatten)]
    pub progress: Progress,
    /// The terminal's last transaction before this one.
    pub previous: Previous,
    /// The terminal's identity, learnt before the payment was sent.
    pub terminal_id: Option<u32>,
    /// What the terminal said about this payment.
    pub evidence: Option<Evidence>,
}

impl PaymentRecord for IntentRecord {
    fn intent(&self) -> IntentId {
        self.intent
    }

    fn is_reversal(&self) -> bool {
        matches!(self.kind, ChargeKind::Reverse { .. })
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn progress_mut(&mut self) -> &mut Progress {
        &mut self.progress
    }
}
