//! What goes into the machine, what comes out, what is written down.

use shelf_codecs::ecr17::{
    Approval, Closing, Fault, LrcMode, RegisterId, Stan, TerminalId, TerminalState,
};
use shelf_codecs::zvt::Amount;

use crate::payment::{self, Ask, IntentId, PaymentRecord, Progress};

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
    #[serde(flatten)]
    pub progress: Progress,
    /// The terminal's last transaction before this one.
    pub previous: Previous,
    /// What the terminal said about this one.
    pub approval: Option<Approval>,
}

impl PaymentRecord for Record {
    fn intent(&self) -> IntentId {
        self.intent
    }

    fn is_reversal(&self) -> bool {
        matches!(self.kind, Kind::Reverse { .. })
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn progress_mut(&mut self) -> &mut Progress {
        &mut self.progress
    }
}

/// What people want of the terminal.
#[derive(Clone, Debug)]
pub enum Command {
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
}

/// What happened outside.
pub type Input = payment::Input<Command, Record>;
/// What is to be done, in this order. [`payment::Effect::Receipt`] never comes: the terminal prints.
pub type Effect = payment::Effect<Record, Outcome, Fault>;

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
