//! Recording: a covered basket becomes documents, and only then is its terminal told.
//!
//! The ledger may take its time or fail. Until it answers, the sale is *closing*: off the counter,
//! still in its events, recorded again after a restart. A payment given back in that time is
//! remembered and decided when the answer comes, because the basket's events may be gone already.

use shelf_stock::document::{Document, Draft, TenderKind};
use shelf_stock::identity::Place;
use shelf_stock::money::Money;
use shelf_stock::name::Reason;

use super::draft;
use super::effect::{Sound, TillEffect, What};
use super::event::Change;
use super::id::{BasketId, IntentId};
use super::paying::ready_to_pay;
use super::payment::{PaymentKind, PaymentState};
use super::scanning::bounded;
use super::state::{Basket, Stage};
use super::till::{Call, Till};
use super::view::{Alert, LastSale, Mode, Refusal};

/// How many confirmed payments are remembered, to confirm again when a terminal repeats itself.
pub const CONFIRMED_MAX: usize = 64;
/// The reason of a void that follows a payment given back.
pub const REASON_PAYMENT_REVERSED: &str = "payment_reversed";

impl Till {
    /// Completes a basket whose payments cover it, and asks for its sale to be recorded.
    pub(super) fn complete_if_covered(&mut self, call: &mut Call<'_>, id: BasketId) {
        let covered = self.baskets.get(&id).is_some_and(|it| {
            let decided = matches!(it.stage(), Stage::Open | Stage::Parked);
            let paid = it.approved().next().is_some() && it.due() == Money::ZERO;
            decided && paid && ready_to_pay(it).is_ok()
        });
        if covered {
            self.decide(call, id, Change::Completed);
            self.record_sale(call, id);
        }
    }

    pub(super) fn record_sale(&mut self, call: &mut Call<'_>, id: BasketId) {
        let Some(basket) = self.baskets.get(&id) else {
            return;
        };
        match draft::sale(&self.config.till, basket) {
            Ok(drafts) => {
                self.volatile.mode = Mode::Sell;
                self.volatile.recording.insert(id, drafts.clone());
                let what = What::Sale(id);
                call.out.push(TillEffect::Record { what, drafts });
            }
            Err(error) => {
                let message = error.to_string();
                let basket = Some(id);
                self.alert(call, Alert::CommitFailed { basket, message });
            }
        }
    }

    fn record_void(&mut self, call: &mut Call<'_>, intent: IntentId, drafts: Vec<Draft>) {
        self.volatile.voiding.insert(intent, drafts.clone());
        let what = What::Void(intent);
        call.out.push(TillEffect::Record { what, drafts });
    }

    pub(super) fn reversed_after_commit(
        &mut self,
        call: &mut Call<'_>,
        intent: IntentId,
        sale: &[Document],
    ) {
        let drafts = match Reason::new(REASON_PAYMENT_REVERSED) {
            Ok(reason) => draft::void(sale, call.now, &reason),
            Err(_) => Vec::new(),
        };
        if drafts.is_empty() {
            self.alert(call, Alert::StrayPayment { intent });
        } else {
            self.record_void(call, intent, drafts);
        }
    }

    pub(super) fn committed(&mut self, call: &mut Call<'_>, what: What, place: Place) {
        match what {
            What::Sale(id) => self.sale_committed(call, id, place),
            What::Void(intent) => {
                if let Some(drafts) = self.volatile.voiding.remove(&intent) {
                    let cash_back = cash_of(&drafts);
                    self.alert(call, Alert::SaleVoided { intent, cash_back });
                }
            }
        }
    }

    fn sale_committed(&mut self, call: &mut Call<'_>, id: BasketId, place: Place) {
        let drafts = self.volatile.recording.remove(&id).unwrap_or_default();
        let Some(basket) = self.baskets.remove(&id) else {
            return;
        };
        self.volatile
            .alerts
            .retain(|it| !matches!(it, Alert::CommitFailed { basket, .. } if *basket == Some(id)));
        let reversed = self.take_reversed(id);
        for payment in basket.approved().filter(|it| it.kind == PaymentKind::Card) {
            let intent = payment.intent;
            if !reversed.contains(&intent) {
                self.confirm(call, intent);
            }
        }
        self.volatile.last_sale = Some(LastSale {
            basket: id,
            total: basket.total(),
            place,
        });
        call.sound = Some(Sound::PaymentOk);
        let reason = Reason::new(REASON_PAYMENT_REVERSED);
        if let (Some(intent), Ok(reason)) = (reversed.first(), reason) {
            let drafts = draft::void_of_drafts(&drafts, call.now, &reason);
            self.record_void(call, *intent, drafts);
            call.sound = Some(Sound::Blocked);
        }
    }

    fn take_reversed(&mut self, basket: BasketId) -> Vec<IntentId> {
        let of_basket = |(intent, of): (&IntentId, &BasketId)| (*of == basket).then_some(*intent);
        let taken: Vec<_> = self
            .volatile
            .reversed
            .iter()
            .filter_map(of_basket)
            .collect();
        self.volatile.reversed.retain(|_, of| *of != basket);
        taken
    }

    /// Tells the terminal that the sale is recorded, and remembers it.
    pub(super) fn confirm(&mut self, call: &mut Call<'_>, intent: IntentId) {
        call.out.push(TillEffect::ConfirmTerminal { intent });
        while self.volatile.confirmed.len() >= CONFIRMED_MAX {
            self.volatile.confirmed.pop_front();
        }
        self.volatile.confirmed.push_back(intent);
    }

    pub(super) fn commit_failed(&mut self, call: &mut Call<'_>, what: What, message: &str) {
        let basket = match what {
            What::Sale(id) => Some(id),
            What::Void(_) => None,
        };
        let message = bounded(message);
        self.alert(call, Alert::CommitFailed { basket, message });
        let Some(id) = basket else { return };
        self.volatile.recording.remove(&id);
        for intent in self.take_reversed(id) {
            self.change_payment(call, id, intent, PaymentState::Reversed);
        }
    }

    pub(super) fn retry_commit(&mut self, call: &mut Call<'_>, what: What) -> Result<(), Refusal> {
        match what {
            What::Sale(id) => {
                let stage = self.baskets.get(&id).map(Basket::stage);
                if stage != Some(Stage::Closing) || self.volatile.recording.contains_key(&id) {
                    return Err(Refusal::NoBasket);
                }
                self.record_sale(call, id);
            }
            What::Void(intent) => {
                let drafts = self.volatile.voiding.get(&intent).cloned();
                let drafts = drafts.ok_or(Refusal::NoPayment)?;
                call.out.push(TillEffect::Record { what, drafts });
            }
        }
        Ok(())
    }
}

/// Cash that a void pays back, as a positive amount.
fn cash_of(drafts: &[Draft]) -> Money {
    let tenders = drafts.iter().flat_map(|it| &it.tenders);
    let cash = tenders.filter(|it| it.kind == TenderKind::Cash);
    cash.map(|it| it.amount.negated()).sum()
}
