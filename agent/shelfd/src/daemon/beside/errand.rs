//! What a person tries at a till's printer and display: a printed line, a shown text, the drawer.
//!
//! Nothing here can start a payment. While a sale is under way at the till nothing is tried at all, and
//! a printer is written to only while the POS that shares it is quiet. That somebody opened a drawer
//! without a sale is a document before it is a pulse: it can't be undone and must not be hidden.

use std::sync::Arc;
use std::time::Duration;

use shelf_codecs::escpos::{kick, test_print};
use shelf_ledger::Tx;
use shelf_stock::document::{Draft, Kind};
use shelf_stock::name::{Reason, TillId};
use tokio::sync::{mpsc, oneshot};

use crate::daemon::shop::Shop;
use crate::platform;

/// Requests that may wait at one device.
pub(super) const REQUESTS_MAX: usize = 4;
/// How long a device may take.
const DONE_MS_MAX: u64 = 8_000;
/// What a drawer that was opened by hand is called in the ledger.
const ABOUT_DRAWER: &str = "drawer";

/// Something that a person tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A line on the receipt printer.
    Print,
    /// A text on the customer display.
    Show,
    /// The drawer at the receipt printer.
    OpenDrawer,
}

impl Errand {
    /// All, with their words.
    pub(crate) const WORDS: [(&'static str, Errand); 3] = [
        ("print", Errand::Print),
        ("show", Errand::Show),
        ("open_drawer", Errand::OpenDrawer),
    ];

    /// The errand of a word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.into_iter().find(|it| it.0 == word);
        found.map(|it| it.1)
    }

    /// What is said when it was done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Print => "beside_printed",
            Self::Show => "beside_shown",
            Self::OpenDrawer => "beside_opened",
        }
    }

    /// What a printer is sent.
    pub(super) fn bytes(self, till: &TillId) -> Vec<u8> {
        match self {
            Self::OpenDrawer => kick(false).to_vec(),
            Self::Print | Self::Show => test_print(&format!("shelfd: test of {till}, {}", clock())),
        }
    }
}

/// Now, as people read it.
pub(super) fn clock() -> String {
    let now = platform::wall_now();
    crate::pages::layout::moment(now, now)
}

/// An errand on its way to the device.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) errand: Errand,
    pub(super) answer: oneshot::Sender<Result<(), String>>,
}

impl Request {
    /// Nobody may wait for it any more.
    pub(super) fn answer(self, answer: Result<(), String>) {
        let _gone = self.answer.send(answer);
    }
}

/// Why an errand was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ErrandError {
    /// The till has no such device.
    #[error("this till has no such device")]
    Nothing,
    /// A sale is under way.
    #[error("a sale is under way at this till")]
    Selling,
    /// It could not be written into the ledger.
    #[error("it could not be recorded: {0}")]
    Record(String),
    /// The device doesn't do it.
    #[error("{0}")]
    Device(String),
}

/// Does it, and says when it was done.
pub(crate) async fn run(
    shop: &Arc<Shop>,
    till: &TillId,
    errand: Errand,
) -> Result<(), ErrandError> {
    let way = shop.beside.way(till, errand).ok_or(ErrandError::Nothing)?;
    if sells(shop, till) {
        return Err(ErrandError::Selling);
    }
    if errand == Errand::OpenDrawer {
        record_drawer(shop, till).await?;
    }
    let (answer, done) = oneshot::channel();
    let busy = || ErrandError::Device("it is busy: try again in a moment".into());
    way.try_send(Request { errand, answer })
        .map_err(|_| busy())?;
    let limit = Duration::from_millis(DONE_MS_MAX);
    match tokio::time::timeout(limit, done).await {
        Ok(Ok(done)) => done.map_err(ErrandError::Device),
        Ok(Err(_)) | Err(_) => Err(busy()),
    }
}

/// Whether our own till has a basket open or a payment under way.
fn sells(shop: &Shop, till: &TillId) -> bool {
    let Some(counter) = shop.counters.get(till) else {
        return false;
    };
    let shown = counter.view();
    shown.view.basket.is_some() || shown.terminal.as_ref().is_some_and(|it| it.busy)
}

async fn record_drawer(shop: &Arc<Shop>, till: &TillId) -> Result<(), ErrandError> {
    let failed = |error: &dyn std::fmt::Display| ErrandError::Record(error.to_string());
    let about = Reason::new(ABOUT_DRAWER).map_err(|it| failed(&it))?;
    let mut draft = Draft::new(Kind::Evidence { about });
    draft.till = Some(till.clone());
    let job = move |tx: &mut Tx<'_>| tx.record(&draft);
    let done = shop.writer.execute("drawer", job).await;
    done.map_err(|it| failed(&it))?;
    tracing::warn!(%till, "the drawer is opened by hand");
    shop.ring();
    Ok(())
}

/// The next request; never, where there is nobody to ask. May be dropped at any time.
pub(super) async fn next(requests: &mut mpsc::Receiver<Request>) -> Request {
    match requests.recv().await {
        Some(request) => request,
        None => std::future::pending().await,
    }
}
