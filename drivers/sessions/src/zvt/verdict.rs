//! What became of a payment, judged from the terminal's last transaction.
//!
//! The receipt of the transaction *before* ours is what makes an answer conclusive: the same receipt
//! means that nothing happened since. Whatever does not fit exactly is unclear, never guessed.

use super::interface::ShopTime;
use super::record::{ChargeKind, Evidence, IntentRecord, Previous};

/// How much earlier than ours the terminal's clock may show a payment.
const CLOCK_BEHIND_S_MAX: i64 = 15 * 60;
/// How much later: its clock's error and the longest time a customer may take.
const CLOCK_AHEAD_S_MAX: i64 = 2 * 60 * 60;
const DAY_S: i64 = 86_400;
const YEAR_S: i64 = 365 * DAY_S;

/// What the terminal answered to "what was your last transaction?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It has none.
    Nothing,
    /// It ended the dialogue without saying.
    Bare,
    /// This one.
    Last(Box<Evidence>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ours, approved, and not undone.
    Approved(Box<Evidence>),
    /// Ours moved no money, or was undone.
    NotCharged,
    /// Only people can tell.
    Unclear(&'static str),
}

use Verdict::{Approved, NotCharged, Unclear};

/// Judges `record` by what the terminal says now.
pub(super) fn judge(record: &IntentRecord, seen: &Seen) -> Verdict {
    let last = match (seen, &record.previous) {
        (Seen::Bare, _) => {
            return Unclear("the terminal does not say what its last transaction was");
        }
        (Seen::Nothing, Previous::Nothing) => return NotCharged,
        (Seen::Nothing, _) => return Unclear("the terminal has forgotten its transactions"),
        (Seen::Last(last), _) => last,
    };
    if differ(last.terminal_id, record.terminal_id) {
        return Unclear("another terminal answered");
    }
    if matches!(&record.previous, Previous::Last(before) if same(before, last)) {
        return NotCharged;
    }
    if last.trace.is_none() && last.receipt.is_none() {
        return Unclear("the terminal's last transaction has no number");
    }
    match record.kind {
        ChargeKind::Pay | ChargeKind::Refund => judge_charge(record, last),
        ChargeKind::Reverse { receipt } => judge_reversal(record, last, receipt),
    }
}

fn judge_charge(record: &IntentRecord, last: &Evidence) -> Verdict {
    let ours = record.evidence.as_ref();
    if let Some(undone) = last.original_trace {
        return match ours {
            Some(ours) if ours.trace == Some(undone) => NotCharged,
            None if last.amount == Some(record.amount) && !undoes(&record.previous, undone) => {
                NotCharged
            }
            _ => Unclear("the terminal reversed another transaction"),
        };
    }
    let same_amount = last.amount == Some(record.amount);
    if last.result_code != Some(0) {
        let may_be_ours = ours.map_or(same_amount || last.amount.is_none(), |o| {
            same_number(o, last)
        });
        return if may_be_ours {
            NotCharged
        } else {
            Unclear("the terminal's last transaction is another, declined one")
        };
    }
    if !same_amount || differ(last.currency, Some(record.currency)) {
        return Unclear("the terminal's last transaction has another amount");
    }
    match ours {
        Some(ours) if same_number(ours, last) => Approved(Box::new(last.clone())),
        Some(_) => Unclear("the terminal's last transaction has another number"),
        None if record.previous == Previous::NotLearnt => {
            Unclear("the terminal never told its transaction before this one")
        }
        None if !plausible(record.asked_at, last) => {
            Unclear("the terminal's last transaction is from another time")
        }
        None => Approved(Box::new(last.clone())),
    }
}

fn judge_reversal(record: &IntentRecord, last: &Evidence, receipt: u16) -> Verdict {
    let is_reversal = last.original_trace.is_some();
    let asked_for = last.receipt == Some(receipt) && last.amount == Some(record.amount);
    match (last.result_code, is_reversal) {
        (Some(0), true) if asked_for && record.previous != Previous::NotLearnt => {
            Approved(Box::new(last.clone()))
        }
        (Some(0), true) => Unclear("the terminal's last reversal is not the one asked for"),
        (Some(0), false) => Unclear("the terminal's last transaction is not a reversal"),
        _ => NotCharged,
    }
}

/// Whether `last` tells that a committed payment was taken back: only an explicit reversal of it does.
pub(super) fn undone_later(record: &IntentRecord, seen: &Seen) -> bool {
    let (Some(ours), Seen::Last(last)) = (&record.evidence, seen) else {
        return false;
    };
    ours.trace.is_some() && last.original_trace == ours.trace
}

fn undoes(previous: &Previous, trace: u32) -> bool {
    matches!(previous, Previous::Last(before) if before.trace == Some(trace))
}

fn differ<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}

/// The same transaction, told twice. One without a number (a day's end) is known by its time.
fn same(a: &Evidence, b: &Evidence) -> bool {
    (a.trace, a.receipt) == (b.trace, b.receipt)
        && (a.trace.is_some() || a.receipt.is_some() || (a.date.is_some() && a.time.is_some()))
        && a.original_trace == b.original_trace
        && a.result_code == b.result_code
        && a.amount == b.amount
        && (a.date, a.time) == (b.date, b.time)
}

pub(super) fn same_number(a: &Evidence, b: &Evidence) -> bool {
    (a.trace, a.receipt) == (b.trace, b.receipt) && (a.trace.is_some() || a.receipt.is_some())
}

/// Whether the terminal's time fits the time the payment was asked for. Unknown times fit.
fn plausible(asked_at: Option<ShopTime>, last: &Evidence) -> bool {
    let (Some(asked), Some(date), Some(time)) = (asked_at, last.date, last.time) else {
        return true;
    };
    let ahead = second_of_year(ShopTime { date, time }) - second_of_year(asked);
    let ahead = (ahead + YEAR_S / 2).rem_euclid(YEAR_S) - YEAR_S / 2;
    (-CLOCK_BEHIND_S_MAX..=CLOCK_AHEAD_S_MAX).contains(&ahead)
}

fn second_of_year(at: ShopTime) -> i64 {
    const DAYS_BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let month = usize::from(at.date.month.saturating_sub(1));
    let days = DAYS_BEFORE.get(month).copied().unwrap_or(0) + i64::from(at.date.day) - 1;
    let time = at.time;
    let second = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second);
    days * DAY_S + second
}
