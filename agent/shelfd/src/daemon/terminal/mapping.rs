//! Between the words of the till and the words of the dialogue machine.
//!
//! Pure: amounts, ids, references and outcomes. The reference that a sale keeps of its payment
//! names terminal, receipt and trace, and of the card no more than the last four digits.

use std::net::{SocketAddr, ToSocketAddrs as _};

use shelf_codecs::zvt::{Amount, TerminalDate, TerminalTime};
use shelf_sessions::zvt::{
    self, ChargeKind, Evidence, IntentRecord, Outcome, PaymentState, ShopTime,
};
use shelf_stock::money::Money;
use shelf_stock::name::TenderRef;
use shelf_stock::time::Timestamp;
use shelf_till::basket::{IntentId, Update};

/// The port of ZVT terminals.
const ZVT_PORT: u16 = 20007;

/// Which way money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To us.
    In,
    /// To the customer.
    Out,
}

/// What the till is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// News of a payment.
    Update(IntentId, Update),
    /// Its sale must be voided.
    ReversedAfterCommit(IntentId),
    /// Its sale is recorded and nobody knows whether it was paid.
    ForTheManager(IntentId),
}

/// `zvt://host[:port]` as an address.
pub(crate) fn terminal_address(text: &str) -> Option<SocketAddr> {
    let host = text.strip_prefix("zvt://")?.trim_end_matches('/');
    let with_port = match host.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => host.to_owned(),
        _ => format!("{host}:{ZVT_PORT}"),
    };
    with_port.to_socket_addrs().ok()?.next()
}

pub(super) fn to_session(intent: IntentId) -> zvt::IntentId {
    zvt::IntentId(u128::from_be_bytes(*intent.as_bytes()))
}

pub(super) fn to_till(intent: zvt::IntentId) -> IntentId {
    IntentId::from_bytes(intent.0.to_be_bytes())
}

/// An amount as the terminal takes it: always positive, with a direction. `None`: zero, or more
/// than 12 digits.
pub(super) fn amount(money: Money) -> Option<(Way, Amount)> {
    let way = if money < Money::ZERO {
        Way::Out
    } else {
        Way::In
    };
    let amount = Amount::new(money.as_minor().unsigned_abs())?;
    (money != Money::ZERO).then_some((way, amount))
}

/// The shop's time as terminals write it.
pub(super) fn shop_time(at: Timestamp) -> Option<ShopTime> {
    let zoned = jiff::Timestamp::from_millisecond(at.as_millis())
        .ok()?
        .to_zoned(jiff::tz::TimeZone::system());
    let byte = |it: i8| u8::try_from(it).ok();
    Some(ShopTime {
        date: TerminalDate {
            month: byte(zoned.month())?,
            day: byte(zoned.day())?,
        },
        time: TerminalTime {
            hour: byte(zoned.hour())?,
            minute: byte(zoned.minute())?,
            second: byte(zoned.second())?,
        },
    })
}

/// What a sale keeps of its payment.
fn tender_reference(evidence: &Evidence) -> Option<TenderRef> {
    let mut parts = Vec::new();
    if let Some(terminal) = evidence.terminal_id {
        parts.push(format!("T{terminal:08}"));
    }
    if let Some(receipt) = evidence.receipt {
        parts.push(format!("R{receipt:04}"));
    }
    if let Some(trace) = evidence.trace {
        parts.push(format!("N{trace:06}"));
    }
    if let Some(card) = evidence.card {
        parts.push(format!("*{card}"));
    }
    TenderRef::new(parts.join(" ")).ok()
}

/// The receipt number in a reference that [`tender_reference`] made.
pub(super) fn receipt_of(reference: &TenderRef) -> Option<u16> {
    reference
        .as_str()
        .split(' ')
        .find_map(|it| it.strip_prefix('R'))?
        .parse()
        .ok()
}

pub(super) fn approved(record: &IntentRecord) -> Update {
    if matches!(record.kind, ChargeKind::Reverse { .. }) {
        return Update::Reversed;
    }
    let evidence = record.evidence.as_ref();
    Update::Approved {
        amount: evidence
            .and_then(|it| it.amount)
            .filter(|it| *it != record.amount)
            .and_then(|it| i64::try_from(it.minor()).ok())
            .map(Money::minor),
        reference: evidence.and_then(tender_reference),
    }
}

/// What a record that is closed says.
pub(super) fn settled(record: &IntentRecord) -> Update {
    match record.state {
        PaymentState::Approved => approved(record),
        PaymentState::Reversed => Update::Reversed,
        PaymentState::Declined => Update::Declined {
            text: String::new(),
        },
        PaymentState::Aborted => Update::Aborted {
            text: String::new(),
        },
        _ => Update::Unknown,
    }
}

pub(super) fn record_of(outcome: &Outcome) -> Option<&IntentRecord> {
    match outcome {
        Outcome::Approved(record)
        | Outcome::Declined { record, .. }
        | Outcome::Aborted { record, .. }
        | Outcome::NotStarted(record)
        | Outcome::Unknown { record, .. }
        | Outcome::ReversedAfterCommit(record)
        | Outcome::ReversedOther { record, .. } => Some(record),
        Outcome::DayClosed { .. }
        | Outcome::ReceiptRepeated { .. }
        | Outcome::TerminalStatus(_)
        | Outcome::Failed { .. } => None,
    }
}

pub(super) fn news(outcome: &Outcome) -> Option<News> {
    let record = record_of(outcome)?;
    let intent = to_till(record.intent);
    let reversal = matches!(record.kind, ChargeKind::Reverse { .. });
    let update = match outcome {
        // The till was told before it committed.
        Outcome::Approved(_) => return None,
        Outcome::ReversedAfterCommit(_) => return Some(News::ReversedAfterCommit(intent)),
        Outcome::Unknown { .. } if record.committed => return Some(News::ForTheManager(intent)),
        // A reversal that did not happen leaves the payment as it was: people look.
        _ if reversal => Update::Unknown,
        Outcome::Declined { .. } => Update::Declined {
            text: in_words(outcome),
        },
        Outcome::Aborted { .. } | Outcome::NotStarted(_) => Update::Aborted {
            text: in_words(outcome),
        },
        _ => Update::Unknown,
    };
    Some(News::Update(intent, update))
}

/// For the status page and the cashier.
pub(super) fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Approved(_) => "approved".into(),
        Outcome::Declined { code, .. } => format!("the terminal declined it (code {code:02X})"),
        Outcome::Aborted {
            code: Some(code), ..
        } => format!("broken off (code {code:02X})"),
        Outcome::Aborted { code: None, .. } => "broken off".into(),
        Outcome::NotStarted(_) => "the terminal can't be reached: nothing was sent".into(),
        Outcome::Unknown { why, .. } => format!("nobody knows: {why}"),
        Outcome::ReversedAfterCommit(_) => "the terminal took a recorded payment back".into(),
        Outcome::ReversedOther { .. } => "the terminal reversed another payment".into(),
        Outcome::DayClosed { .. } => "its day is closed".into(),
        Outcome::ReceiptRepeated { .. } => "its last receipt is printed again".into(),
        Outcome::TerminalStatus(Some(0)) => "ready".into(),
        Outcome::TerminalStatus(_) => "needs attention".into(),
        Outcome::Failed { .. } => "the terminal refused".into(),
    }
}
