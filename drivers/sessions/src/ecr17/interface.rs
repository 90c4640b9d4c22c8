//! What goes into the machine, what comes out, what is written down.

use shelf_codecs::ecr17::{
    Approval, Closing, Fault, LrcMode, RegisterId, Stan, TerminalId, TerminalState,
};
use shelf_codecs::zvt::Amount;

use crate::payment::{Ask, IntentId, PaymentState, Rejection};
use crate::time::Mono;

/// A time in milliseconds after which silence means something.
pub type SilenceLimit = u64;

/// Settings of one terminal.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Its identity.
    pub terminal: TerminalId,
    /// Ours.
    pub register: RegisterId,
    /// What its check bytes cover.
    pub lrc: LrcMode,
    /// From a request to its acknowledgement; also the limit for connecting.
    pub answer_ms_max: SilenceLimit,
    /// From the acknowledgement, or the last progress line, to the result.
    pub result_ms_max: SilenceLimit,
    /// Between two attempts to find out.
    pub resync_pause_ms: u64,
    /// After this the payment is left to people. Longer than `quiet_ms_min`.
    pub resync_ms_max: u64,
    /// How long after the last word about a payment no customer can be at the terminal any more.
    pub quiet_ms_min: u64,
}

impl Config {
    /// The defaults: 2 s to an acknowledgement, 60 s to a result, asked every 5 s for three minutes, quiet
    /// after two. (The acquirer's pages name none; these are those of open implementations.)
    #[must_use]
    pub fn new(terminal: TerminalId, register: RegisterId) -> Config {
        Config {
            terminal,
            register,
            lrc: LrcMode::default(),
            answer_ms_max: 2_000,
            result_ms_max: 60_000,
            resync_pause_ms: 5_000,
            resync_ms_max: 180_000,
            quiet_ms_min: 120_000,
        }
    }
}

/// Which way the money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// The customer pays.
    Pay,
    /// An earlier payment is taken back.
    Reverse {
        /// The number of that payment.
        stan: Stan,
    },
}

/// What the terminal says when asked for its last result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LastResult {
    /// The number, if that transaction had one.
    pub stan: Option<Stan>,
    /// 0 is approved.
    pub code: u8,
}

/// The terminal's last transaction before ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Previous {
    /// It was not learnt.
    NotLearnt,
    /// This one.
    Last(LastResult),
}

/// The durable record of a payment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// Given by the till.
    pub intent: IntentId,
    /// Which way the money goes.
    pub kind: Kind,
    /// What was asked for.
    pub amount: Amount,
    /// How far it is.
    pub state: PaymentState,
    /// The terminal's last transaction before this one.
    pub previous: Previous,
    /// What the terminal said about this one.
    pub approval: Option<Approval>,
    /// The sale is durable; after a restart by the ledger's word.
    pub committed: bool,
    /// The terminal has our acknowledgement, or told the same when asked.
    pub confirmed: bool,
    /// A later payment was sent: the terminal's last result says nothing about this one any more.
    pub superseded: bool,
}

impl Record {
    /// Whether a restart leaves something to find out.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.state {
            PaymentState::Declined | PaymentState::Aborted | PaymentState::Reversed => false,
            PaymentState::Approved => !self.confirmed,
            _ => true,
        }
    }
}

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The connection asked for is there.
    Connected,
    /// The connection could not be made, or is gone.
    Disconnected,
    /// Bytes from the terminal.
    Bytes(Vec<u8>),
    /// The time of the last [`Effect::SetTimer`] has come.
    Tick,
    /// Take a payment.
    Pay {
        /// Durable already as the till's intent.
        intent: IntentId,
        /// What to take; at most eight digits.
        amount: Amount,
    },
    /// Take an earlier payment back.
    Reverse {
        /// Durable already as the till's intent.
        intent: IntentId,
        /// The number of the payment.
        stan: Stan,
        /// The amount of the payment.
        amount: Amount,
    },
    /// The cashier gives up waiting. The terminal cannot be told: it is asked what became of it.
    GiveUp,
    /// Close the terminal's day.
    Close,
    /// The terminal's totals.
    Totals,
    /// Is the terminal there? Never starts anything.
    Status,
    /// Try again to find out about an unknown payment.
    Resync {
        /// The one that is unknown.
        intent: IntentId,
    },
    /// People have settled an unknown payment.
    Settled {
        /// The one that was unknown.
        intent: IntentId,
    },
    /// After a restart: a record that was still open.
    Resume(Box<Record>),
    /// The last [`Effect::PersistState`] of this intent is durable.
    Persisted {
        /// Whose.
        intent: IntentId,
    },
    /// The sale is durable.
    Committed {
        /// Whose.
        intent: IntentId,
    },
    /// The sale could not be made durable.
    CommitFailed {
        /// Whose.
        intent: IntentId,
    },
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a connection.
    Connect,
    /// Close it after everything sent has been written.
    Disconnect,
    /// Write these bytes. They hold no card data.
    Send(Vec<u8>),
    /// Make the record durable, then answer [`Input::Persisted`].
    PersistState(Box<Record>),
    /// Commit the sale and this record in one transaction, then answer.
    CommitThenConfirm(Box<Record>),
    /// Show to cashier and customer.
    Display(String),
    /// How it ended.
    Outcome(Outcome),
    /// Call [`Input::Tick`] at this time; replaces an earlier one.
    SetTimer(Mono),
    /// An input that could not be taken.
    Rejected(Rejection),
    /// Unreadable bytes, masked; an event.
    Fault(Fault),
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Money moved as asked, the sale is durable.
    Approved(Box<Record>),
    /// The terminal or its host refused; no money moved.
    Declined {
        /// The payment.
        record: Box<Record>,
        /// The terminal's result code.
        code: u8,
        /// The terminal's words, masked.
        words: String,
    },
    /// It was sent, and the terminal says that nothing came of it.
    Aborted(Box<Record>),
    /// It was never sent: it may be tried again.
    NotStarted(Box<Record>),
    /// Nobody could say.
    Unknown {
        /// The payment; `committed` tells whether its sale is durable.
        record: Box<Record>,
        /// Whom to ask first.
        ask: Ask,
        /// Why, in words.
        why: &'static str,
    },
    /// The terminal's total in minor units; `None` where it refused.
    Totals(Option<u64>),
    /// The terminal's day is closed.
    DayClosed(Closing),
    /// The terminal's state.
    TerminalState(TerminalState),
    /// A command without money of its own failed.
    Failed {
        /// Why, in words.
        why: String,
    },
}
