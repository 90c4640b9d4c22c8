//! The live picture of the orders' page, and the scanner that feeds the chosen order.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde::Deserialize;
use shelf_stock::name::OrderId;
use shelf_till::basket::Read;
use tokio::sync::broadcast::error::RecvError;

use super::live::{Events, open};
use super::orders::{page, scan};
use super::{Answer, Site, Web};
use crate::daemon::front::LooseScan;
use crate::pages::orders as orders_page;
use crate::pages::speech::Speech;

/// Which order was chosen.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    pub(super) order: String,
}

/// `GET /events/orders`
pub(super) async fn orders(
    State(web): Site,
    speech: Speech,
    Query(chosen): Query<Chosen>,
) -> Answer<Events> {
    let (mut feed, stream) = open(&web)?;
    let mut loose = web.shop.loose.subscribe();
    tokio::spawn(async move {
        let mut changed = web.shop.orders.watch();
        let mut news = web.shop.bell.news.subscribe();
        let mut said: Option<(u64, String, bool)> = None;
        loop {
            match page(&web, &chosen.order, said.clone()).await {
                Ok(page) => {
                    if !feed.show(orders_page::live(speech, &page)).await {
                        return;
                    }
                }
                Err(problem) => tracing::warn!(detail = problem.detail(), "orders can't be read"),
            }
            tokio::select! {
                _ = changed.changed() => {}
                _ = news.changed() => {}
                read = loose.recv() => match read {
                    Ok(read) => {
                        let number = said.as_ref().map_or(1, |it| it.0 + 1);
                        if let Some((text, wrong)) = scanned(&web, &chosen, &read, speech).await {
                            said = Some((number, text, wrong));
                        }
                    }
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "an orders page missed scans");
                    }
                    Err(RecvError::Closed) => return,
                },
                () = feed.gone() => return,
            }
        }
    });
    Ok(stream)
}

/// What a scanner's read was for the chosen order; none chosen, it is for another page.
async fn scanned(
    web: &Arc<Web>,
    chosen: &Chosen,
    read: &LooseScan,
    speech: Speech,
) -> Option<(String, bool)> {
    let order = OrderId::new(&chosen.order).ok()?;
    let read = read.clone();
    let done = web.blocking(move |shop| match &*read.read {
        Read::Item(it) => {
            let quantity = shelf_stock::quantity::Quantity::ONE;
            scan(shop, &order, (&it.item.id, quantity), Some(read.at), speech)
        }
        Read::Unknown { code } => Ok((speech.language.fill("count_unknown", &[code]), true)),
        Read::Bad { reason, .. } => Ok((speech.language.fill("notice_bad", &[reason]), true)),
        Read::Refused { .. } => Ok((speech.text("notice_refused").into(), true)),
    });
    Some(match done.await {
        Ok(said) => said,
        Err(problem) => (problem.detail().to_owned(), true),
    })
}
