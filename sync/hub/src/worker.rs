//! The one thread that changes the database: many messages a transaction, effects after COMMIT.
//!
//! Frames, imports and timers come through one bounded queue. What waits together is handled in
//! one transaction (group commit); only when that is durable do acks and answers leave. If a
//! transaction fails nothing of it left, the machines are made anew, and its inputs are tried
//! alone, so that one bad input can't take others with it; senders repeat what was dropped. This
//! module must never send, answer or count anything before the commit.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use shelf_link::Frame;
use shelf_stock::name::StoreId;
use tokio::sync::{mpsc, oneshot};

use crate::catalogue::import::Import;
use crate::catalogue::table::{ImportReport, Published};
use crate::exchange::{Exchange, ExchangeError};
use crate::forgetting::Forgetting;
use crate::metrics::Metrics;
use crate::orders::{Command, Outcome};
use crate::platform::{self, Clock, Moment};
use crate::storage::{Storage, Transaction};

/// Inputs that may wait for the writer.
pub const QUEUE_INPUTS_MAX: usize = 1024;
/// Frames that may wait for the link.
pub const LEAVING_FRAMES_MAX: usize = 4096;
/// Failed transactions in a row after which the hub gives up.
pub const FAILURES_IN_A_ROW_MAX: u32 = 8;
/// How long the writer rests after a failed transaction, times two for each one in a row.
const REST_AFTER_FAILURE_MS: u64 = 50;
/// How often a transaction is tried as a whole where only another writer was in the way.
const TRANSIENT_ATTEMPTS_MAX: u32 = 12;
/// The longest rest before the second attempt; times two for each one after that…
const TRANSIENT_REST_MS: u64 = 20;
/// …so many times.
const TRANSIENT_DOUBLINGS_MAX: u32 = 7;
/// How long the control waits between its premature acks and the commit.
const CONTROL_DELAY_MS: u64 = 40;

/// When effects leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// After COMMIT returned.
    #[default]
    AfterCommit,
    /// Before it. Exists so that the kill test can prove that it would notice; never for
    /// production.
    ControlThatLosesData,
}

/// The writer can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The hub is being stopped or gave up.
    #[error("the hub is being stopped")]
    Stopped,
    /// Its transaction failed.
    #[error("the hub's database did not take the change: {0}")]
    Failed(String),
}

/// Why the writer gave up.
#[derive(Debug, thiserror::Error)]
#[error("{FAILURES_IN_A_ROW_MAX} transactions in a row failed; the last one: {why}")]
pub struct GaveUp {
    why: String,
}

enum Input {
    Frame(Frame),
    Import {
        import: Import,
        dry_run: bool,
        reply: Option<oneshot::Sender<Result<ImportReport, WorkerError>>>,
        report: Option<ImportReport>,
    },
    Published {
        published: Published,
        reply: Option<oneshot::Sender<Result<(), WorkerError>>>,
    },
    Command {
        store: Option<StoreId>,
        command: Command,
        reply: Option<oneshot::Sender<Result<Outcome, WorkerError>>>,
        outcome: Option<Outcome>,
    },
    Connected,
    Tick,
    Stop,
}

/// Hands inputs to the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WorkerHandle {
    queue: mpsc::Sender<Input>,
    metrics: Arc<Metrics>,
}

impl WorkerHandle {
    /// Gives a frame to the writer; waits while the queue is full, which makes the broker wait.
    pub async fn frame(&self, arrived: Frame) -> Result<(), WorkerError> {
        if self.queue.capacity() == 0 {
            Metrics::add(&self.metrics.queue_full, 1);
        }
        let sent = self.queue.send(Input::Frame(arrived)).await;
        sent.map_err(|_| WorkerError::Stopped)
    }

    /// The link is up.
    pub async fn connected(&self) -> Result<(), WorkerError> {
        let sent = self.queue.send(Input::Connected).await;
        sent.map_err(|_| WorkerError::Stopped)
    }

    /// Imports into the catalogue; a dry run only says what would happen.
    pub async fn import(&self, import: Import, dry_run: bool) -> Result<ImportReport, WorkerError> {
        let (reply, answer) = oneshot::channel();
        let input = Input::Import {
            import,
            dry_run,
            reply: Some(reply),
            report: None,
        };
        self.queue
            .send(input)
            .await
            .map_err(|_| WorkerError::Stopped)?;
        answer.await.unwrap_or(Err(WorkerError::Stopped))
    }

    /// A revision's file can be fetched: the stores are told.
    pub async fn published(&self, published: Published) -> Result<(), WorkerError> {
        let (reply, answer) = oneshot::channel();
        let input = Input::Published {
            published,
            reply: Some(reply),
        };
        self.queue
            .send(input)
            .await
            .map_err(|_| WorkerError::Stopped)?;
        answer.await.unwrap_or(Err(WorkerError::Stopped))
    }

    /// Carries out a command for a store; answers after the commit.
    pub async fn command(
        &self,
        store: Option<&StoreId>,
        command: Command,
    ) -> Result<Outcome, WorkerError> {
        let (reply, answer) = oneshot::channel();
        let input = Input::Command {
            store: store.cloned(),
            command,
            reply: Some(reply),
            outcome: None,
        };
        self.queue
            .send(input)
            .await
            .map_err(|_| WorkerError::Stopped)?;
        answer.await.unwrap_or(Err(WorkerError::Stopped))
    }

    /// Waits until the writer has ended.
    pub async fn ended(&self) {
        self.queue.closed().await;
    }

    /// Ends the writer after everything that is queued before.
    pub async fn stop(&self) {
        // A writer that is gone needs no stopping.
        drop(self.queue.send(Input::Stop).await);
    }
}

/// What the writer is made of.
#[derive(Debug)]
pub struct WorkerParts {
    /// The database.
    pub storage: Box<dyn Storage>,
    /// The machines.
    pub exchange: Exchange,
    /// Where frames leave.
    pub leaving: mpsc::Sender<Frame>,
    /// Time.
    pub clock: Clock,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The most inputs of one transaction.
    pub group_max: usize,
    /// When effects leave.
    pub acks: Acks,
}

/// The writer's thread: ends with [`GaveUp`] where the database doesn't take anything any more.
pub type WorkerThread = JoinHandle<Result<(), GaveUp>>;

/// Starts the writer.
pub fn start(parts: WorkerParts) -> std::io::Result<(WorkerHandle, WorkerThread)> {
    let (queue, inputs) = mpsc::channel(QUEUE_INPUTS_MAX);
    let handle = WorkerHandle {
        queue,
        metrics: Arc::clone(&parts.metrics),
    };
    // Only for waiting: transactions run outside of it, because a storage may have its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let worker = Worker {
        parts,
        runtime,
        effects: Vec::new(),
        failures: 0,
        forgetting: Forgetting::default(),
    };
    let thread = std::thread::Builder::new()
        .name("hub-writer".to_owned())
        .spawn(move || worker.run(inputs))?;
    Ok((handle, thread))
}

struct Worker {
    parts: WorkerParts,
    runtime: tokio::runtime::Runtime,
    effects: Vec<Frame>,
    failures: u32,
    forgetting: Forgetting,
}

impl Worker {
    fn run(mut self, mut inputs: mpsc::Receiver<Input>) -> Result<(), GaveUp> {
        let mut group = Vec::new();
        loop {
            group.clear();
            let limit = self.parts.group_max;
            let wait = self.parts.exchange.wake_in_ms(self.parts.clock.mono_ms());
            let received = self.runtime.block_on(async {
                let received = inputs.recv_many(&mut group, limit);
                tokio::time::timeout(Duration::from_millis(wait), received).await
            });
            match received {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(_) if self.parts.exchange.is_due(self.parts.clock.mono_ms()) => {
                    group.push(Input::Tick);
                }
                Err(_) => continue,
            }
            Metrics::set(&self.parts.metrics.frames_waiting, waiting(&inputs));
            let stop = group.iter().position(|it| matches!(it, Input::Stop));
            group.truncate(stop.unwrap_or(group.len()));
            self.group(&mut group)?;
            if stop.is_some() {
                return Ok(());
            }
        }
    }

    fn rest(&self, ms: u64) {
        self.runtime.block_on(async {
            tokio::time::sleep_until(tokio::time::Instant::now() + Duration::from_millis(ms)).await;
        });
    }

    /// Handles inputs together, and where that fails each alone. What only failed because another
    /// writer was in the way or the connection was lost is tried again as it is.
    fn group(&mut self, group: &mut [Input]) -> Result<(), GaveUp> {
        if group.is_empty() {
            return Ok(());
        }
        for attempt in 0..TRANSIENT_ATTEMPTS_MAX {
            match self.attempt(group) {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() => {
                    tracing::info!(%error, attempt, "the transaction is tried again");
                    let ceiling = TRANSIENT_REST_MS << attempt.min(TRANSIENT_DOUBLINGS_MAX);
                    self.rest(1 + platform::random_u64().unwrap_or_default() % ceiling);
                }
                Err(_) => break,
            }
        }
        for input in group.chunks_mut(1) {
            let Err(error) = self.attempt(input) else {
                continue;
            };
            self.failures += 1;
            tracing::error!(
                error = &error as &dyn std::error::Error,
                failures = self.failures,
                "an input was dropped because its transaction failed"
            );
            answer(input, Err(error.to_string()));
            if self.failures >= FAILURES_IN_A_ROW_MAX {
                let why = error.to_string();
                return Err(GaveUp { why });
            }
            self.rest(REST_AFTER_FAILURE_MS << self.failures);
        }
        Ok(())
    }

    fn attempt(&mut self, group: &mut [Input]) -> Result<(), ExchangeError> {
        let began = self.parts.clock.mono_us();
        let result = self.transaction(group);
        let took = self.parts.clock.mono_us().saturating_sub(began);
        Metrics::add(&self.parts.metrics.commit_us, took);
        match result {
            Ok(()) => {
                self.failures = 0;
                Metrics::add(&self.parts.metrics.commits, 1);
                self.release();
                for input in group.chunks_mut(1) {
                    if let [Input::Published { published, .. }] = input {
                        let gauge = &self.parts.metrics.catalogue_revision;
                        Metrics::set(gauge, published.revision);
                    }
                    answer(input, Ok(()));
                }
                Ok(())
            }
            Err(error) => {
                Metrics::add(&self.parts.metrics.commit_failures, 1);
                self.effects.clear();
                self.parts.exchange.reset();
                Err(error)
            }
        }
    }

    fn transaction(&mut self, group: &mut [Input]) -> Result<(), ExchangeError> {
        let Self {
            parts,
            effects,
            runtime,
            forgetting,
            ..
        } = self;
        effects.clear();
        let now = parts.clock.now();
        let transaction = parts.storage.begin()?;
        let frames = group.iter().filter_map(|it| match it {
            Input::Frame(frame) => Some(frame),
            _ => None,
        });
        let stores = group.iter().filter_map(|it| match it {
            Input::Command { store, .. } => store.as_ref(),
            _ => None,
        });
        parts
            .exchange
            .claim_with(&*transaction, now, frames, stores)?;
        for input in group.iter_mut() {
            take(&mut parts.exchange, &*transaction, now, input, effects)?;
        }
        parts.exchange.tick(&*transaction, now, effects)?;
        forgetting.look(&*transaction, now)?;
        if parts.acks == Acks::ControlThatLosesData {
            release(effects, &parts.leaving, &parts.metrics);
            let late = Duration::from_millis(CONTROL_DELAY_MS);
            runtime.block_on(async {
                tokio::time::sleep_until(tokio::time::Instant::now() + late).await;
            });
        }
        transaction.commit().map_err(ExchangeError::from)
    }

    fn release(&mut self) {
        self.parts.exchange.committed(&self.parts.metrics);
        release(&mut self.effects, &self.parts.leaving, &self.parts.metrics);
    }
}

/// Handles one input inside the transaction.
fn take(
    exchange: &mut Exchange,
    transaction: &dyn Transaction,
    now: Moment,
    input: &mut Input,
    effects: &mut Vec<Frame>,
) -> Result<(), ExchangeError> {
    match input {
        Input::Frame(arrived) => exchange.frame(transaction, now, arrived, effects)?,
        Input::Import {
            import,
            dry_run,
            report,
            ..
        } => *report = Some(transaction.import(import, now.wall, *dry_run)?),
        Input::Published { published, .. } => {
            transaction.publish(published)?;
            exchange.published(transaction, now, published, effects)?;
        }
        Input::Command {
            store,
            command,
            outcome,
            ..
        } => {
            let asked = (store.as_ref(), &*command);
            *outcome = Some(exchange.command(transaction, now, asked, effects)?);
        }
        Input::Connected => exchange.connected(transaction, now, effects)?,
        Input::Tick | Input::Stop => {}
    }
    Ok(())
}

/// Gives frames to the link; what doesn't fit is repeated by the exchange.
fn release(effects: &mut Vec<Frame>, leaving: &mpsc::Sender<Frame>, metrics: &Metrics) {
    for effect in effects.drain(..) {
        if leaving.try_send(effect).is_err() {
            Metrics::add(&metrics.frames_unsent, 1);
        }
    }
}

/// Answers whoever asked, once it is known what became of it.
fn answer(inputs: &mut [Input], result: Result<(), String>) {
    for input in inputs {
        let failed = |why: &String| WorkerError::Failed(why.clone());
        // Whoever asked may have gone away; what was committed stands all the same.
        match input {
            Input::Import { reply, report, .. } => reply_with(reply, report, &result),
            Input::Command { reply, outcome, .. } => reply_with(reply, outcome, &result),
            Input::Published { reply, .. } => {
                if let Some(reply) = reply.take() {
                    drop(reply.send(result.as_ref().copied().map_err(failed)));
                }
            }
            Input::Frame(_) | Input::Connected | Input::Tick | Input::Stop => {}
        }
    }
}

fn reply_with<T>(
    reply: &mut Option<oneshot::Sender<Result<T, WorkerError>>>,
    given: &mut Option<T>,
    result: &Result<(), String>,
) {
    if let Some(reply) = reply.take() {
        let answer = match (result, given.take()) {
            (Ok(()), Some(given)) => Ok(given),
            (Ok(()), None) => Err(WorkerError::Stopped),
            (Err(why), _) => Err(WorkerError::Failed(why.clone())),
        };
        drop(reply.send(answer));
    }
}

fn waiting(inputs: &mpsc::Receiver<Input>) -> u64 {
    u64::try_from(inputs.len()).unwrap_or(u64::MAX)
}
