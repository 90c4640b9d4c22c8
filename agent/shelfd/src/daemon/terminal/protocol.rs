//! What a terminal's task must know of the words that a terminal speaks; everything else about it is
//! the same for all.

use serde::Serialize;
use serde::de::DeserializeOwned;
use shelf_sessions::payment::{self, Effect, PaymentRecord, PaymentState, Terminal};
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
    /// The payment that an outcome is about, and how it ended.
    fn ending(outcome: &Outcome<Self>) -> Option<(&Record<Self>, Ending)>;
    /// What an outcome says, for the status page and the cashier.
    fn in_words(outcome: &Outcome<Self>) -> String;
    /// The day's totals, if an outcome tells them.
    fn day(outcome: &Outcome<Self>, now: Timestamp) -> Option<DayReport>;
}

/// How a payment ended, whatever its terminal speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Money moved as asked, the sale is durable.
    Approved,
    /// Refused; no money moved.
    Declined,
    /// Broken off or never sent; no money moved.
    Aborted,
    /// Nobody could say.
    Unknown,
    /// The sale is durable and the terminal took the money back.
    ReversedAfterCommit,
    /// A reversal took back something else than was asked for.
    ReversedOther,
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
const SALE_IN_DOUBT: &str = "its sale is recorded. Look into the terminal's journal: if \
    it was not charged, void the sale";
/// A reversal that hit something else.
const WRONG_REVERSAL: &str = "the payment that should have been taken back still stands, \
    and another one was taken back instead. Look into the terminal's journal and charge or refund by hand";
/// A reversal of which nobody knows.
const REVERSAL_IN_DOUBT: &str = "nobody knows whether the payment was taken back. Look \
    into the terminal's journal";

pub(super) fn to_session(intent: IntentId) -> payment::IntentId {
    payment::IntentId(u128::from_be_bytes(*intent.as_bytes()))
}

pub(super) fn to_till(intent: payment::IntentId) -> IntentId {
    IntentId::from_bytes(intent.0.to_be_bytes())
}

/// What the till is told of a payment that ended so, in the terminal's words.
pub(super) fn news(record: &impl PaymentRecord, ending: Ending, words: &str) -> Option<News> {
    let text = words.to_owned();
    Some(match ending {
        // The till was told before it committed.
        Ending::Approved => return None,
        Ending::ReversedAfterCommit => News::ReversedAfterCommit,
        Ending::ReversedOther => News::ForTheManager(WRONG_REVERSAL),
        Ending::Unknown if record.is_reversal() => News::ForTheManager(REVERSAL_IN_DOUBT),
        Ending::Unknown if record.progress().committed => News::ForTheManager(SALE_IN_DOUBT),
        // A reversal that did not happen leaves the payment as it was: people look.
        _ if record.is_reversal() => News::Update(Update::Unknown),
        Ending::Declined => News::Update(Update::Declined { text }),
        Ending::Aborted => News::Update(Update::Aborted { text }),
        Ending::Unknown => News::Update(Update::Unknown),
    })
}

/// What a record that is closed says.
pub(super) fn settled<P: Protocol>(protocol: &P, record: &Record<P>) -> Update {
    let text = String::new();
    match record.progress().state {
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

#[cfg(test)]
mod tests {
    use shelf_sessions::{ecr17, zvt};

    use super::*;

    fn opened<R: Serialize + DeserializeOwned + PaymentRecord>(json: &str) -> R {
        let record: R = serde_json::from_str(json).unwrap();
        let again = serde_json::to_value(&record).unwrap();
        assert_eq!(
            again,
            serde_json::from_str::<serde_json::Value>(json).unwrap()
        );
        record
    }

    /// Records are on the disks of shops: what an earlier version wrote must be read, and written alike.
    #[test]
    fn records_keep_their_form_on_disk() {
        let ecr17: ecr17::Record = opened(
            r#"{"intent":7,"kind":"Pay","amount":650,"state":"InProgress","previous":"NotLearnt",
                "approval":null,"committed":true,"confirmed":false,"superseded":false}"#,
        );
        let zvt: zvt::IntentRecord = opened(
            r#"{"intent":8,"kind":{"Reverse":{"receipt":42}},"amount":1234,"currency":978,
                "asked_at":null,"state":"Approved","previous":"Nothing","terminal_id":12345678,
                "evidence":null,"committed":false,"superseded":true,"confirmed":true}"#,
        );
        assert!(ecr17.progress().committed && ecr17.progress().is_open() && !ecr17.is_reversal());
        assert!(zvt.is_reversal() && zvt.progress().superseded && !zvt.progress().is_open());
        let large = payment::IntentId(u128::MAX - 1);
        let kept = serde_json::to_string(&ecr17::Record {
            intent: large,
            ..ecr17
        });
        let again: ecr17::Record = serde_json::from_str(&kept.unwrap()).unwrap();
        assert_eq!(again.intent, large);
    }
}
