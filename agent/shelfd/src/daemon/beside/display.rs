//! A customer display (CD5220): the last row of our till's basket, and what is due.

use std::sync::Arc;

use shelf_codecs::customer_display::{DisplayLine, initialise, justified, show};
use shelf_till::basket::TillView;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::errand::{self, Request, clock};
use super::place::{Place, Stream};
use super::relay::pause;
use crate::daemon::counter::Counter;
use crate::daemon::shop::Shop;

/// Shows every change until it is dropped; a display that is gone is looked for again.
pub(super) async fn run(
    shop: Arc<Shop>,
    place: Place,
    counter: Arc<Counter>,
    mut requests: mpsc::Receiver<Request>,
) {
    let till = counter.till();
    loop {
        let gone = match place.open().await {
            Ok(stream) => {
                shop.beside.display(till, |it| {
                    it.connected = true;
                    it.trouble.clear();
                });
                match follow(stream, &shop, &counter, &mut requests).await {
                    Ok(()) => String::new(),
                    Err(error) => {
                        tracing::info!(%error, %till, "the customer display is gone");
                        error.to_string()
                    }
                }
            }
            Err(error) => {
                tracing::debug!(%error, %till, "no customer display");
                error
            }
        };
        let why = gone.clone();
        shop.beside.display(till, |it| {
            it.connected = false;
            it.trouble = gone;
        });
        tokio::select! {
            () = pause() => {}
            request = errand::next(&mut requests) => request.answer(Err(why)),
        }
    }
}

async fn follow(
    mut stream: Box<dyn Stream>,
    shop: &Shop,
    counter: &Counter,
    requests: &mut mpsc::Receiver<Request>,
) -> std::io::Result<()> {
    let mut shown = counter.watch();
    stream.write_all(&initialise()).await?;
    let mut last = None;
    loop {
        let lines = lines(&shown.borrow_and_update().view);
        if last.as_ref() != Some(&lines) {
            write(&mut stream, &lines).await?;
            shop.beside
                .display(counter.till(), |it| it.shows = lines.clone());
            last = Some(lines);
        }
        tokio::select! {
            changed = shown.changed() => if changed.is_err() {
                return Ok(());
            },
            request = errand::next(requests) => {
                let test = (format!("shelfd {}", counter.till()), justified("", &clock()));
                let done = write(&mut stream, &test).await;
                request.answer(done.as_ref().map_err(ToString::to_string).copied());
                done?;
                shop.beside.display(counter.till(), |it| it.shows = test);
                // It stays until the till shows something else.
                shown.changed().await.map_err(std::io::Error::other)?;
                last = None;
            }
        }
    }
}

async fn write(stream: &mut Box<dyn Stream>, lines: &(String, String)) -> std::io::Result<()> {
    stream
        .write_all(&show(DisplayLine::Upper, &lines.0))
        .await?;
    stream
        .write_all(&show(DisplayLine::Lower, &lines.1))
        .await?;
    stream.flush().await
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
