//! A payment terminal at a till: what may be asked of it, and what it is doing.
//!
//! One task owns the terminal's cable ([`cable`]), whatever the terminal speaks ([`protocol`]). The
//! dialogue machine decides everything about a payment; the task only performs its effects in their
//! order. A payment is never started from here by itself: only the till's command does, and the
//! till has written it down before.

mod address;
mod cable;
mod ecr17;
mod given;
mod line;
mod protocol;
mod records;
mod zvt;

use std::sync::Arc;

use serde::Serialize;
use shelf_ledger::Writer;
use shelf_stock::money::Money;
use shelf_stock::name::TenderRef;
use shelf_stock::time::Timestamp;
use shelf_till::basket::{BasketId, IntentId};
use tokio::sync::{mpsc, watch};

use super::counter::Counter;
use crate::platform::MonoClock;

pub(crate) use address::{TerminalAddress, Words};
pub(crate) use cable::sleep_until;
pub(crate) use given::given;
pub(crate) use zvt::tender_reference;

/// Commands that may wait for a terminal; a till has at most one payment under way and a few
/// questions.
const COMMANDS_MAX: usize = 32;
/// Lines of the last slip that are kept for the page.
pub(super) const SLIP_LINES_MAX: usize = 200;

/// What a till asks of its terminal.
#[derive(Clone, Debug)]
pub(crate) enum TerminalCommand {
    /// Take (or, if negative, give back) money.
    Pay {
        /// The payment.
        intent: IntentId,
        /// How much.
        amount: Money,
        /// The basket that it pays for.
        basket: Option<BasketId>,
    },
    /// Find out what became of a payment.
    Ask {
        /// The payment.
        intent: IntentId,
    },
    /// Break off whatever is under way.
    Cancel,
    /// Somebody settled an unknown payment from the slip: stop asking about it.
    Settled {
        /// The payment.
        intent: IntentId,
    },
    /// Give a payment back.
    Reverse {
        /// The payment.
        intent: IntentId,
        /// How much was paid.
        amount: Money,
        /// What the terminal calls it.
        reference: Option<TenderRef>,
    },
    /// The sale is durable.
    Confirm {
        /// The payment.
        intent: IntentId,
    },
    /// Something that moves no money of a customer.
    Errand(Errand),
}

/// What people ask of a terminal beside payments. None of these takes or gives money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Is it there, and how is it?
    Status,
    /// Close its day with the host.
    EndOfDay,
    /// Print (or send) the last receipt again.
    RepeatReceipt,
    /// What it took so far.
    Totals,
}

impl Errand {
    /// All of them, with the words of the API.
    pub(crate) const WORDS: [(&'static str, Self); 4] = [
        ("status", Self::Status),
        ("end_of_day", Self::EndOfDay),
        ("repeat_receipt", Self::RepeatReceipt),
        ("totals", Self::Totals),
    ];

    /// The one with this word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let mut all = Self::WORDS.into_iter();
        all.find(|it| it.0 == word).map(|it| it.1)
    }
}

/// How a terminal is, for pages and programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TerminalStanding {
    /// What it speaks and where, as configured.
    pub(crate) address: String,
    /// What it is doing, in words.
    pub(crate) doing: String,
    /// Whether a dialogue is running.
    pub(crate) busy: bool,
    /// The lines of the last slip that it wanted printed, masked.
    pub(crate) slip: Vec<String>,
    /// The totals that it told last.
    pub(crate) day: Option<DayReport>,
    /// Runs of bytes from it that could not be read.
    pub(crate) faults: u64,
}

/// A terminal's totals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DayReport {
    /// When it told them, by the clock of this PC.
    pub(crate) at: Timestamp,
    /// Whether its day was closed with it.
    pub(crate) closed: bool,
    /// Everything, if it said so.
    pub(crate) total: Option<Money>,
    /// What its host has for the day, where it tells.
    pub(crate) host_total: Option<Money>,
    /// By scheme, where it tells.
    pub(crate) schemes: Vec<SchemeRow>,
}

/// One scheme's total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SchemeRow {
    /// Its name.
    pub(crate) scheme: String,
    /// How many payments.
    pub(crate) count: u32,
    /// How much.
    pub(crate) total: Money,
}

/// The till's side of its terminal.
#[derive(Clone, Debug)]
pub(crate) struct TerminalDesk {
    commands: mpsc::Sender<TerminalCommand>,
    standing: watch::Receiver<TerminalStanding>,
}

/// The terminal's side, for [`run`].
#[derive(Debug)]
pub(crate) struct TerminalEnd {
    commands: mpsc::Receiver<TerminalCommand>,
    standing: watch::Sender<TerminalStanding>,
}

/// Both sides.
pub(crate) fn desk(address: &TerminalAddress) -> (TerminalDesk, TerminalEnd) {
    let (to, commands) = mpsc::channel(COMMANDS_MAX);
    let (standing, seen) = watch::channel(TerminalStanding {
        address: address.to_string(),
        doing: "ready".to_owned(),
        ..TerminalStanding::default()
    });
    (
        TerminalDesk {
            commands: to,
            standing: seen,
        },
        TerminalEnd { commands, standing },
    )
}

impl TerminalDesk {
    /// Hands a command over; `false`: the desk is full, and nothing will come of it.
    pub(crate) fn send(&self, command: TerminalCommand) -> bool {
        let sent = self.commands.try_send(command);
        if let Err(error) = &sent {
            tracing::error!(%error, "the payment terminal takes no more commands");
        }
        sent.is_ok()
    }

    /// What it is doing, for the status page.
    pub(crate) fn doing(&self) -> String {
        self.standing.borrow().doing.clone()
    }

    /// How it is.
    pub(crate) fn standing(&self) -> TerminalStanding {
        self.standing.borrow().clone()
    }
}

/// What a terminal's task needs.
#[derive(Debug)]
pub(crate) struct TerminalTask {
    /// Where it is and how it is spoken to.
    pub(crate) address: TerminalAddress,
    /// What it speaks, with the settings of that.
    pub(crate) words: Words,
    /// Its side of the desk.
    pub(crate) end: TerminalEnd,
    /// Its till.
    pub(crate) counter: Arc<Counter>,
}

/// One terminal at work; ends when its till is gone.
pub(crate) async fn run(task: TerminalTask, writer: Writer, clock: MonoClock) {
    match task.words.clone() {
        Words::Zvt(config) => cable::run(zvt::Zvt::new(config), task, writer, clock).await,
        Words::Ecr17(config) => cable::run(ecr17::Ecr17::new(config), task, writer, clock).await,
    }
}
