//! The words of ZVT: amounts, references and outcomes.
//!
//! The reference that a sale keeps of its payment names terminal, receipt and trace, and of the card
//! no more than the last four digits.

use shelf_codecs::zvt::{Amount, TerminalDate, TerminalTime};
use shelf_sessions::zvt::{Command, Config, Evidence, IntentRecord, Outcome, Session, ShopTime};
use shelf_stock::money::Money;
use shelf_stock::name::TenderRef;
use shelf_stock::time::Timestamp;
use shelf_till::basket::Update;

use super::protocol::{Asked, Ending, Protocol, money, number_in};
use super::{DayReport, Errand, SchemeRow};

/// A terminal that speaks ZVT.
#[derive(Debug)]
pub(super) struct Zvt {
    config: Config,
}

impl Zvt {
    /// With these settings.
    pub(super) fn new(config: Config) -> Self {
        Self { config }
    }
}

impl Protocol for Zvt {
    type Session = Session;

    fn session(&self) -> Session {
        Session::new(self.config.clone())
    }

    fn connect_ms_max(&self) -> u64 {
        self.config.reply_ms_max
    }

    fn charge(&self, asked: Asked) -> Option<Command> {
        let (intent, money, now) = (asked.intent, asked.amount, asked.now);
        let amount = amount(money)?;
        let (currency, asked_at) = (self.config.currency, shop_time(now));
        Some(if money > Money::ZERO {
            Command::Pay {
                intent,
                amount,
                currency,
                asked_at,
            }
        } else {
            Command::Refund {
                intent,
                amount,
                currency,
                asked_at,
            }
        })
    }

    fn reverse(&self, asked: Asked, paid: &TenderRef) -> Option<Command> {
        let receipt = u16::try_from(number_in(paid, 'R')?).ok()?;
        Some(Command::Reverse {
            intent: asked.intent,
            receipt,
            amount: amount(asked.amount)?,
            currency: self.config.currency,
        })
    }

    fn abort(&self) -> Command {
        Command::AbortPayment
    }

    fn errand(&self, errand: Errand) -> Option<Command> {
        match errand {
            Errand::Status => Some(Command::StatusEnquiry),
            Errand::EndOfDay => Some(Command::EndOfDay),
            Errand::RepeatReceipt => Some(Command::RepeatReceipt),
            // It tells them only when its day ends.
            Errand::Totals => None,
        }
    }

    fn approved(&self, record: &IntentRecord) -> Update {
        let evidence = record.evidence.as_ref();
        Update::Approved {
            amount: evidence
                .and_then(|it| it.amount)
                .filter(|it| *it != record.amount)
                .and_then(|it| money(it.minor())),
            reference: evidence.and_then(tender_reference),
        }
    }

    fn ending(outcome: &Outcome) -> Option<(&IntentRecord, Ending)> {
        Some(match outcome {
            Outcome::Approved(record) => (record, Ending::Approved),
            Outcome::Declined { record, .. } => (record, Ending::Declined),
            Outcome::Aborted { record, .. } | Outcome::NotStarted(record) => {
                (record, Ending::Aborted)
            }
            Outcome::Unknown { record, .. } => (record, Ending::Unknown),
            Outcome::ReversedAfterCommit(record) => (record, Ending::ReversedAfterCommit),
            Outcome::ReversedOther { record, .. } => (record, Ending::ReversedOther),
            Outcome::DayClosed { .. }
            | Outcome::ReceiptRepeated { .. }
            | Outcome::TerminalStatus(_)
            | Outcome::Failed { .. } => return None,
        })
    }

    fn in_words(outcome: &Outcome) -> String {
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
            Outcome::TerminalStatus(status) => status_in_words(*status),
            Outcome::Failed { code: Some(code) } => {
                format!("the terminal refused (code {code:02X})")
            }
            Outcome::Failed { code: None } => "the terminal does not answer".into(),
        }
    }

    fn day(outcome: &Outcome, now: Timestamp) -> Option<DayReport> {
        match outcome {
            Outcome::DayClosed { total, totals } => {
                let schemes = totals.iter().flat_map(|it| it.schemes.iter());
                let row = |it: &shelf_codecs::zvt::SchemeTotal| {
                    Some(SchemeRow {
                        scheme: it.scheme.name().to_owned(),
                        count: it.count.into(),
                        total: money(it.sum.minor())?,
                    })
                };
                Some(DayReport {
                    at: now,
                    closed: true,
                    total: total.and_then(|it| money(it.minor())),
                    host_total: None,
                    schemes: schemes.filter_map(row).collect(),
                })
            }
            _ => None,
        }
    }
}

/// An amount as the terminal takes it, always positive. `None`: zero, or more than 12 digits.
fn amount(money: Money) -> Option<Amount> {
    (money != Money::ZERO).then(|| Amount::new(money.as_minor().unsigned_abs()))?
}

/// The shop's time as terminals write it.
fn shop_time(at: Timestamp) -> Option<ShopTime> {
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
pub(crate) fn tender_reference(evidence: &Evidence) -> Option<TenderRef> {
    let parts = [
        evidence.terminal_id.map(|it| format!("T{it:08}")),
        evidence.receipt.map(|it| format!("R{it:04}")),
        evidence.trace.map(|it| format!("N{it:06}")),
        evidence.card.map(|it| format!("*{it}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    TenderRef::new(parts.join(" ")).ok()
}

/// The status byte of an enquiry.
fn status_in_words(status: Option<u8>) -> String {
    match status {
        None | Some(0x00) => "ready".into(),
        Some(0x51) => "needs its initialisation: start it at the terminal".into(),
        Some(0x62) => "its clock is wrong".into(),
        Some(0x9C) => "busy with a payment".into(),
        Some(0xB1) => "its memory is full: close its day".into(),
        Some(0xC2) => "asks for a diagnosis".into(),
        Some(0xCC) => "its printer is not ready".into(),
        Some(0xDC) => "a card is inserted".into(),
        Some(0xF0) => "asks for a reconciliation: close its day".into(),
        Some(code) => format!("needs attention (code {code:02X})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_gives_the_receipt_back() {
        let evidence = Evidence {
            terminal_id: Some(12_345_678),
            receipt: Some(42),
            trace: Some(815),
            ..Evidence::default()
        };
        let reference = tender_reference(&evidence).unwrap();
        assert_eq!(reference.as_str(), "T12345678 R0042 N000815");
        assert_eq!(number_in(&reference, 'R'), Some(42));
    }
}
