//! Committing: what happens to a group of jobs, and what a failure makes of the connection.
//!
//! Owns the only connection that writes documents. When a commit fails it decides: make space and
//! run the same jobs once more (disk full), or close, reopen and verify (anything that puts the
//! disk in doubt). It never answers a job before its commit returned.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;
use shelf_stock::name::ItemId;

use super::group::{self, Broken};
use super::{Undone, Work};
use crate::failure::Failure;
use crate::files::{self, DirLock, Paths};
use crate::metrics::Metrics;
use crate::open::{self, OpenError};
use crate::own::Own;
use crate::tables::{Committed, Words};
use crate::touched::Touched;
use crate::tx::Setting;

/// Frames that make a checkpoint worth its syncs (4 MiB).
const CHECKPOINT_FRAMES_MIN: i32 = 1_000;

/// What the writer works with.
pub(crate) struct EngineParts {
    pub(crate) paths: Paths,
    pub(crate) connection: Connection,
    pub(crate) setting: Setting,
    pub(crate) own: Own,
    pub(crate) words: Arc<Committed>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) touched: Arc<Touched>,
    pub(crate) lock: DirLock,
    /// Told when an idle moment is good for a checkpoint.
    pub(crate) checkpointer: SyncSender<()>,
    /// Answers before the commit: the control that the kill test must catch.
    pub(crate) answer_early: bool,
}

pub(super) struct Engine {
    /// None while the database can't be trusted.
    connection: Option<Connection>,
    setting: Setting,
    own: Own,
    /// Of the connection: forgotten whenever something on it was undone.
    words: Words,
    metrics: Arc<Metrics>,
    touched: Arc<Touched>,
    /// Of the transaction that runs.
    touching: Vec<ItemId>,
    paths: Paths,
    _lock: DirLock,
    checkpointer: SyncSender<()>,
    answer_early: bool,
}

impl Engine {
    pub(super) fn new(parts: EngineParts) -> Self {
        Self {
            connection: Some(parts.connection),
            setting: parts.setting,
            own: parts.own,
            words: Words::of_writer(parts.words),
            metrics: parts.metrics,
            touched: parts.touched,
            touching: Vec::new(),
            paths: parts.paths,
            _lock: parts.lock,
            checkpointer: parts.checkpointer,
            answer_early: parts.answer_early,
        }
    }

    /// Commits all of these jobs in as few transactions as fit, and answers them.
    pub(super) fn serve(&mut self, group: &mut Vec<Box<dyn Work>>) {
        while !group.is_empty() {
            self.turn(group);
        }
    }

    /// One transaction, and a second one where making space may help; then the answers.
    fn turn(&mut self, group: &mut Vec<Box<dyn Work>>) {
        Metrics::add(&self.metrics.writer_ticks, 1);
        if self.connection.is_none() && !self.reopen() {
            let why = "the database could not be reopened after a failure".to_owned();
            return self.answer(group, usize::MAX, Some(&Undone::CommitFailed(why)));
        }
        let mut result = self.attempt(group);
        if let Err(broken) = &result
            && broken.failure == Failure::Full
        {
            Metrics::add(&self.metrics.disk_full, 1);
            if self.make_space() {
                result = self.attempt(group);
            }
        }
        match result {
            Ok(ran) => self.answer(group, ran, None),
            Err(broken) => self.give_up(group, broken),
        }
    }

    fn attempt(&mut self, group: &mut Vec<Box<dyn Work>>) -> Result<usize, Broken> {
        let Some(connection) = &self.connection else {
            return Err(Broken {
                failure: Failure::Fatal,
                why: "no connection".to_owned(),
                ran: group.len(),
            });
        };
        let done = group::commit(
            connection,
            &self.setting,
            &mut self.own,
            (&self.metrics, &self.words),
            (group, &mut self.touching),
            |group, ran| {
                if self.answer_early {
                    group.drain(..ran).for_each(|it| it.answer(None));
                }
            },
        )?;
        Metrics::add(&self.metrics.commits, 1);
        self.touched.add(&mut self.touching);
        Ok(done.ran)
    }

    fn answer(&self, group: &mut Vec<Box<dyn Work>>, ran: usize, undone: Option<&Undone>) {
        let ran = ran.min(group.len());
        self.metrics.jobs_answered(ran as u64);
        if undone.is_none() {
            Metrics::add(&self.metrics.jobs_committed, ran as u64);
        }
        for job in group.drain(..ran) {
            job.answer(undone);
        }
    }

    fn give_up(&mut self, group: &mut Vec<Box<dyn Work>>, broken: Broken) {
        let undone = match broken.failure {
            Failure::Full => Undone::DiskFull,
            Failure::Fatal => {
                tracing::error!(why = broken.why, "commit failed: verifying the ledger");
                self.connection = None;
                Undone::CommitFailed(broken.why)
            }
            Failure::Busy | Failure::Other => Undone::CommitFailed(broken.why),
        };
        self.answer(group, broken.ran, Some(&undone));
        if self.connection.is_none() {
            self.reopen();
        }
    }

    /// Gives the ballast up. Says whether that made any space.
    fn make_space(&self) -> bool {
        match self.paths.release_ballast() {
            Ok(true) => {
                tracing::error!("the disk is full: the reserve was given up to keep recording");
                Metrics::set(&self.metrics.ballast_released, 1);
                true
            }
            Ok(false) => false,
            Err(error) => {
                tracing::error!(%error, "the disk is full and the reserve can't be removed");
                false
            }
        }
    }

    /// Opens and verifies the database again; a new incarnation follows from it.
    fn reopen(&mut self) -> bool {
        Metrics::add(&self.metrics.fatal_reopens, 1);
        let opened: Result<_, OpenError> =
            open::trusted(&self.paths, &self.setting, self.setting.durability);
        match opened {
            Ok((connection, own)) => {
                self.connection = Some(connection);
                self.own = own;
                self.words.forget_all();
                Metrics::set(&self.metrics.writer_dead, 0);
                true
            }
            Err(error) => {
                tracing::error!(%error, "the ledger can't be reopened");
                Metrics::set(&self.metrics.writer_dead, 1);
                false
            }
        }
    }

    /// In an idle moment: notes the WAL's size and asks for a checkpoint where it pays.
    pub(super) fn look_at_wal(&self) {
        let Some(connection) = &self.connection else {
            return;
        };
        if let Ok((frames, done)) = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP)
        {
            let frames = frames.max(0);
            Metrics::set(&self.metrics.wal_frames, u64::from(frames.unsigned_abs()));
            if frames.saturating_sub(done.max(0)) >= CHECKPOINT_FRAMES_MIN {
                // A full channel means that one is due already.
                let _due: Result<(), _> = self.checkpointer.try_send(());
            }
        }
        if let Ok(bytes) = files::length(&self.paths.wal()) {
            Metrics::set(&self.metrics.wal_bytes, bytes);
        }
    }

    /// A clean end: everything into the database, and a WAL that the next start reads quickly.
    pub(super) fn leave(self) {
        let Some(connection) = &self.connection else {
            return;
        };
        let checkpoint = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::RESTART);
        let marked = checkpoint.and_then(|_| {
            // The first write after a restart begins the WAL anew, so that opening has one
            // short transaction to read instead of every frame that the file still holds.
            let wall = self.setting.clock.wall().as_millis();
            connection.execute(
                "INSERT INTO setting (key, value) VALUES ('ledger.closed_wall_ms', ?1)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                [wall.to_string()],
            )
        });
        if let Err(error) = marked {
            tracing::warn!(%error, "the last checkpoint was not finished; the next start does it");
        }
    }
}
