//! The one way to change the ledger: jobs, committed in groups by one thread.
//!
//! A job is a closure over [`Tx`]. Jobs that wait together share one transaction, each inside its
//! own savepoint, and are answered after COMMIT returned: an answer means durable. A lone job
//! commits at once. A job that fails or panics is undone alone. A job may run twice (the disk was
//! full and space could be made), which is why it is `FnMut` and its first run is undone.
//! Nothing here may answer before the commit.

mod group;
mod thread;

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::failure::{self, Failure};
use crate::metrics::Metrics;
use crate::tx::Tx;

pub(crate) use thread::{Engine, EngineParts, start};

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

/// Hands jobs to the writer's thread. Cheap to clone; the thread ends when the ledger closes.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: SyncSender<Message>,
    metrics: Arc<Metrics>,
}

pub(crate) enum Message {
    Job(Box<dyn Work>),
    Close,
}

impl Writer {
    pub(crate) fn new(queue: SyncSender<Message>, metrics: Arc<Metrics>) -> Self {
        Self { queue, metrics }
    }

    /// Gives a job to the writer without waiting; where the queue is full, the answer is
    /// [`ExecuteError::TurnedAway`] at once.
    pub fn execute<T, E, F>(&self, label: &'static str, job: F) -> Pending<T, E>
    where
        T: Send + 'static,
        E: Error + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (work, pending) = task(label, job);
        self.counted(|queue| {
            let sent = queue.try_send(Message::Job(work));
            sent.map_err(|error| match error {
                TrySendError::Full(it) => (it, Undone::TurnedAway),
                TrySendError::Disconnected(it) => (it, Undone::Closed),
            })
        });
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
        self.counted(|queue| {
            queue
                .send(Message::Job(work))
                .map_err(|error| (error.0, Undone::Closed))
        });
        pending
    }

    /// Waits until everything accepted before is durable.
    pub fn flush(&self) -> Pending<(), Infallible> {
        self.execute_blocking("flush", |_| Ok(()))
    }

    fn counted(&self, send: impl FnOnce(&SyncSender<Message>) -> Result<(), (Message, Undone)>) {
        Metrics::add(&self.metrics.jobs_waiting, 1);
        if let Err((message, undone)) = send(&self.queue) {
            self.metrics.jobs_answered(1);
            if matches!(undone, Undone::TurnedAway) {
                Metrics::add(&self.metrics.jobs_turned_away, 1);
            }
            if let Message::Job(work) = message {
                work.answer(Some(&undone));
            }
        }
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
