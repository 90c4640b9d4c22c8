//! The writer's thread: serves the queue, looks at the WAL in idle moments, ends the ledger.
//!
//! It sleeps in the queue and wakes for nothing else.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::engine::{Engine, EngineParts};
use super::queue::{Queue, Woken};
use super::{GROUP_JOBS_MAX, Shared, Writer};

/// The thread, to be joined at close.
#[derive(Debug)]
pub(crate) struct WriterThread {
    writer: Writer,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    /// Lets the writer finish what it accepted and waits for it.
    pub(crate) fn close(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.writer.shared.queue.close();
            drop(thread.join());
        }
    }
}

/// Starts the thread.
pub(crate) fn start(parts: EngineParts) -> io::Result<(Writer, WriterThread)> {
    let metrics = Arc::clone(&parts.metrics);
    let touched = Arc::clone(&parts.touched);
    let shared = Arc::new(Shared {
        engine: Mutex::new(Some(Engine::new(parts))),
        queue: Queue::default(),
        metrics,
        touched,
    });
    let writer = Writer {
        shared: Arc::clone(&shared),
    };
    let thread = std::thread::Builder::new()
        .name("ledger-writer".to_owned())
        .spawn(move || serve(&shared))?;
    let closing = WriterThread {
        writer: writer.clone(),
        thread: Some(thread),
    };
    Ok((writer, closing))
}

fn serve(shared: &Shared) {
    loop {
        let woken = shared.queue.wait();
        let mut guard = shared.engine();
        let Some(engine) = guard.as_mut() else {
            return;
        };
        match woken {
            Woken::Jobs => {
                let mut group = shared.queue.take(GROUP_JOBS_MAX);
                engine.serve(&mut group);
                shared.queue.touch();
            }
            Woken::Idle => engine.look_at_wal(),
            Woken::Closed => {
                // Everything accepted was served: a closed queue takes no more.
                if let Some(engine) = guard.take() {
                    engine.leave();
                }
                return;
            }
        }
    }
}
