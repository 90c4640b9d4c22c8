//! What all payment terminals have in common, whatever they speak: who a payment is, how far it is, whom
//! to ask about it.
//!
//! These words are written to disk inside the terminals' records, so a name must not change. What a
//! terminal said, and which way the money went, differs by protocol and stays with each; what a shell is
//! asked to do about it does not, so that a till need not care which terminal it has.

pub(crate) mod flow;

use crate::time::Mono;

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

/// What happened outside: the same for every terminal. `C` are its commands, `R` is its record.
#[derive(Clone, Debug)]
pub enum Input<C, R> {
    /// The connection asked for is there.
    Connected,
    /// The connection could not be made, or is gone.
    Disconnected,
    /// Bytes from the terminal.
    Bytes(Vec<u8>),
    /// The time of [`Effect::SetTimer`] has come.
    Tick,
    /// What people want of the terminal.
    Command(C),
    /// Try again to find out about an unknown payment.
    Resync {
        /// The one that is unknown.
        intent: IntentId,
    },
    /// People have settled an unknown payment: stop asking about it.
    Settled {
        /// The one that was unknown.
        intent: IntentId,
    },
    /// After a restart: a record that was still open.
    Resume(Box<R>),
    /// The last [`Effect::PersistState`] of this intent is durable.
    Persisted {
        /// Whose.
        intent: IntentId,
    },
    /// The sale is durable: the terminal may be told.
    Committed {
        /// Whose.
        intent: IntentId,
    },
    /// The sale could not be made durable: the terminal is to take the money back.
    CommitFailed {
        /// Whose.
        intent: IntentId,
    },
}

/// What is to be done, in this order: the same for every terminal. `R` is its record, `O` says how its
/// commands end, `F` is what is wrong with bytes that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<R, O, F> {
    /// Open a connection; answer with [`Input::Connected`] or [`Input::Disconnected`].
    Connect,
    /// Close the connection after everything sent has been written.
    Disconnect,
    /// Write these bytes. They hold no card data.
    Send(Vec<u8>),
    /// Make the record durable, then answer [`Input::Persisted`].
    PersistState(Box<R>),
    /// Commit the sale and this record in one transaction, then answer [`Input::Committed`] or
    /// [`Input::CommitFailed`]. May come twice for one intent; the second time the answer is what the
    /// first was.
    CommitThenConfirm(Box<R>),
    /// Show to cashier and customer.
    Display(String),
    /// Receipt lines that the terminal wants printed, masked.
    Receipt(Vec<String>),
    /// How it ended.
    Outcome(O),
    /// Call [`Input::Tick`] at this time; replaces an earlier one.
    SetTimer(Mono),
    /// An input that could not be taken.
    Rejected(Rejection),
    /// Unreadable bytes from the terminal, masked: an event for the device's page.
    Fault(F),
}

/// What the records of all terminals say about how far a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// How far it is.
    pub state: PaymentState,
    /// The sale is durable. When a record is resumed this must be what the ledger says, not what the
    /// record said: only then a crash between the two is harmless.
    pub committed: bool,
    /// The terminal has heard our answer or said the same again: it will not reverse by itself any more.
    pub confirmed: bool,
    /// A later payment was sent: the terminal's last word says nothing about this one any more, and only
    /// people can.
    #[serde(default)]
    pub superseded: bool,
}

impl Progress {
    /// Of a payment that was asked for a moment ago.
    pub(crate) const CREATED: Progress = Progress {
        state: PaymentState::Created,
        committed: false,
        confirmed: false,
        superseded: false,
    };

    /// Whether a restart leaves something to find out ([`Input::Resume`]).
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.state {
            PaymentState::Declined | PaymentState::Aborted | PaymentState::Reversed => false,
            PaymentState::Approved => !self.confirmed,
            _ => true,
        }
    }
}

/// What every terminal's record of a payment has.
pub trait PaymentRecord {
    /// Whose it is.
    fn intent(&self) -> IntentId;
    /// Whether it takes an earlier payment back.
    fn is_reversal(&self) -> bool;
    /// How far it is.
    fn progress(&self) -> &Progress;
    /// Where that is noted.
    fn progress_mut(&mut self) -> &mut Progress;
}

/// A payment terminal's dialogue machine, whatever it speaks: what a shell needs of it.
pub trait Terminal {
    /// What people may want of it.
    type Command;
    /// Its durable record of a payment.
    type Record: PaymentRecord + Clone;
    /// How its commands end.
    type Outcome;
    /// What is wrong with bytes that can't be read.
    type Fault;

    /// Takes one input and appends what is to be done to `out`.
    fn handle(
        &mut self,
        now: Mono,
        input: Input<Self::Command, Self::Record>,
        out: &mut Vec<Effect<Self::Record, Self::Outcome, Self::Fault>>,
    );

    /// When [`Input::Tick`] is due; `None` when nothing is waited for.
    fn next_wakeup(&self) -> Option<Mono>;

    /// Whether a command would be rejected as busy.
    fn is_busy(&self) -> bool;

    /// The payment that is still unknown, if any.
    fn held(&self) -> Option<&Self::Record>;
}
