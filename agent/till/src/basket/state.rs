//! One basket as the fold of its events.
//!
//! [`Basket::apply`] never fails and never decides: an event that doesn't fit (a later version's,
//! or a row that isn't there) changes nothing. Deciding is the machine's part; this half must give
//! the same state for the same events for ever.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shelf_stock::money::Money;
use shelf_stock::name::StaffId;
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::time::Timestamp;

use super::event::{BasketEvent, Change};
use super::id::{BasketId, IntentId};
use super::line::{BasketLine, LineNo, PriceOrigin};
use super::payment::{Payment, PaymentState};
use super::view::{BasketView, Mode};

/// How far a basket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// On the counter.
    Open,
    /// On the counter, the terminal is at work.
    Paying,
    /// Set aside.
    Parked,
    /// Set aside because nobody knows whether it is paid.
    PaymentUnknown,
    /// Paid, being recorded.
    Closing,
    /// Abandoned.
    Voided,
}

/// One basket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    /// Its id.
    pub id: BasketId,
    /// When it began.
    pub opened: Timestamp,
    /// The mode of its next read.
    pub mode: Mode,
    /// Who serves.
    pub staff: Option<StaffId>,
    /// Its rows.
    pub lines: Vec<Arc<BasketLine>>,
    /// Its payments.
    pub payments: Vec<Payment>,
    /// Number of the next event.
    pub next_n: u32,
    begun: bool,
    last_line: Option<LineNo>,
    away: bool,
    completed: bool,
    voided: bool,
    undo: Vec<Undo>,
}

/// How the last change of a row is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Undo {
    /// The row was added.
    Added(LineNo),
    /// The row was this.
    Was(Arc<BasketLine>),
}

impl Basket {
    /// An empty basket, before its first event.
    pub(crate) fn new(id: BasketId, opened: Timestamp) -> Self {
        Self {
            id,
            opened,
            mode: Mode::Sell,
            staff: None,
            lines: Vec::new(),
            payments: Vec::new(),
            next_n: 0,
            begun: false,
            last_line: None,
            away: false,
            completed: false,
            voided: false,
            undo: Vec::new(),
        }
    }

    /// Folds one event.
    pub fn apply(&mut self, event: &BasketEvent) {
        self.next_n = self.next_n.max(event.n.saturating_add(1));
        match &event.change {
            Change::Opened { mode, staff } => {
                self.begun = true;
                self.opened = event.at;
                self.mode = *mode;
                self.staff.clone_from(staff);
            }
            Change::LineAdded { line } => {
                self.undo.push(Undo::Added(line.no));
                self.last_line = Some(line.no);
                self.lines.push(Arc::clone(line));
            }
            Change::QuantitySet {
                line,
                quantity,
                weighed,
            } => {
                self.change_line(*line, true, |it| {
                    it.quantity = *quantity;
                    it.quantity_missing = false;
                    it.measured |= *weighed;
                });
            }
            Change::PriceKeyed {
                line,
                price,
                reason,
            } => self.change_line(*line, true, |it| {
                it.unit_price = Some(*price);
                it.price_origin = PriceOrigin::Keyed;
                it.acknowledged = true;
                if reason.is_some() {
                    it.reason.clone_from(reason);
                }
            }),
            Change::LineVoided { line } => self.change_line(*line, true, |it| it.voided = true),
            Change::LineApproved { line, staff } => {
                self.change_line(*line, false, |it| it.approved_by = Some(staff.clone()));
            }
            Change::Acknowledged { line } => {
                self.change_line(*line, false, |it| it.acknowledged = true);
            }
            Change::Undone => self.take_back(),
            Change::ModeSet { mode } => self.mode = *mode,
            Change::Parked => self.away = true,
            Change::Resumed => self.away = false,
            Change::PaymentAdded { payment } => self.payments.push(payment.clone()),
            Change::PaymentChanged { .. } => self.change_payment(&event.change),
            Change::Completed => self.completed = true,
            Change::Voided => self.voided = true,
        }
    }

    fn change_line(&mut self, no: LineNo, can_undo: bool, change: impl FnOnce(&mut BasketLine)) {
        let Some(slot) = self.lines.iter_mut().find(|it| it.no == no) else {
            return;
        };
        let before = Arc::clone(slot);
        let line = Arc::make_mut(slot);
        change(line);
        // A printed amount stays; everything else follows price and quantity.
        if line.price_origin != PriceOrigin::Code || line.unit_price != before.unit_price {
            line.amount = line
                .unit_price
                .filter(|_| !line.quantity_missing)
                .map(|price| line.signed(price.times(line.quantity)));
        }
        if can_undo {
            self.last_line = Some(no);
            self.undo.push(Undo::Was(before));
        }
    }

    fn take_back(&mut self) {
        match self.undo.pop() {
            Some(Undo::Added(no)) => {
                if let Some(slot) = self.lines.iter_mut().find(|it| it.no == no) {
                    Arc::make_mut(slot).voided = true;
                }
            }
            Some(Undo::Was(before)) => {
                self.last_line = Some(before.no);
                if let Some(slot) = self.lines.iter_mut().find(|it| it.no == before.no) {
                    // An approval or a dismissed alert in between stays.
                    let mut line = Arc::unwrap_or_clone(before);
                    line.approved_by.clone_from(&slot.approved_by);
                    line.acknowledged |= slot.acknowledged && !line.needs_price();
                    *slot = Arc::new(line);
                }
            }
            None => {}
        }
    }

    fn change_payment(&mut self, change: &Change) {
        let Change::PaymentChanged {
            intent,
            state,
            amount,
            reference,
            settled_by,
        } = change
        else {
            return;
        };
        let Some(payment) = self.payments.iter_mut().find(|it| it.intent == *intent) else {
            return;
        };
        payment.state = *state;
        payment.amount = amount.unwrap_or(payment.amount);
        if reference.is_some() {
            payment.reference.clone_from(reference);
        }
        if settled_by.is_some() {
            payment.settled_by.clone_from(settled_by);
        }
        if *state == PaymentState::Unknown {
            self.away = true;
        }
        if *state == PaymentState::Reversed && self.completed {
            // Could not be recorded, and the money is back: it waits for its customer.
            self.completed = false;
            self.away = true;
        }
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        let any = |state| self.payments.iter().any(|it| it.state == state);
        if self.voided || !self.begun {
            Stage::Voided
        } else if any(PaymentState::Unknown) {
            Stage::PaymentUnknown
        } else if self.completed {
            Stage::Closing
        } else if any(PaymentState::Started) {
            Stage::Paying
        } else if self.away {
            Stage::Parked
        } else {
            Stage::Open
        }
    }

    /// Whether it is the one on the counter.
    pub fn on_counter(&self) -> bool {
        !self.away && matches!(self.stage(), Stage::Open | Stage::Paying)
    }

    /// A row that is still in.
    pub fn line(&self, no: LineNo) -> Option<&Arc<BasketLine>> {
        self.lines.iter().find(|it| it.no == no && !it.voided)
    }

    /// The rows that are still in.
    pub fn live_lines(&self) -> impl Iterator<Item = &Arc<BasketLine>> {
        self.lines.iter().filter(|it| !it.voided)
    }

    /// The row changed last, or the last one that is still in.
    pub(crate) fn current_line(&self) -> Option<&Arc<BasketLine>> {
        let last = self.last_line.and_then(|no| self.line(no));
        last.or_else(|| self.lines.iter().rev().find(|it| !it.voided))
    }

    pub(crate) fn next_line(&self) -> LineNo {
        LineNo(
            u32::try_from(self.lines.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1),
        )
    }

    pub(crate) fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// A payment of it.
    pub fn payment(&self, intent: IntentId) -> Option<&Payment> {
        self.payments.iter().find(|it| it.intent == intent)
    }

    /// Sum of the rows.
    pub fn total(&self) -> Money {
        self.live_lines().filter_map(|it| it.amount).sum()
    }

    /// Sum of what is paid.
    pub fn paid(&self) -> Money {
        self.approved().map(|it| it.amount).sum()
    }

    /// What is left to pay.
    pub fn due(&self) -> Money {
        self.total().minus(self.paid())
    }

    pub(crate) fn approved(&self) -> impl Iterator<Item = &Payment> {
        let paid = |it: &&Payment| it.state == PaymentState::Approved;
        self.payments.iter().filter(paid)
    }

    fn items(&self) -> u64 {
        let count = |line: &Arc<BasketLine>| {
            let pieces = line.quantity.as_thousandths() / Quantity::ONE.as_thousandths();
            match line.unit {
                Unit::Piece => u64::try_from(pieces).unwrap_or(0),
                _ => 1,
            }
        };
        self.live_lines().map(count).fold(0, u64::saturating_add)
    }

    /// What the page shows of it.
    pub fn view(&self) -> BasketView {
        BasketView {
            id: self.id,
            opened: self.opened,
            stage: self.stage(),
            lines: self.lines.clone(),
            last_line: self.last_line,
            items: self.items(),
            total: self.total(),
            paid: self.paid(),
            due: self.due(),
            payments: self.payments.clone(),
        }
    }
}
