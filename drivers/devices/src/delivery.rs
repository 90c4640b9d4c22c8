//! The one bounded queue from all device threads to the daemon, and the bounded buffer in front of
//! it. Nothing is ever dropped: when the daemon is slow the queue fills, then each device's own
//! buffer (so that the kernel's 4 KB keep being emptied), and then the thread stops reading and the
//! scanner is held off. A waiting thread sleeps until the receiver has made room; nobody polls.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::event::DeviceEvent;
use crate::wake::WakeFd;

/// Default length of the queue to the daemon, in events.
pub const QUEUE_EVENTS_MAX: usize = 256;
/// Default size of one device's buffer in front of the queue, in bytes ([`DeviceEvent::cost_bytes`]).
pub const SPILL_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug, Default)]
struct Room {
    /// Events in the queue; may be off by a few for an instant, never for good.
    depth: AtomicIsize,
    waiting: AtomicUsize,
    waiters: Mutex<Vec<Arc<WakeFd>>>,
}

impl Room {
    fn register(&self, wake: &Arc<WakeFd>) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiters.iter().any(|w| Arc::ptr_eq(w, wake)) {
            waiters.push(Arc::clone(wake));
        }
        self.waiting.store(waiters.len(), Ordering::SeqCst);
    }

    fn wake_all(&self) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.store(0, Ordering::SeqCst);
        for wake in waiters.drain(..) {
            wake.wake();
        }
    }
}

/// Makes the queue.
#[must_use]
pub fn channel(events_max: usize) -> (EventSender, EventReceiver) {
    let events_max = events_max.max(1);
    let (tx, rx) = sync_channel(events_max);
    let room = Arc::new(Room::default());
    (
        EventSender {
            tx,
            room: Arc::clone(&room),
        },
        EventReceiver {
            rx,
            room: LastWord(room),
            events_max,
        },
    )
}

/// The device threads' end of the queue.
#[derive(Debug, Clone)]
pub struct EventSender {
    tx: SyncSender<DeviceEvent>,
    room: Arc<Room>,
}

impl EventSender {
    fn try_send(&self, event: DeviceEvent) -> Result<(), TrySendError<DeviceEvent>> {
        self.tx.try_send(event)?;
        self.room.depth.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// The daemon's end of the queue. It ends ([`RecvTimeoutError::Disconnected`]) when every device
/// thread has stopped and everything was taken.
#[derive(Debug)]
pub struct EventReceiver {
    // Dropped first: whoever is woken by `room` must find the queue closed already.
    rx: Receiver<DeviceEvent>,
    room: LastWord,
    events_max: usize,
}

/// Wakes everyone who waits for room when there will never be any.
#[derive(Debug)]
struct LastWord(Arc<Room>);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.wake_all();
    }
}

impl EventReceiver {
    /// Waits for the next event; `None` when all device threads have ended.
    pub fn recv(&self) -> Option<DeviceEvent> {
        self.rx.recv().ok().map(|event| self.taken(event))
    }

    /// Waits for the next event at most `limit`.
    pub fn recv_timeout(&self, limit: Duration) -> Result<DeviceEvent, RecvTimeoutError> {
        self.rx.recv_timeout(limit).map(|event| self.taken(event))
    }

    /// The next event if there is one now.
    pub fn try_recv(&self) -> Result<DeviceEvent, TryRecvError> {
        self.rx.try_recv().map(|event| self.taken(event))
    }

    /// Events waiting in the queue now: a metric.
    #[must_use]
    pub fn depth(&self) -> usize {
        usize::try_from(self.room.0.depth.load(Ordering::Relaxed)).unwrap_or(0)
    }

    fn taken(&self, event: DeviceEvent) -> DeviceEvent {
        let left = self.room.0.depth.fetch_sub(1, Ordering::SeqCst) - 1;
        // Waking at half rather than at the first free place saves a thread switch per event.
        let half = isize::try_from(self.events_max / 2).unwrap_or(0);
        if left <= half && self.room.0.waiting.load(Ordering::SeqCst) > 0 {
            self.room.0.wake_all();
        }
        event
    }
}

/// What became of the events in an [`Outbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pumped {
    /// All are in the queue.
    Empty,
    /// The queue is full; the thread's wake handle will be signalled when there is room.
    Waiting,
    /// Nobody will ever take them.
    Closed,
}

/// One device's buffer in front of the queue. Keeps the order.
#[derive(Debug)]
pub struct Outbox {
    sender: EventSender,
    wake: Arc<WakeFd>,
    spill: VecDeque<DeviceEvent>,
    spill_bytes: usize,
    spill_bytes_max: usize,
    closed: bool,
}

impl Outbox {
    /// An empty buffer whose owner sleeps on `wake`.
    #[must_use]
    pub fn new(sender: EventSender, wake: Arc<WakeFd>, spill_bytes_max: usize) -> Self {
        Self {
            sender,
            wake,
            spill: VecDeque::new(),
            spill_bytes: 0,
            spill_bytes_max,
            closed: false,
        }
    }

    /// Takes an event; it goes out at the next [`Outbox::pump`]. The bound is kept by asking
    /// [`Outbox::is_full`] before reading more from the device: one read adds at most what it holds.
    pub fn push(&mut self, event: DeviceEvent) {
        self.spill_bytes += event.cost_bytes();
        self.spill.push_back(event);
    }

    /// Moves events into the queue as far as there is room.
    pub fn pump(&mut self) -> Pumped {
        let mut registered = false;
        while let Some(event) = self.spill.pop_front() {
            let cost = event.cost_bytes();
            match self.sender.try_send(event) {
                Ok(()) => {
                    self.spill_bytes = self.spill_bytes.saturating_sub(cost);
                    registered = false;
                }
                Err(TrySendError::Full(event)) => {
                    self.spill.push_front(event);
                    if registered {
                        return Pumped::Waiting;
                    }
                    // Register, then try once more: room made in between must not be missed.
                    self.sender.room.register(&self.wake);
                    registered = true;
                }
                Err(TrySendError::Disconnected(event)) => {
                    self.spill.push_front(event);
                    self.closed = true;
                    return Pumped::Closed;
                }
            }
        }
        Pumped::Empty
    }

    /// Whether the device must not be read now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.spill_bytes >= self.spill_bytes_max
    }

    /// Whether the daemon has dropped its end.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Bytes held back now.
    #[must_use]
    pub fn spilled_bytes(&self) -> usize {
        self.spill_bytes
    }
}

#[cfg(test)]
#[path = "delivery/tests.rs"]
mod tests;
