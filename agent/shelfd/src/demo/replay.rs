//! The shop at work: one thread per cashier, one task for the existing POS, all fed from one queue of
//! customers.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use shelf_sim::shop::files::{Rows, Sales};
use shelf_sim::shop::{Dice, Invoice, Invoices};
use tokio::sync::watch;

use super::clerk::Clerk;
use super::pace::Pace;
use super::pos::Pos;

/// Baskets in 1000 that are set aside once. Ours.
const PARKED_PER_MILLE: u64 = 50;

/// Where the customers come from.
pub(super) enum Source {
    /// The generated shop, for ever.
    Generated(Box<Invoices>),
    /// A file, to its end.
    File(Box<Sales>),
}

/// The customers, shared by the tills.
#[derive(Clone)]
pub(super) struct Queue(Arc<Mutex<Source>>);

impl Queue {
    /// From a source.
    pub(super) fn new(source: Source) -> Self {
        Self(Arc::new(Mutex::new(source)))
    }

    fn next(&self) -> Option<Invoice> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Generated(it) => it.next(),
            Source::File(it) => it.next(),
        }
    }

    /// What became of a file's rows so far.
    pub(super) fn rows(&self) -> Rows {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Generated(_) => Rows::default(),
            Source::File(it) => it.rows().clone(),
        }
    }
}

/// When the shop closes, and whether it has run out of customers.
#[derive(Clone)]
pub(super) struct Closing {
    /// True once nobody is served any more.
    pub(super) closed: watch::Receiver<bool>,
    /// Set to true by whoever finds the queue empty.
    pub(super) empty: watch::Sender<bool>,
}

/// Starts a cashier.
pub(super) fn start_clerk(
    mut clerk: Clerk,
    queue: Queue,
    mut closing: Closing,
    mut dice: Dice,
) -> std::io::Result<JoinHandle<()>> {
    let pace = clerk.pace;
    let runtime = clerk.runtime.clone();
    std::thread::Builder::new()
        .name(format!("demo-{}", clerk.till))
        .spawn(move || {
            let mut turn = runtime.block_on(async { Turn::new(pace.every()) });
            while let Some(invoice) = runtime.block_on(turn.customer(&queue, &mut closing)) {
                let other = dice
                    .per_mille(PARKED_PER_MILLE)
                    .then(|| queue.next())
                    .flatten();
                clerk.serve(&invoice, other.as_ref());
                if let (Some(other), true) = (&other, invoice.lines.len() < 2) {
                    // Nothing to set aside: they are served one after the other.
                    clerk.serve(other, None);
                }
            }
        })
}

/// Runs the existing POS until the shop closes.
pub(super) async fn run_pos(mut pos: Pos, pace: Pace, queue: Queue, mut closing: Closing) {
    let mut turn = Turn::new(pace.every());
    while let Some(invoice) = turn.customer(&queue, &mut closing).await {
        pos.serve(&invoice).await;
    }
}

/// Keeps the pace: no faster than asked for, and never catching up in a burst.
pub(super) struct Turn {
    every: Duration,
    due: tokio::time::Instant,
}

impl Turn {
    /// A turn comes so often.
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            due: tokio::time::Instant::now(),
        }
    }

    /// Waits for the next turn; false when the shop is closed.
    pub(super) async fn comes(&mut self, closing: &mut Closing) -> bool {
        tokio::select! {
            biased;
            _ = closing.closed.wait_for(|it| *it) => return false,
            () = tokio::time::sleep_until(self.due) => {}
        }
        self.due = (self.due + self.every).max(tokio::time::Instant::now());
        true
    }

    /// The next customer when it is time; none when the shop is closed or the queue is empty.
    async fn customer(&mut self, queue: &Queue, closing: &mut Closing) -> Option<Invoice> {
        if !self.comes(closing).await {
            return None;
        }
        let invoice = queue.next();
        if invoice.is_none() {
            closing.empty.send_replace(true);
        }
        invoice
    }
}
