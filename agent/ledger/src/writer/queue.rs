//! The jobs that wait, and how the writer's thread sleeps.
//!
//! Bounded; pushing wakes the thread, and a caller that served itself wakes it at most once per
//! idle period, so that the WAL is looked at after the last commit whoever made it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{QUEUE_JOBS_MAX, Work};

/// How long after the last commit the writer looks at the WAL.
const IDLE_MS: u64 = 200;

/// Why a job was not taken.
pub(super) enum Turned {
    Away,
    Closed,
}

/// Why the thread woke up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    Jobs,
    Idle,
    Closed,
}

#[derive(Default)]
struct Inner {
    jobs: VecDeque<Box<dyn Work>>,
    closed: bool,
    /// Something was committed since the WAL was looked at.
    touched: bool,
    /// Something was committed since the thread began to wait.
    busy: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    drained: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(
        &self,
        work: Box<dyn Work>,
        may_block: bool,
    ) -> Result<(), (Box<dyn Work>, Turned)> {
        let mut inner = self.lock();
        while may_block && !inner.closed && inner.jobs.len() >= QUEUE_JOBS_MAX {
            inner = self
                .drained
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if inner.closed {
            return Err((work, Turned::Closed));
        }
        if inner.jobs.len() >= QUEUE_JOBS_MAX {
            return Err((work, Turned::Away));
        }
        inner.jobs.push_back(work);
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    /// The first jobs, at most `max`.
    pub(super) fn take(&self, max: usize) -> Vec<Box<dyn Work>> {
        let mut inner = self.lock();
        if inner.jobs.is_empty() {
            return Vec::new();
        }
        let many = inner.jobs.len().min(max);
        let group = inner.jobs.drain(..many).collect();
        drop(inner);
        self.drained.notify_all();
        group
    }

    /// Something was committed: the WAL has to be looked at when it has been quiet for a while.
    pub(super) fn touch(&self) {
        let mut inner = self.lock();
        inner.busy = true;
        let first = !std::mem::replace(&mut inner.touched, true);
        drop(inner);
        if first {
            self.filled.notify_one();
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// Sleeps until there is something to do. `Idle` comes once after each busy time.
    pub(super) fn wait(&self) -> Woken {
        let mut inner = self.lock();
        loop {
            if !inner.jobs.is_empty() {
                return Woken::Jobs;
            }
            if inner.closed {
                return Woken::Closed;
            }
            if !inner.touched {
                inner = self
                    .filled
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            inner.busy = false;
            let pause = Duration::from_millis(IDLE_MS);
            let waited = self.filled.wait_timeout(inner, pause);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            inner = guard;
            if timeout.timed_out() && !inner.busy && inner.jobs.is_empty() && !inner.closed {
                inner.touched = false;
                return Woken::Idle;
            }
        }
    }
}
