//! The one way to change the ledger: jobs, committed in groups by one writer.
//!
//! A job is a closure over [`Tx`]. Jobs that wait together share one transaction, each inside its
//! own savepoint, and are answered after COMMIT returned: an answer means durable. A lone job
//! commits at once. A job that fails or panics is undone alone. A job may run twice (the disk was
//! full and space could be made), which is why it is `FnMut` and its first run is undone.
//! Nothing here may answer before the commit.
//!
//! There is one connection that writes, behind one lock. Normally the writer's thread holds it
//! and serves the queue. A caller that may block can take it itself while nobody else does
//! ([`Writer::run`]): two thread switches less, which on a fast disk cost more than the commit.

mod engine;
mod group;
mod queue;
mod thread;

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::task::{Context, Poll};

use shelf_stock::name::ItemId;
use tokio::sync::oneshot;

use crate::failure::{self, Failure};
use crate::metrics::Metrics;
use crate::touched::Touched;
use crate::tx::Tx;

pub(crate) use engine::EngineParts;
pub(crate) use thread::{WriterThread, start};

use engine::Engine;
use queue::{Queue, Turned};

/// Jobs that may wait for the writer.
pub const QUEUE_JOBS_MAX: usize = 1024;
/// Jobs in one transaction.
pub const GROUP_JOBS_MAX: usize = 256;
/// How long one transaction may take jobs in, in microseconds.
pub const GROUP_US_MAX: u64 = 2_000;

/// Why a job has no result.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E> {
    /// The job itself said no; nothing of it is in the ledger.
    #[error("{0}")]
    Refused(#[source] E),
    /// The job panicked; nothing of it is in the ledger, its neighbours are not hurt.
    #[error("the ledger job `{label}` panicked and was undone: report this with the log around it")]
    Panicked {
        /// Which job.
        label: &'static str,
    },
    /// Too many jobs are waiting.
    #[error("{QUEUE_JOBS_MAX} ledger jobs are waiting already: try again shortly")]
    TurnedAway,
    /// The disk is full, with the ballast already given up.
    #[error(
        "the disk is full and the reserve is used up: free space on the ledger's disk; `{label}` \
         was not recorded"
    )]
    DiskFull {
        /// Which job.
        label: &'static str,
    },
    /// The commit failed; the database was closed to be verified.
    #[error("`{label}` was not recorded because the commit failed: {why}")]
    CommitFailed {
        /// Which job.
        label: &'static str,
        /// What SQLite said.
        why: String,
    },
    /// The ledger is closed.
    #[error("the ledger is closed")]
    Closed,
}

/// A job's result, once it is durable. Await it, or [`Pending::wait`] for it.
#[derive(Debug)]
#[must_use = "an unread result may hide that nothing was recorded"]
pub struct Pending<T, E> {
    answer: oneshot::Receiver<Result<T, ExecuteError<E>>>,
}

impl<T, E> Pending<T, E> {
    /// Blocks until the answer is there. Not inside an async task: await it there.
    pub fn wait(self) -> Result<T, ExecuteError<E>> {
        self.answer
            .blocking_recv()
            .unwrap_or(Err(ExecuteError::Closed))
    }
}

impl<T, E> Future for Pending<T, E> {
    type Output = Result<T, ExecuteError<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer)
            .poll(context)
            .map(|it| it.unwrap_or(Err(ExecuteError::Closed)))
    }
}

/// Hands jobs to the writer. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// What callers and the writer's thread share. Locked in this order: engine, then queue.
struct Shared {
    /// None once the ledger is closed.
    engine: Mutex<Option<Engine>>,
    queue: Queue,
    metrics: Arc<Metrics>,
    touched: Arc<Touched>,
}

impl Writer {
    /// Gives a job to the writer without waiting; where the queue is full, the answer is
    /// [`ExecuteError::TurnedAway`] at once.
    pub fn execute<T, E, F>(&self, label: &'static str, job: F) -> Pending<T, E>
    where
        T: Send + 'static,
        E: Error + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (work, pending) = task(label, job);
        self.shared.submit(work, false);
        pending
    }

    /// Gives a job to the writer, blocking while the queue is full: for device threads, whose
    /// back-pressure reaches the device. Not inside an async task.
    pub fn execute_blocking<T, E, F>(&self, label: &'static str, job: F) -> Pending<T, E>
    where
        T: Send + 'static,
        E: Error + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (work, pending) = task(label, job);
        self.shared.submit(work, true);
        pending
    }

    /// Runs a job and waits until it is durable. Where the writer is free, this thread does the
    /// writer's work itself, together with whatever was queued. Not inside an async task.
    pub fn run<T, E, F>(&self, label: &'static str, job: F) -> Result<T, ExecuteError<E>>
    where
        T: Send + 'static,
        E: Error + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (work, pending) = task(label, job);
        match self.shared.engine.try_lock() {
            Ok(mut engine) => self.shared.serve_here(&mut engine, work),
            Err(TryLockError::Poisoned(engine)) => {
                self.shared.serve_here(&mut engine.into_inner(), work);
            }
            Err(TryLockError::WouldBlock) => self.shared.submit(work, true),
        }
        pending.wait()
    }

    /// Items whose stock this PC's committed documents changed since the last call, each once;
    /// nothing is collected before the first call. Documents of others that are stored by the
    /// replica are its own to know.
    pub fn take_touched(&self) -> Vec<ItemId> {
        self.shared.touched.take()
    }

    /// Waits until everything accepted before is durable.
    pub fn flush(&self) -> Pending<(), Infallible> {
        self.execute_blocking("flush", |_| Ok(()))
    }
}

impl Shared {
    fn submit(&self, work: Box<dyn Work>, may_block: bool) {
        Metrics::add(&self.metrics.jobs_waiting, 1);
        let turned = self.queue.push(work, may_block);
        let Err((work, why)) = turned else {
            return;
        };
        self.metrics.jobs_answered(1);
        let undone = match why {
            Turned::Away => {
                Metrics::add(&self.metrics.jobs_turned_away, 1);
                Undone::TurnedAway
            }
            Turned::Closed => Undone::Closed,
        };
        work.answer(Some(&undone));
    }

    /// Does the writer's work on this thread: what was queued, then this job.
    fn serve_here(&self, engine: &mut Option<Engine>, work: Box<dyn Work>) {
        Metrics::add(&self.metrics.jobs_waiting, 1);
        let Some(engine) = engine else {
            self.metrics.jobs_answered(1);
            return work.answer(Some(&Undone::Closed));
        };
        let mut group = self.queue.take(GROUP_JOBS_MAX - 1);
        group.push(work);
        engine.serve(&mut group);
        self.queue.touch();
    }

    fn engine(&self) -> std::sync::MutexGuard<'_, Option<Engine>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why jobs were not committed although they said yes.
#[derive(Clone, Debug)]
pub(crate) enum Undone {
    TurnedAway,
    DiskFull,
    CommitFailed(String),
    Closed,
}

/// What a run of a job left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// Keep its changes.
    Keep,
    /// Undo its changes; the failure, if SQLite was the reason.
    Undo(Option<Failure>),
}

/// A job whose types are hidden.
pub(crate) trait Work: Send {
    fn run(&mut self, tx: &mut Tx<'_>) -> Ran;
    /// The job panicked: its result is that.
    fn panicked(&mut self);
    /// Sends the result; `undone` where the transaction didn't commit.
    fn answer(self: Box<Self>, undone: Option<&Undone>);
}

struct Task<T, E, F> {
    label: &'static str,
    job: F,
    outcome: Option<Result<T, ExecuteError<E>>>,
    /// SQLite gave up in the middle of it: then the group's fate is its answer.
    broken: bool,
    reply: oneshot::Sender<Result<T, ExecuteError<E>>>,
}

fn task<T, E, F>(label: &'static str, job: F) -> (Box<dyn Work>, Pending<T, E>)
where
    T: Send + 'static,
    E: Error + Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let task = Task {
        label,
        job,
        outcome: None,
        broken: false,
        reply,
    };
    (Box::new(task), Pending { answer })
}

impl<T, E, F> Work for Task<T, E, F>
where
    T: Send + 'static,
    E: Error + Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Ran {
        self.broken = false;
        match (self.job)(tx) {
            Ok(value) => {
                self.outcome = Some(Ok(value));
                Ran::Keep
            }
            Err(error) => {
                let failure = failure::of_error(&error);
                self.broken = matches!(failure, Some(Failure::Full | Failure::Fatal));
                self.outcome = Some(Err(ExecuteError::Refused(error)));
                Ran::Undo(failure)
            }
        }
    }

    fn panicked(&mut self) {
        self.outcome = Some(Err(ExecuteError::Panicked { label: self.label }));
    }

    fn answer(self: Box<Self>, undone: Option<&Undone>) {
        let label = self.label;
        let result = match (undone, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(_), Some(outcome @ Err(_))) if !self.broken => outcome,
            (None | Some(Undone::Closed), _) => Err(ExecuteError::Closed),
            (Some(Undone::TurnedAway), _) => Err(ExecuteError::TurnedAway),
            (Some(Undone::DiskFull), _) => Err(ExecuteError::DiskFull { label }),
            (Some(Undone::CommitFailed(why)), _) => Err(ExecuteError::CommitFailed {
                label,
                why: why.clone(),
            }),
        };
        // Whoever asked may have gone away; the commit stands all the same.
        drop(self.reply.send(result));
    }
}
