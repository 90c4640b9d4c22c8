//! Checkpoints in idle moments, on a thread and a connection of their own.
//!
//! The writer says when the moment is good; a PASSIVE checkpoint then copies the WAL into the
//! database without blocking anybody. It never truncates the WAL: the warm file is what keeps a
//! commit at one sync of bytes that are already allocated.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use crate::connection::open_checkpointer;
use crate::metrics::Metrics;

/// The thread; ends when the writer drops its sender.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Starts the thread; a message on the sender asks for one checkpoint.
pub(crate) fn start(
    path: PathBuf,
    metrics: Arc<Metrics>,
) -> io::Result<(SyncSender<()>, Checkpointer)> {
    let (sender, asked) = sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("ledger-checkpoint".to_owned())
        .spawn(move || serve(&path, &metrics, &asked))?;
    let checkpointer = Checkpointer {
        thread: Some(thread),
    };
    Ok((sender, checkpointer))
}

fn serve(path: &std::path::Path, metrics: &Metrics, asked: &Receiver<()>) {
    let mut connection: Option<Connection> = None;
    while asked.recv().is_ok() {
        let done = match connection.take() {
            Some(open) => Ok(open),
            None => open_checkpointer(path),
        }
        .and_then(|open| {
            let left = open.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE)?;
            Ok((open, left))
        });
        match done {
            Ok((open, (frames, copied))) => {
                Metrics::add(&metrics.checkpoints, 1);
                let kept = frames.max(0).abs_diff(copied.max(0));
                Metrics::set(&metrics.wal_frames, u64::from(kept));
                connection = Some(open);
            }
            // The WAL keeps everything: a checkpoint that fails costs space, not documents.
            Err(error) => tracing::warn!(%error, "an idle checkpoint failed; it is tried again"),
        }
    }
}
