//! What is durable about a terminal's payments, and how the till is asked to commit.
//!
//! A record says how far the terminal is; whether the sale is durable is asked of the ledger
//! itself, never believed of a record: the process may have died between the two.

use serde::{Deserialize, Serialize};
use shelf_ledger::tables::TableError;
use shelf_ledger::{InboxNote, PaymentIntent, Tx};
use shelf_sessions::payment::{self, Input, PaymentRecord as _, Terminal as _};
use shelf_stock::document::{Document, SourceAction, SourceKey};
use shelf_stock::name::{ReceiptNo, SourceId, TillId};
use shelf_till::basket::{BasketId, IntentId, TillInput, Update};

use super::super::counter::chain;
use super::cable::Cable;
use super::protocol::{Command, Protocol, Record, settled, to_session, to_till};
use crate::platform;

/// What goes into the machine of a protocol.
type InputOf<P> = Input<Command<P>, Record<P>>;

/// What is kept about a payment beside its own record.
#[derive(Debug, Serialize, Deserialize)]
struct Kept<R> {
    /// Which basket it pays for.
    basket: Option<BasketId>,
    /// Which payment it takes back, if it is a reversal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reverses: Option<IntentId>,
    record: R,
}

impl<P: Protocol> Cable<P> {
    /// A payment's record as it was kept, with what the ledger knows of its sale.
    pub(super) async fn kept(&mut self, json: &str) -> Option<Record<P>> {
        let kept = match serde_json::from_str::<Kept<Record<P>>>(json) {
            Ok(kept) => kept,
            Err(error) => {
                tracing::error!(%error, "a payment's record can't be read");
                return None;
            }
        };
        let mut record = kept.record;
        let intent = to_till(record.intent());
        if let Some(basket) = kept.basket {
            self.baskets.insert(intent, basket);
        }
        match kept.reverses {
            Some(payment) => {
                self.reversals.insert(intent, payment);
            }
            None => record.progress_mut().committed = self.is_recorded(intent).await,
        }
        Some(record)
    }

    /// A reversal is an intent of its own, so that the payment's record stays.
    pub(super) fn new_reversal(&mut self, payment: IntentId) -> Option<payment::IntentId> {
        match platform::random_bytes() {
            Ok(bytes) => {
                let own = IntentId::from_bytes(bytes);
                self.reversals.insert(own, payment);
                Some(to_session(own))
            }
            Err(error) => {
                tracing::error!(%error, "a reversal can't be begun");
                None
            }
        }
    }

    /// The till's payment that an intent is about: its own, or the one that it takes back.
    pub(super) fn payment_of(&self, intent: IntentId) -> IntentId {
        self.reversals.get(&intent).copied().unwrap_or(intent)
    }

    /// A payment without a record was never sent: the record is written before the first byte.
    pub(super) async fn ask(&mut self, intent: IntentId) -> Option<InputOf<P>> {
        let id = to_session(intent);
        if self.session.held().is_some_and(|it| it.intent() == id) {
            return Some(Input::Resync { intent: id });
        }
        let key = intent.to_string();
        let load = move |tx: &mut Tx<'_>| tx.intent(&key);
        let row = match self.writer.execute("intent", load).await {
            Ok(row) => row,
            Err(error) => {
                tracing::error!(%error, %intent, "a payment's record can't be read");
                return None;
            }
        };
        let Some(row) = row else {
            let text = "it was never sent to the terminal".into();
            self.tell(intent, Update::Aborted { text }).await;
            return None;
        };
        match self.kept(&row.body).await {
            Some(record) if record.progress().is_open() => Some(Input::Resume(Box::new(record))),
            Some(record) => {
                self.tell(intent, settled(&self.protocol, &record)).await;
                None
            }
            None => {
                self.tell(intent, Update::Unknown).await;
                None
            }
        }
    }

    /// Makes a record durable. `false`: it is not, and the terminal must not hear of it.
    pub(super) async fn persist(&self, record: &Record<P>) -> bool {
        let id = to_till(record.intent());
        let kept = Kept {
            basket: self.baskets.get(&id).copied(),
            reverses: self.reversals.get(&id).copied(),
            record: record.clone(),
        };
        let body = match serde_json::to_string(&kept) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a payment's record can't be written");
                return false;
            }
        };
        let till = self.counter.till().clone();
        let is_open = record.progress().is_open();
        let row = PaymentIntent {
            id: id.to_string(),
            till,
            is_open,
            body,
        };
        let put = move |tx: &mut Tx<'_>| tx.intent_put(&row);
        match self.writer.execute("intent", put).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "a payment's record is not durable");
                false
            }
        }
    }

    /// The till writes the sale and answers with [`super::TerminalCommand::Confirm`]; a reversal
    /// needs no sale.
    pub(super) async fn commit(&mut self, record: &Record<P>) -> Option<InputOf<P>> {
        let intent = record.intent();
        if !self.persist(record).await {
            return Some(Input::CommitFailed { intent });
        }
        let id = to_till(intent);
        if record.is_reversal() {
            self.tell(self.payment_of(id), Update::Reversed).await;
            return Some(Input::Committed { intent });
        }
        if self.is_recorded(id).await {
            // The PC died between the commit and the terminal's acknowledgement.
            self.give(TillInput::AlreadyRecorded(id)).await;
        } else {
            self.tell(id, self.protocol.approved(record)).await;
        }
        None
    }

    /// Whether the sale that a payment was for stands in the ledger.
    async fn is_recorded(&self, intent: IntentId) -> bool {
        let Some(basket) = self.baskets.get(&intent).copied() else {
            return false;
        };
        let till = self.counter.till().clone();
        let find = move |tx: &mut Tx<'_>| sale_of(tx, &till, basket);
        match self.writer.execute("sale of a payment", find).await {
            Ok(sale) => !sale.is_empty(),
            Err(error) => {
                tracing::error!(%error, %intent, "a payment's sale can't be looked up");
                false
            }
        }
    }

    /// The sale stands in the ledger; the till voids it by a new document.
    pub(super) async fn reversed(&mut self, intent: IntentId) {
        let Some(basket) = self.baskets.get(&intent).copied() else {
            tracing::error!(%intent, "a payment was reversed whose basket is not known");
            self.tell(intent, Update::Reversed).await;
            return;
        };
        let till = self.counter.till().clone();
        let find = move |tx: &mut Tx<'_>| sale_of(tx, &till, basket);
        match self.writer.execute("sale of a payment", find).await {
            Ok(sale) => {
                self.give(TillInput::ReversedAfterCommit { intent, sale })
                    .await;
            }
            Err(error) => {
                tracing::error!(%error, %intent, "a reversed payment's sale can't be read");
            }
        }
    }

    /// Something that only people can find out about: the manager looks.
    pub(super) async fn for_the_manager(&self, intent: IntentId, why: &str, what: &str) {
        let key = format!("till {}, payment {intent}", self.counter.till());
        let reason = format!("{why}; {what}");
        let note = move |tx: &mut Tx<'_>| {
            let note = InboxNote {
                kind: "payment_unknown",
                key: &key,
                reason: &reason,
                raw: b"",
            };
            tx.inbox_put(note)
        };
        if let Err(error) = self.writer.execute("inbox", note).await {
            tracing::error!(message = %chain(&error), %intent, "the manager can't be told");
        }
    }
}

/// Every document of a basket's sale: its parts are keyed by their first line.
fn sale_of(tx: &Tx<'_>, till: &TillId, basket: BasketId) -> Result<Vec<Document>, TableError> {
    let damaged = |_| TableError::Damaged { what: "basket" };
    let mut key = SourceKey {
        source: SourceId::new(till.as_str()).map_err(damaged)?,
        receipt: ReceiptNo::new(basket.to_string()).map_err(damaged)?,
        action: SourceAction::Record,
        part: 0,
    };
    let mut sale = Vec::new();
    while let Some(place) = tx.tables().counted_for(&key)? {
        // A sale that an opening stands for can't be taken apart any more.
        let Some(document) = tx.document(place)? else {
            break;
        };
        let lines = u32::try_from(document.draft.lines.len()).unwrap_or(u32::MAX);
        sale.push(document);
        if lines == 0 {
            break;
        }
        key.part = key.part.saturating_add(lines);
    }
    Ok(sale)
}
