//! What a terminal's task must know of the words that a terminal speaks; everything else about it is
//! the same for all.

use serde::Serialize;
use serde::de::DeserializeOwned;
use shelf_sessions::payment::{self, Effect, PaymentState, Terminal};
use shelf_stock::money::Money;
use shelf_stock::name::TenderRef;
use shelf_stock::time::Timestamp;
use shelf_till::basket::{IntentId, Update};

use super::{DayReport, Errand};

/// The machine of a protocol.
pub(super) type Session<P> = <P as Protocol>::Session;
/// Its commands.
pub(super) type Command<P> = <Session<P> as Terminal>::Command;
/// Its record of a payment.
pub(super) type Record<P> = <Session<P> as Terminal>::Record;
/// How its commands end.
pub(super) type Outcome<P> = <Session<P> as Terminal>::Outcome;
/// What its machine wants done.
pub(super) type EffectOf<P> = Effect<Record<P>, Outcome<P>, <Session<P> as Terminal>::Fault>;

/// A payment that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Its own intent.
    pub(super) intent: payment::IntentId,
    /// How much.
    pub(super) amount: Money,
    /// The wall clock.
    pub(super) now: Timestamp,
}

/// Between the words of the till and those of one kind of terminal. Pure.
pub(super) trait Protocol: Send + Sync {
    /// The dialogue machine.
    type Session: Terminal<
            Command: Send,
            Record: Serialize + DeserializeOwned + Send + Sync,
            Outcome: Send + Sync,
            Fault: std::fmt::Debug + Send + Sync,
        > + Send;

    /// A machine at rest.
    fn session(&self) -> Self::Session;
    /// How long connecting may take.
    fn connect_ms_max(&self) -> u64;
    /// Takes money, or gives it back if negative. `None`: this terminal can't be asked for that.
    fn charge(&self, asked: Asked) -> Option<Command<Self>>;
    /// Takes the payment with this reference back.
    fn reverse(&self, asked: Asked, paid: &TenderRef) -> Option<Command<Self>>;
    /// Breaks off.
    fn abort(&self) -> Command<Self>;
    /// What moves no money. `None`: this terminal can't.
    fn errand(&self, errand: Errand) -> Option<Command<Self>>;
    /// What the till is told before it commits.
    fn approved(&self, record: &Record<Self>) -> Update;
    /// The record that an outcome is about.
    fn record_of(outcome: &Outcome<Self>) -> Option<&Record<Self>>;
    /// What an outcome means.
    fn finding(&self, outcome: &Outcome<Self>, now: Timestamp) -> Finding;
}

/// What an outcome means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// For the status page and the cashier.
    pub(super) words: String,
    /// Totals, if it was about them.
    pub(super) day: Option<DayReport>,
    /// What the till is told of the record, if anything.
    pub(super) news: Option<News>,
}

/// What the till is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// News of a payment.
    Update(Update),
    /// Its sale must be voided.
    ReversedAfterCommit,
    /// People must look; why, and what they should do.
    ForTheManager(&'static str),
}

/// A recorded sale that nobody can vouch for.
pub(super) const SALE_IN_DOUBT: &str = "its sale is recorded. Look into the terminal's journal: if \
    it was not charged, void the sale";
/// A reversal that hit something else.
pub(super) const WRONG_REVERSAL: &str = "the payment that should have been taken back still stands, \
    and another one was taken back instead. Look into the terminal's journal and charge or refund by hand";
/// A reversal of which nobody knows.
pub(super) const REVERSAL_IN_DOUBT: &str = "nobody knows whether the payment was taken back. Look \
    into the terminal's journal";

pub(super) fn to_session(intent: IntentId) -> payment::IntentId {
    payment::IntentId(u128::from_be_bytes(*intent.as_bytes()))
}

pub(super) fn to_till(intent: payment::IntentId) -> IntentId {
    IntentId::from_bytes(intent.0.to_be_bytes())
}

/// What a record that is closed says.
pub(super) fn settled<P: Protocol>(protocol: &P, record: &Record<P>) -> Update {
    use shelf_sessions::payment::PaymentRecord as _;
    let text = String::new();
    match record.state() {
        PaymentState::Approved if record.is_reversal() => Update::Reversed,
        PaymentState::Approved => protocol.approved(record),
        PaymentState::Reversed => Update::Reversed,
        PaymentState::Declined => Update::Declined { text },
        PaymentState::Aborted => Update::Aborted { text },
        _ => Update::Unknown,
    }
}

/// Minor units as the till counts them.
pub(super) fn money(minor: u64) -> Option<Money> {
    i64::try_from(minor).ok().map(Money::minor)
}

/// The number behind a letter in a reference such as `T12345678 R0042 N000815 *1234`.
pub(super) fn number_in(reference: &TenderRef, letter: char) -> Option<u32> {
    let mut parts = reference.as_str().split(' ');
    parts
        .find_map(|it| it.strip_prefix(letter))
        .and_then(|it| it.parse().ok())
}
