//! The payment terminal of another system's till, overheard: what it approved becomes evidence.

use std::sync::Arc;

use shelf_sessions::zvt::tap::{Overheard, Speaker, Tap, TapAnswer, TapItem, TapKind, Wire};
use shelf_stock::document::TenderKind;
use shelf_stock::money::Money;
use shelf_stock::name::TillId;
use shelf_till::evidence::SalesSource;

use super::evidence::{Seen, keep};
use super::place::Place;
use super::relay::{Copier, Door, Heard, Listener, carry, copy, pause};
use crate::daemon::shop::Shop;
use crate::daemon::terminal::tender_reference;

/// Relays and listens until it is dropped.
pub(super) async fn run(shop: Arc<Shop>, till: TillId, from: Place, terminal: Place) {
    let wire = match terminal {
        Place::Tcp(_) => Wire::Tcp,
        Place::Line(..) => Wire::Serial,
    };
    let (copier, heard) = copy(None);
    tokio::spawn(listen(shop, till, wire, heard));
    relay(from, terminal, &copier).await;
}

/// Whoever connects last has the terminal: a till that lost its connection must not wait for us to
/// notice.
async fn relay(from: Place, terminal: Place, copier: &Copier) {
    let door = Door::open(Some(from)).await;
    let mut next = None;
    loop {
        let till = match next.take() {
            Some(till) => till,
            None => door.next().await,
        };
        match terminal.open().await {
            Ok(device) if matches!(door, Door::Tcp(_)) => {
                tokio::select! {
                    () = carry(till, device, copier, None) => {}
                    newer = door.next() => {
                        copier.tell(Heard::Closed);
                        next = Some(newer);
                    }
                }
            }
            Ok(device) => carry(till, device, copier, None).await,
            Err(error) => {
                tracing::warn!(%error, "the overheard terminal can't be reached");
                drop(till);
                pause().await;
            }
        }
    }
}

async fn listen(shop: Arc<Shop>, till: TillId, wire: Wire, mut heard: Listener) {
    let mut tap = Tap::new(wire);
    while let Some(it) = heard.next().await {
        match it {
            Heard::Till(bytes) => tap.push(Speaker::Register, &bytes),
            Heard::Device(bytes) => tap.push(Speaker::Terminal, &bytes),
            Heard::Closed => tap.closed(),
            Heard::Missing => {
                tap = Tap::new(wire);
                shop.beside.tap(&till, |it| it.lagged += 1);
            }
        }
        for item in tap.by_ref() {
            match item {
                TapItem::Transaction(heard) => transaction(&shop, &till, &heard).await,
                TapItem::Fault(..) => shop.beside.tap(&till, |it| it.faults += 1),
            }
        }
    }
}

async fn transaction(shop: &Arc<Shop>, till: &TillId, heard: &Overheard) {
    let Some(amount) = paid(heard) else {
        if heard.kind != TapKind::EndOfDay {
            shop.beside.tap(till, |it| it.without_payment += 1);
        }
        return;
    };
    let reference = tender_reference(&heard.evidence);
    let when = heard.evidence.date.zip(heard.evidence.time);
    let when = when.map_or_else(String::new, |(date, time)| {
        format!(
            "{:02}{:02}-{:02}{:02}{:02} ",
            date.month, date.day, time.hour, time.minute, time.second
        )
    });
    let name = reference.as_ref().map_or("", |it| it.as_str());
    let seen = Seen {
        source: SalesSource::Tap,
        // Terminal, receipt, trace and its own time: numbers come again, all of them together don't.
        receipt: format!("{when}{name}"),
        kind: TenderKind::Card,
        amount: Some(amount),
        reference,
    };
    if keep(shop, till, seen).await {
        shop.beside.tap(till, |it| it.payments += 1);
    }
}

/// What moved; `None`: nothing, or nothing that the register took.
fn paid(heard: &Overheard) -> Option<Money> {
    let evidence = &heard.evidence;
    if evidence.result_code != Some(0) || heard.answer != TapAnswer::Accepted {
        return None;
    }
    let amount = Money::minor(i64::try_from(evidence.amount?.minor()).ok()?);
    match heard.kind {
        TapKind::Payment | TapKind::NotAsked => Some(amount),
        TapKind::Refund | TapKind::Reversal => Some(amount.negated()),
        TapKind::EndOfDay => None,
    }
}
