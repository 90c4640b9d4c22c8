//! What goes into the machine, what comes out, and what can be configured.

use shelf_codecs::zvt::{
    Amount, DayTotals, Fault, Password, TerminalDate, TerminalTime, config_byte,
};

use super::record::{Evidence, IntentRecord};
use crate::payment::{self, Ask, IntentId};

/// The shop's wall time, in the form a terminal gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShopTime {
    /// Month and day.
    pub date: TerminalDate,
    /// Hour, minute, second.
    pub time: TerminalTime,
}

/// When the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// After each command. The default: terminals close idle connections after a second or two.
    PerCommand,
    /// Stays open between commands.
    Keep,
}

/// Settings of one terminal. Times are in milliseconds; the defaults are those of the specification.
#[derive(Clone, Debug)]
pub struct Config {
    /// The terminal's password.
    pub password: Password,
    /// Who prints; see [`config_byte`].
    pub config_byte: u8,
    /// ISO 4217 numeric.
    pub currency: u16,
    /// Per command, or kept open.
    pub connection: Connection,
    /// T3: from a command to its acknowledgement; also the limit for connecting.
    pub reply_ms_max: u64,
    /// T4: between two signs of life of a running transaction.
    pub sign_of_life_ms_max: u64,
    /// Field 01 of a payment: for how many seconds (at most 99) the terminal accepts "wait". `None` leaves
    /// it to the terminal (30 s); some terminals ask again without pause unless it is given.
    pub wait_s_max: Option<u8>,
    /// How long the terminal waits for a commit before it is told to wait.
    pub commit_ms_before_wait: u64,
    /// Between two attempts to find out what became of a payment.
    pub resync_pause_ms: u64,
    /// After this the payment is left to people.
    pub resync_ms_max: u64,
}

impl Config {
    /// The defaults: the terminal prints, connection per command, T3 5 s, T4 180 s, resynchronisation
    /// every 5 s for 2 minutes.
    #[must_use]
    pub fn new(password: Password, currency: u16) -> Self {
        Self {
            password,
            config_byte: config_byte::TERMINAL_PRINTS,
            currency,
            connection: Connection::PerCommand,
            reply_ms_max: 5_000,
            sign_of_life_ms_max: 180_000,
            wait_s_max: None,
            commit_ms_before_wait: 1_000,
            resync_pause_ms: 5_000,
            resync_ms_max: 120_000,
        }
    }
}

/// What people want of the terminal.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take a payment.
    Pay {
        /// Durable already as the till's intent.
        intent: IntentId,
        /// What to take.
        amount: Amount,
        /// ISO 4217 numeric.
        currency: u16,
        /// Wall time now, if it is trusted.
        asked_at: Option<ShopTime>,
    },
    /// Pay out to a card.
    Refund {
        /// Durable already as the till's intent.
        intent: IntentId,
        /// What to pay out.
        amount: Amount,
        /// ISO 4217 numeric.
        currency: u16,
        /// Wall time now, if it is trusted.
        asked_at: Option<ShopTime>,
    },
    /// Take an earlier payment back.
    Reverse {
        /// Durable already as the till's intent.
        intent: IntentId,
        /// The receipt number of the payment.
        receipt: u16,
        /// The amount of the payment.
        amount: Amount,
        /// ISO 4217 numeric.
        currency: u16,
    },
    /// Close the terminal's day.
    EndOfDay,
    /// Print the last receipt again, where receipts are printed. Moves nothing.
    RepeatReceipt,
    /// The cashier gives up waiting. The terminal may refuse.
    AbortPayment,
    /// Is the terminal there? Never starts anything.
    StatusEnquiry,
}

/// What happened outside.
pub type Input = payment::Input<Command, IntentRecord>;
/// What is to be done, in this order.
pub type Effect = payment::Effect<IntentRecord, Outcome, Fault>;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Money moved as asked, the sale is durable.
    Approved(Box<IntentRecord>),
    /// The terminal or its host refused; no money moved.
    Declined {
        /// The payment.
        record: Box<IntentRecord>,
        /// The terminal's result code.
        code: u8,
    },
    /// Cancelled or undone before anything was committed; no money moved.
    Aborted {
        /// The payment.
        record: Box<IntentRecord>,
        /// The terminal's result code, if it gave one.
        code: Option<u8>,
    },
    /// The payment was never sent: it may be tried again.
    NotStarted(Box<IntentRecord>),
    /// Nobody could say. The basket steps aside; the payment is listed for the manager.
    Unknown {
        /// The payment; `committed` tells whether its sale is durable.
        record: Box<IntentRecord>,
        /// Whom to ask first.
        ask: Ask,
        /// Why, in words.
        why: &'static str,
    },
    /// The sale is durable and the terminal took the money back: void the sale by a new document.
    ReversedAfterCommit(Box<IntentRecord>),
    /// A reversal took back something else than was asked for. The manager must act.
    ReversedOther {
        /// What was asked for.
        record: Box<IntentRecord>,
        /// What was reversed.
        reversed: Box<Evidence>,
    },
    /// The terminal's day is closed.
    DayClosed {
        /// The day's total, if the terminal said it.
        total: Option<Amount>,
        /// The totals by scheme, if the terminal told them.
        totals: Option<Box<DayTotals>>,
    },
    /// The last receipt was printed again.
    ReceiptRepeated {
        /// Whose, if the terminal said it.
        last: Option<Box<Evidence>>,
    },
    /// The terminal's state (00 ready; see the codec).
    TerminalStatus(Option<u8>),
    /// A command without money failed: the terminal refused it or was not there.
    Failed {
        /// The terminal's code, if it gave one.
        code: Option<u8>,
    },
}
