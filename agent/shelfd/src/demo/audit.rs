//! The end of a run: everything acked, then the hub's documents against the simulators' record.

use std::sync::Arc;

use shelf_sim::zvt_terminal::BookedKind;
use shelf_stock::money::Money;

use super::facts::{self, Difference, Facts};
use super::prepare::{PrepareError, get, until};
use super::record::Record;
use super::world::{OwnTill, STORE, World};

/// How long the backlog may take to drain.
const DRAIN_MS_MAX: u64 = 120_000;
/// How long a terminal may take to end its last dialogue.
const TERMINAL_MS_MAX: u64 = 10_000;
/// Pages that are read at most.
const PAGES_MAX: usize = 100_000;

/// What the hub has.
#[derive(Clone, Debug, Default)]
pub(super) struct AtHub {
    /// Facts of sales.
    pub(super) facts: Facts,
    /// Documents of every kind.
    pub(super) documents: u64,
    /// Those that could not be read.
    pub(super) unreadable: u64,
}

/// Waits until the terminals are done and everything committed is acked; says so while waiting.
pub(super) async fn drain(world: &World) -> Result<(), PrepareError> {
    let books = || {
        let done = |it: &OwnTill| it.terminal.standing().len() == it.terminal.acknowledged().len();
        world.tills.iter().all(done)
    };
    until("the terminals' last dialogues", TERMINAL_MS_MAX, books).await?;
    let mut said = u64::MAX;
    until("the backlog's way to the hub", DRAIN_MS_MAX, || {
        let looked = world.lags.iter().all(|it| it.look().is_ok());
        let left: u64 = world.lags.iter().map(|it| it.backlog()).sum();
        let waiting: usize = world.lags.iter().map(|it| it.waiting()).sum();
        if left / 100 != said / 100 && left > 0 {
            said = left;
            eprintln!("draining: {left} documents wait for the hub");
        }
        looked && left == 0 && waiting == 0
    })
    .await
}

/// Reads every document of the store from the hub's API.
pub(super) async fn read_hub(client: &reqwest::Client, hub: &str) -> Result<AtHub, PrepareError> {
    let mut at_hub = AtHub::default();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let cursor = after
            .map(|it: i64| format!("&after={it}"))
            .unwrap_or_default();
        let url = format!("{hub}/api/v1/stores/{STORE}/documents?limit=1000{cursor}");
        let page = get(client, &url, "reading the hub's documents").await?;
        let (documents, unreadable, next) = facts::read_page(&page, &mut at_hub.facts);
        at_hub.documents += documents;
        at_hub.unreadable += unreadable;
        if next.is_none() {
            break;
        }
        after = next;
    }
    Ok(at_hub)
}

/// Compares.
pub(super) fn compare(
    record: &Arc<Record>,
    tills: &[OwnTill],
    now: &AtHub,
    before: &AtHub,
) -> Difference {
    let mut expected = record.facts();
    for till in tills {
        for booked in till.terminal.acknowledged() {
            let minor = i64::try_from(booked.amount.minor()).unwrap_or(i64::MAX);
            let amount = match booked.kind {
                BookedKind::Payment => Money::minor(minor),
                BookedKind::Refund => Money::minor(minor).negated(),
            };
            let mark = facts::terminal_mark(booked.receipt, booked.trace);
            expected.add(facts::payment(till.name, amount, mark));
        }
    }
    Facts::compare(&expected, &now.facts, &before.facts)
}
