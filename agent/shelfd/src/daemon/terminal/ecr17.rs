//! The words of ECR17. It can't pay money out, prints by itself, and knows a payment by its number
//! (STAN) alone.

use shelf_codecs::ecr17::{Approval, Closing, Stan, TerminalId};
use shelf_codecs::zvt::Amount;
use shelf_sessions::ecr17::{Command, Config, Outcome, Record, Session};
use shelf_stock::money::Money;
use shelf_stock::name::TenderRef;
use shelf_stock::time::Timestamp;
use shelf_till::basket::Update;

use super::protocol::{Asked, Ending, Protocol, money, number_in};
use super::{DayReport, Errand};

/// Most that one payment can be: eight digits of minor units.
const MINOR_MAX: u64 = 99_999_999;

/// A terminal that speaks ECR17.
#[derive(Debug)]
pub(super) struct Ecr17 {
    config: Config,
}

impl Ecr17 {
    /// With these settings.
    pub(super) fn new(config: Config) -> Self {
        Self { config }
    }
}

impl Protocol for Ecr17 {
    type Session = Session;

    fn session(&self) -> Session {
        Session::new(self.config)
    }

    fn connect_ms_max(&self) -> u64 {
        self.config.answer_ms_max
    }

    fn charge(&self, asked: Asked) -> Option<Command> {
        Some(Command::Pay {
            intent: asked.intent,
            amount: amount(asked.amount)?,
        })
    }

    fn reverse(&self, asked: Asked, paid: &TenderRef) -> Option<Command> {
        // Number 0 would mean "the last", whatever that is.
        let stan = number_in(paid, 'S').filter(|it| *it > 0)?;
        Some(Command::Reverse {
            intent: asked.intent,
            stan: Stan::new(stan)?,
            amount: amount(asked.amount)?,
        })
    }

    fn abort(&self) -> Command {
        Command::GiveUp
    }

    fn errand(&self, errand: Errand) -> Option<Command> {
        match errand {
            Errand::Status => Some(Command::Status),
            Errand::EndOfDay => Some(Command::Close),
            Errand::Totals => Some(Command::Totals),
            // It prints by itself and only at its own keys.
            Errand::RepeatReceipt => None,
        }
    }

    fn approved(&self, record: &Record) -> Update {
        Update::Approved {
            amount: None,
            reference: record
                .approval
                .as_ref()
                .and_then(|it| tender_reference(self.config.terminal, it)),
        }
    }

    fn ending(outcome: &Outcome) -> Option<(&Record, Ending)> {
        Some(match outcome {
            Outcome::Approved(record) => (record, Ending::Approved),
            Outcome::Declined { record, .. } => (record, Ending::Declined),
            Outcome::Aborted(record) | Outcome::NotStarted(record) => (record, Ending::Aborted),
            Outcome::Unknown { record, .. } => (record, Ending::Unknown),
            Outcome::Totals(_)
            | Outcome::DayClosed(_)
            | Outcome::TerminalState(_)
            | Outcome::Failed { .. } => return None,
        })
    }

    fn in_words(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Approved(_) => "approved".into(),
            Outcome::Declined { code, words, .. } => {
                format!("the terminal declined it (code {code:02}: {words})")
            }
            Outcome::Aborted(_) => "nothing came of it".into(),
            Outcome::NotStarted(_) => "the terminal can't be reached: nothing was sent".into(),
            Outcome::Unknown { why, .. } => format!("nobody knows: {why}"),
            Outcome::Totals(Some(_)) => "told its totals".into(),
            Outcome::Totals(None) => "refuses its totals".into(),
            Outcome::DayClosed(_) => "its day is closed".into(),
            Outcome::TerminalState(state) if state.state == 0 => "ready".into(),
            Outcome::TerminalState(state) => format!("needs attention (state {})", state.state),
            Outcome::Failed { why } if why.is_empty() => "the terminal refused".into(),
            Outcome::Failed { why } => format!("the terminal refused: {why}"),
        }
    }

    fn day(outcome: &Outcome, now: Timestamp) -> Option<DayReport> {
        let report = |closed, total, host_total| DayReport {
            at: now,
            closed,
            total,
            host_total,
            schemes: Vec::new(),
        };
        match outcome {
            Outcome::Totals(Some(minor)) => Some(report(false, money(*minor), None)),
            Outcome::DayClosed(Closing {
                terminal_minor,
                host_minor,
            }) => Some(report(true, money(*terminal_minor), money(*host_minor))),
            _ => None,
        }
    }
}

/// `None`: not positive, or more than eight digits.
fn amount(money: Money) -> Option<Amount> {
    let minor = u64::try_from(money.as_minor()).ok()?;
    Amount::new(minor).filter(|_| (1..=MINOR_MAX).contains(&minor))
}

/// What a sale keeps of its payment: terminal, number, the host's authorisation, four digits.
fn tender_reference(terminal: TerminalId, approval: &Approval) -> Option<TenderRef> {
    let authorisation = approval.authorisation.trim();
    let parts = [
        Some(format!("T{terminal}")),
        Some(format!("S{}", approval.stan)),
        (!authorisation.is_empty()).then(|| format!("A{authorisation}")),
        approval.card.map(|it| format!("*{it}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    TenderRef::new(parts.join(" ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_gives_the_number_back_and_money_is_never_paid_out() {
        let approval = Approval {
            card: None,
            entry: "ICC".into(),
            authorisation: "A1B2C3".into(),
            host_time: "3251430".into(),
            card_kind: shelf_codecs::ecr17::CardKind::Debit,
            stan: Stan::new(42).unwrap(),
        };
        let reference = tender_reference(TerminalId::new(12_345_678).unwrap(), &approval).unwrap();
        assert_eq!(reference.as_str(), "T12345678 S000042 AA1B2C3");
        assert_eq!(number_in(&reference, 'S'), Some(42));
        assert_eq!(amount(Money::minor(-1)), None);
        assert_eq!(amount(Money::minor(100_000_000)), None);
        assert!(amount(Money::minor(99_999_999)).is_some());
    }
}
