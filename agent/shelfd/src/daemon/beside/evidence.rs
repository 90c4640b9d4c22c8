//! What was overheard, as a document that moves nothing.

use std::sync::Arc;

use shelf_stock::document::{
    Draft, Kind, PaymentState, SourceAction, SourceKey, Tender, TenderKind,
};
use shelf_stock::money::Money;
use shelf_stock::name::{NameError, ReceiptNo, SourceId, TenderRef, TillId};
use shelf_till::evidence::{Role, SalesSource};
use shelf_till::source::{Imported, Work, hash};

use crate::daemon::intake;
use crate::daemon::shop::Shop;

/// Something that was seen beside a till.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// By what.
    pub(super) source: SalesSource,
    /// What identifies it there.
    pub(super) receipt: String,
    /// How it was paid.
    pub(super) kind: TenderKind,
    /// How much, if it said so.
    pub(super) amount: Option<Money>,
    /// The payment's reference, without card data.
    pub(super) reference: Option<TenderRef>,
}

/// Makes it durable; `false`: it was known already, or it could not be kept (which is logged).
pub(super) async fn keep(shop: &Arc<Shop>, till: &TillId, seen: Seen) -> bool {
    let source = seen.source;
    let imported = match imported(till, seen) {
        Ok(imported) => imported,
        Err(error) => {
            tracing::error!(%till, %error, "something overheard has no usable name");
            return false;
        }
    };
    let (shop, till) = (shop.clone(), till.clone());
    let work = move || {
        let taken = intake::submit(&shop, imported, source, Role::Evidence).wait();
        if let Ok(taken) = &taken {
            intake::recorded(&shop, &till, taken);
        }
        taken
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(taken)) => !taken.is_again,
        Ok(Err(error)) => {
            tracing::error!(%error, "something overheard could not be kept");
            false
        }
        Err(error) => {
            tracing::error!(%error, "keeping something overheard panicked");
            false
        }
    }
}

fn imported(till: &TillId, seen: Seen) -> Result<Imported, NameError> {
    let key = SourceKey {
        source: SourceId::new(till.as_str())?,
        receipt: ReceiptNo::new(seen.receipt.trim())?,
        action: SourceAction::Record,
        part: 0,
    };
    let mut draft = Draft::new(Kind::Sale);
    draft.till = Some(till.clone());
    draft.source = Some(key.clone());
    draft.tenders.extend(seen.amount.map(|amount| Tender {
        kind: seen.kind,
        amount,
        reference: seen.reference,
        state: PaymentState::Captured,
    }));
    Ok(Imported {
        body_hash: hash(format!("{} {:?}", key.receipt, seen.amount).as_bytes()),
        key,
        work: Work::Record(vec![draft]),
        goods: Vec::new(),
    })
}
