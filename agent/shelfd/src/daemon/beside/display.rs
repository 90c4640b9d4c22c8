//! A customer display (CD5220): the last row of our till's basket, and what is due.

use std::sync::Arc;

use shelf_codecs::customer_display::{DisplayLine, initialise, justified, show};
use shelf_till::basket::TillView;
use tokio::io::AsyncWriteExt as _;

use super::place::{Place, Stream};
use super::relay::pause;
use crate::daemon::counter::Counter;

/// Shows every change until it is dropped; a display that is gone is looked for again.
pub(super) async fn run(place: Place, counter: Arc<Counter>) {
    loop {
        match place.open().await {
            Ok(stream) => {
                if let Err(error) = follow(stream, &counter).await {
                    tracing::info!(%error, till = %counter.till(), "the customer display is gone");
                }
            }
            Err(error) => {
                tracing::debug!(%error, till = %counter.till(), "no customer display");
            }
        }
        pause().await;
    }
}

async fn follow(mut stream: Box<dyn Stream>, counter: &Counter) -> std::io::Result<()> {
    let mut shown = counter.watch();
    stream.write_all(&initialise()).await?;
    let mut last = None;
    loop {
        let lines = lines(&shown.borrow_and_update().view);
        if last.as_ref() != Some(&lines) {
            stream
                .write_all(&show(DisplayLine::Upper, &lines.0))
                .await?;
            stream
                .write_all(&show(DisplayLine::Lower, &lines.1))
                .await?;
            stream.flush().await?;
            last = Some(lines);
        }
        if shown.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Upper and lower line.
fn lines(view: &TillView) -> (String, String) {
    let Some(basket) = &view.basket else {
        let paid = view.last_sale.as_ref();
        let lower = paid.map_or_else(String::new, |it| justified("=", &it.total.to_string()));
        return (String::new(), lower);
    };
    let named = basket
        .lines
        .iter()
        .find(|it| Some(it.no) == basket.last_line);
    let row = named.or_else(|| basket.lines.iter().rev().find(|it| !it.voided));
    let upper = row.map_or_else(String::new, |it| {
        let price = it.amount.map_or_else(String::new, |it| it.to_string());
        justified(&it.name, &price)
    });
    (upper, justified("=", &basket.due.to_string()))
}
