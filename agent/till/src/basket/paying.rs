//! Payments: one try each, durable before the terminal hears of it, acknowledged only after the
//! sale is.
//!
//! An unknown outcome takes the basket off the counter and is never guessed: the terminal is asked
//! or a person settles it from the slip. A card payment that covers only part of the bill is
//! confirmed once it is durable in the basket's events, because a terminal doesn't wait for the
//! customer to find the rest; the payment that completes the bill is confirmed after the sale's
//! document is committed.

use shelf_stock::document::DOCUMENT_TENDERS_MAX;
use shelf_stock::money::Money;
use shelf_stock::name::StaffId;

use super::effect::{Sound, TillEffect};
use super::event::Change;
use super::id::{BasketId, IntentId};
use super::input::{Outcome, PayWith, TillInput, Update};
use super::payment::{Payment, PaymentKind, PaymentState};
use super::recording::REASON_PAYMENT_REVERSED;
use super::scanning::bounded;
use super::state::{Basket, Stage};
use super::till::{Call, Fiscal, Till};
use super::view::{Alert, Mode, Notice, Refusal};

/// The most attempts to pay one basket.
pub const PAYMENTS_MAX: usize = 64;

impl Till {
    pub(super) fn dispatch_payment(&mut self, call: &mut Call<'_>, input: TillInput) {
        let done = match input {
            TillInput::Pay(with) => self.pay(call, with),
            TillInput::CancelPayment(intent) => self.cancel_payment(call, intent),
            TillInput::ReversePayment(intent) => self.reverse_payment(call, intent),
            TillInput::AskAgain(intent) => self.ask_again(call, intent),
            TillInput::Settle {
                intent,
                outcome,
                staff,
            } => self.settle(call, intent, outcome, staff),
            TillInput::PaymentUpdate { intent, update } => {
                self.payment_update(call, intent, update);
                Ok(())
            }
            TillInput::AlreadyRecorded(intent) => {
                self.confirm(call, intent);
                Ok(())
            }
            TillInput::ReversedAfterCommit { intent, sale } => {
                self.reversed_after_commit(call, intent, &sale);
                Ok(())
            }
            TillInput::Committed { what, place } => {
                self.committed(call, what, place);
                Ok(())
            }
            TillInput::CommitFailed { what, message } => {
                self.commit_failed(call, what, &message);
                Ok(())
            }
            TillInput::RetryCommit(what) => self.retry_commit(call, what),
            _ => Ok(()),
        };
        if let Err(why) = done {
            self.refuse(call, why);
        }
    }

    fn pay(&mut self, call: &mut Call<'_>, with: PayWith) -> Result<(), Refusal> {
        let basket = self.changeable()?;
        let id = basket.id;
        ready_to_pay(basket)?;
        let due = basket.due();
        let cash = matches!(with, PayWith::Cash { .. });
        if due == Money::ZERO {
            self.decide(call, id, Change::Completed);
            self.record_sale(call, id);
            return Ok(());
        }
        if cash && self.config.fiscal != Fiscal::Declared {
            return Err(Refusal::CashNotDeclared);
        }
        let payment = Payment {
            intent: IntentId::from(call.fresh),
            kind: if cash {
                PaymentKind::Cash
            } else {
                PaymentKind::Card
            },
            amount: amount_to_pay(with, due)?,
            state: if cash {
                PaymentState::Approved
            } else {
                PaymentState::Started
            },
            reference: None,
            settled_by: None,
        };
        let (intent, amount) = (payment.intent, payment.amount);
        self.decide(call, id, Change::PaymentAdded { payment });
        if cash {
            call.sound = Some(Sound::Ok);
            self.complete_if_covered(call, id);
        } else {
            call.out.push(TillEffect::StartPayment { intent, amount });
        }
        Ok(())
    }

    fn find_payment(&self, intent: IntentId) -> Option<(&Basket, &Payment)> {
        let mut baskets = self.baskets.values();
        baskets.find_map(|it| it.payment(intent).map(|payment| (it, payment)))
    }

    fn cancel_payment(&self, call: &mut Call<'_>, intent: IntentId) -> Result<(), Refusal> {
        match self.find_payment(intent) {
            Some((_, it)) if it.state == PaymentState::Started => {
                call.out.push(TillEffect::CancelPayment { intent });
                Ok(())
            }
            _ => Err(Refusal::NoPayment),
        }
    }

    fn ask_again(&self, call: &mut Call<'_>, intent: IntentId) -> Result<(), Refusal> {
        match self.find_payment(intent) {
            Some((_, it)) if it.state.is_open() => {
                let amount = it.amount;
                call.out.push(TillEffect::AskTerminal { intent, amount });
                Ok(())
            }
            _ => Err(Refusal::NoPayment),
        }
    }

    fn reverse_payment(&mut self, call: &mut Call<'_>, intent: IntentId) -> Result<(), Refusal> {
        let (basket, payment) = self.find_payment(intent).ok_or(Refusal::NoPayment)?;
        if payment.state != PaymentState::Approved || basket.stage() == Stage::Closing {
            return Err(Refusal::NoPayment);
        }
        let id = basket.id;
        match payment.kind {
            PaymentKind::Cash => self.change_payment(call, id, intent, PaymentState::Reversed),
            PaymentKind::Card => call.out.push(TillEffect::ReversePayment {
                intent,
                amount: payment.amount,
                reference: payment.reference.clone(),
            }),
        }
        Ok(())
    }

    fn settle(
        &mut self,
        call: &mut Call<'_>,
        intent: IntentId,
        outcome: Outcome,
        staff: Option<StaffId>,
    ) -> Result<(), Refusal> {
        let found = self
            .find_payment(intent)
            .map(|(basket, it)| (basket.id, it.state));
        let Some((basket, PaymentState::Unknown)) = found else {
            return Err(Refusal::NoPayment);
        };
        let (state, reference) = match outcome {
            Outcome::Approved { slip } => (PaymentState::Approved, slip),
            Outcome::NotCharged => (PaymentState::Aborted, None),
        };
        let change = Change::PaymentChanged {
            intent,
            state,
            amount: None,
            reference,
            settled_by: staff,
        };
        self.decide(call, basket, change);
        self.volatile.silenced.remove(&intent);
        self.complete_if_covered(call, basket);
        Ok(())
    }

    pub(super) fn change_payment(
        &mut self,
        call: &mut Call<'_>,
        basket: BasketId,
        intent: IntentId,
        state: PaymentState,
    ) {
        let change = Change::PaymentChanged {
            intent,
            state,
            amount: None,
            reference: None,
            settled_by: None,
        };
        self.decide(call, basket, change);
    }

    fn payment_update(&mut self, call: &mut Call<'_>, intent: IntentId, update: Update) {
        let found = self.find_payment(intent);
        let Some((basket, payment)) = found else {
            return self.stray_update(call, intent, &update);
        };
        if payment.kind == PaymentKind::Cash {
            // No terminal knows about cash.
            return;
        }
        let (basket, state) = (basket.id, payment.state);
        if let Update::Progress { text } = &update {
            self.volatile.progress = state.is_open().then(|| bounded(text));
            return;
        }
        self.volatile.progress = None;
        match update {
            Update::Progress { .. } => {}
            Update::Approved { amount, reference } => {
                let approved = Change::PaymentChanged {
                    intent,
                    state: PaymentState::Approved,
                    amount: self.signed_like(intent, amount),
                    reference,
                    settled_by: None,
                };
                self.approved(call, basket, (intent, state), approved);
            }
            Update::Declined { text } if state.is_open() => {
                self.not_charged(call, basket, intent, (PaymentState::Declined, &text));
            }
            Update::Aborted { text } if state.is_open() => {
                self.not_charged(call, basket, intent, (PaymentState::Aborted, &text));
            }
            Update::Unknown if state == PaymentState::Started => {
                self.change_payment(call, basket, intent, PaymentState::Unknown);
                self.volatile.mode = Mode::Sell;
                call.sound = Some(Sound::PaymentUnknown);
            }
            Update::Unknown if state == PaymentState::Approved => {
                self.alert(call, Alert::ApprovedInDoubt { intent });
                call.sound = Some(Sound::Blocked);
            }
            Update::Reversed => self.reversed(call, basket, intent, state),
            Update::Declined { .. } | Update::Aborted { .. } | Update::Unknown => {}
        }
    }

    fn stray_update(&mut self, call: &mut Call<'_>, intent: IntentId, update: &Update) {
        match update {
            Update::Approved { .. } if self.volatile.confirmed.contains(&intent) => {
                call.out.push(TillEffect::ConfirmTerminal { intent });
            }
            Update::Approved { .. } | Update::Unknown | Update::Reversed => {
                self.alert(call, Alert::StrayPayment { intent });
            }
            Update::Progress { .. } | Update::Declined { .. } | Update::Aborted { .. } => {}
        }
    }

    /// An amount that a terminal names without sign, with the sign of what was asked.
    fn signed_like(&self, intent: IntentId, amount: Option<Money>) -> Option<Money> {
        let (_, payment) = self.find_payment(intent)?;
        let positive = amount.filter(|it| *it > Money::ZERO)?;
        Some(if payment.amount < Money::ZERO {
            positive.negated()
        } else {
            positive
        })
    }

    fn approved(
        &mut self,
        call: &mut Call<'_>,
        basket: BasketId,
        (intent, state): (IntentId, PaymentState),
        approved: Change,
    ) {
        let closing = self.baskets.get(&basket).map(Basket::stage) == Some(Stage::Closing);
        match state {
            // Told twice: the confirmation follows the commit, or is repeated.
            PaymentState::Approved if closing => return,
            PaymentState::Approved => {
                call.out.push(TillEffect::ConfirmTerminal { intent });
                return;
            }
            PaymentState::Started | PaymentState::Unknown => {}
            PaymentState::Declined | PaymentState::Aborted | PaymentState::Reversed => {
                self.alert(call, Alert::LateApproval { intent });
                if closing {
                    return;
                }
            }
        }
        self.decide(call, basket, approved);
        self.volatile.silenced.remove(&intent);
        self.complete_if_covered(call, basket);
        if self.baskets.get(&basket).map(Basket::stage) != Some(Stage::Closing) {
            call.out.push(TillEffect::ConfirmTerminal { intent });
            call.sound = call.sound.or(Some(Sound::Ok));
        }
    }

    fn not_charged(
        &mut self,
        call: &mut Call<'_>,
        basket: BasketId,
        intent: IntentId,
        (state, text): (PaymentState, &str),
    ) {
        self.change_payment(call, basket, intent, state);
        self.volatile.silenced.remove(&intent);
        self.notice(Notice::NotCharged {
            intent,
            text: bounded(text),
        });
        call.sound = Some(Sound::Blocked);
        // What was paid before may cover the bill by itself.
        self.complete_if_covered(call, basket);
    }

    fn reversed(
        &mut self,
        call: &mut Call<'_>,
        basket: BasketId,
        intent: IntentId,
        state: PaymentState,
    ) {
        if self.volatile.recording.contains_key(&basket) {
            // The ledger may be clearing this basket's events right now: decided when it answers.
            self.volatile.reversed.insert(intent, basket);
            return;
        }
        if state == PaymentState::Approved || state.is_open() {
            self.change_payment(call, basket, intent, PaymentState::Reversed);
            let text = REASON_PAYMENT_REVERSED.to_owned();
            self.notice(Notice::NotCharged { intent, text });
            call.sound = Some(Sound::Blocked);
        }
    }
}

/// Whether a basket may be paid: it has rows, and each has a quantity, a price and its approval.
pub(super) fn ready_to_pay(basket: &Basket) -> Result<(), Refusal> {
    if basket.live_lines().next().is_none() && basket.due() == Money::ZERO {
        return Err(Refusal::Empty);
    }
    if basket.live_lines().any(|it| it.quantity_missing) {
        return Err(Refusal::QuantityNeeded);
    }
    if basket.live_lines().any(|it| it.needs_price()) {
        return Err(Refusal::PriceNeeded);
    }
    if basket.live_lines().any(|it| it.needs_approval()) {
        return Err(Refusal::ApprovalNeeded);
    }
    let full = basket.approved().count() >= DOCUMENT_TENDERS_MAX;
    if basket.due() != Money::ZERO && (full || basket.payments.len() >= PAYMENTS_MAX) {
        return Err(Refusal::TooManyPayments);
    }
    Ok(())
}

/// How much to pay now, with the sign of what is due.
fn amount_to_pay(with: PayWith, due: Money) -> Result<Money, Refusal> {
    let owed = if due < Money::ZERO {
        due.negated()
    } else {
        due
    };
    let amount = match with {
        PayWith::Cash { given: None } | PayWith::Card { amount: None } => owed,
        PayWith::Cash { given: Some(given) } => given.min(owed),
        PayWith::Card { amount: Some(it) } if it > owed => return Err(Refusal::Amount),
        PayWith::Card { amount: Some(it) } => it,
    };
    if amount <= Money::ZERO {
        return Err(Refusal::Amount);
    }
    Ok(if due < Money::ZERO {
        amount.negated()
    } else {
        amount
    })
}
