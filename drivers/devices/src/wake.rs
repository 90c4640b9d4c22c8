//! The wake-up handle of a device thread: an eventfd that sits in the same `poll` as the device, so
//! that a thread can wait without a timeout (no idle wake-ups) and still be stopped, re-targeted
//! or handed a command at once. It carries no data and must never block the one who signals.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// An eventfd: signalled by anyone, waited on by one thread.
#[derive(Debug)]
pub struct WakeFd(OwnedFd);

/// How a wait on a [`WakeFd`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// Somebody signalled; the signal has been taken.
    Woken,
    /// The time given passed first.
    TimedOut,
}

impl WakeFd {
    /// Creates an unsignalled handle. Fails only when the process is out of file descriptors.
    pub fn new() -> rustix::io::Result<Self> {
        eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map(Self)
    }

    /// Signals; several signals before the next wait are one.
    pub fn wake(&self) {
        // EAGAIN means 2^64-2 signals are already pending: the waiter wakes all the same.
        let _already_signalled = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Takes a pending signal, so that the next wait blocks again.
    pub fn clear(&self) {
        // EAGAIN means there was none.
        let _none_pending = rustix::io::read(&self.0, &mut [0u8; 8]);
    }

    /// Blocks until signalled or until `limit` has passed; `None` waits for ever.
    pub fn wait(&self, limit: Option<Duration>) -> Waited {
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        match poll_for(&mut fds, limit) {
            Ok(0) => Waited::TimedOut,
            Ok(_) => {
                self.clear();
                Waited::Woken
            }
            // A signal handler ran: the caller looks around and waits again.
            Err(_) => Waited::Woken,
        }
    }
}

impl AsFd for WakeFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// `poll` with a [`Duration`]; `None` waits for ever, a time too long for the kernel also does.
pub(crate) fn poll_for(
    fds: &mut [PollFd<'_>],
    limit: Option<Duration>,
) -> rustix::io::Result<usize> {
    let spec = limit.and_then(|d| Timespec::try_from(d).ok());
    poll(fds, spec.as_ref())
}
