//! What the session is doing: one command from its first connection to its outcome.

use shelf_codecs::zvt::{Amount, DayTotals};

use super::record::{Evidence, IntentRecord};
use super::verdict::Seen;
use crate::time::Mono;

/// Why a job exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Move money.
    Charge,
    /// Find out whether a payment happened.
    Resolve,
    /// Find out whether a committed payment still stands.
    Verify,
    EndOfDay,
    Enquiry,
    /// Print the last receipt again.
    Repeat,
}

/// Where a job is. The dialogue stages are those in which the terminal owes us something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Registering,
    Enquiring,
    Learning,
    /// Waiting for the record to be durable; the next byte is the payment.
    Persisting,
    Acting,
    /// The connection is not needed; waiting for the sale to be durable.
    Committing,
    /// Between two attempts to find out.
    Pausing,
}

/// The sale that is being made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// The terminal waits for our answer.
    pub(super) owed: bool,
    pub(super) done: bool,
}

/// How the acting stage will end once its dialogue does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The terminal declined with this code.
    Declined(u8),
    /// It must be asked: what it said does not fit, or it was told to reverse.
    AskTerminal,
    /// A reversal took back something else.
    ReversedOther,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub(super) purpose: Purpose,
    pub(super) stage: Stage,
    pub(super) record: Option<Box<IntentRecord>>,
    /// A command was sent and not acknowledged yet.
    pub(super) await_reply: bool,
    /// The command that moves money was sent.
    pub(super) acted: bool,
    pub(super) abort_asked: bool,
    pub(super) seen: Option<Seen>,
    pub(super) commit: Option<Commit>,
    /// The sale could not be made durable once already.
    pub(super) commit_failed: bool,
    pub(super) ending: Option<Ending>,
    /// When to stop asking the terminal.
    pub(super) give_up_at: Mono,
    /// When the current dialogue ends at the latest, whatever signs of life come.
    pub(super) dialogue_ends_at: Mono,
    pub(super) sign_of_life_ms: u64,
    /// The day's total.
    pub(super) total: Option<Amount>,
    /// The day's totals by scheme.
    pub(super) totals: Option<Box<DayTotals>>,
    /// The transaction whose receipt is repeated.
    pub(super) repeated: Option<Box<Evidence>>,
}

impl Job {
    pub(super) fn new(
        purpose: Purpose,
        record: Option<Box<IntentRecord>>,
        give_up_at: Mono,
    ) -> Self {
        Self {
            purpose,
            stage: Stage::Connecting,
            record,
            await_reply: false,
            acted: false,
            abort_asked: false,
            seen: None,
            commit: None,
            commit_failed: false,
            ending: None,
            give_up_at,
            dialogue_ends_at: give_up_at,
            sign_of_life_ms: 0,
            total: None,
            totals: None,
            repeated: None,
        }
    }

    /// Whether the terminal is expected to speak.
    pub(super) fn in_dialogue(&self) -> bool {
        matches!(
            self.stage,
            Stage::Registering | Stage::Enquiring | Stage::Learning | Stage::Acting
        )
    }

    /// Whether this job only asks.
    pub(super) fn asks(&self) -> bool {
        matches!(self.purpose, Purpose::Resolve | Purpose::Verify)
    }
}
