//! The kernel's hot-plug socket (NETLINK_KOBJECT_UEVENT). Where udevd runs we listen to its group,
//! because it speaks after permissions are set; else to the kernel's own. The socket only says
//! "look again"; losing messages (ENOBUFS) says the same.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recvfrom, socket_with};

use crate::uevent::{DATAGRAM_BYTES_MAX, Uevent, parse};
use crate::wake::{WakeFd, poll_for};

/// Whose announcements to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The kernel's own (multicast group 1): no udevd here.
    Kernel,
    /// udevd's, after its rules ran (multicast group 2).
    Udev,
}

impl Group {
    /// udevd's group if its control socket exists, else the kernel's. `udev_control` is normally
    /// `/run/udev/control`.
    #[must_use]
    pub fn detect(udev_control: &Path) -> Self {
        if udev_control.exists() {
            Self::Udev
        } else {
            Self::Kernel
        }
    }

    fn mask(self) -> u32 {
        match self {
            Self::Kernel => 1,
            Self::Udev => 2,
        }
    }
}

/// Why a wait on the socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Events arrived; possibly none of them well-formed.
    Events(Vec<Uevent>),
    /// Messages were lost: look at everything again.
    Overflow,
    /// The time passed in silence.
    TimedOut,
    /// The thread's wake handle was signalled; the signal has been taken.
    Woken,
    /// The socket is of no more use.
    Failed(Errno),
}

/// Events taken in one go before the caller gets a turn.
const EVENTS_PER_TURN_MAX: usize = 256;

/// An open, bound hot-plug socket.
#[derive(Debug)]
pub struct UeventSocket {
    fd: OwnedFd,
    group: Group,
}

impl UeventSocket {
    /// Opens the socket and joins `group`. Fails in a sandbox that forbids AF_NETLINK.
    pub fn open(group: Group) -> rustix::io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let kind = SocketType::DGRAM;
        let fd = socket_with(AddressFamily::NETLINK, kind, flags, Some(KOBJECT_UEVENT))?;
        bind(&fd, &SocketAddrNetlink::new(0, group.mask()))?;
        Ok(Self { fd, group })
    }

    /// Waits for events, a signal on `wake`, or `limit`.
    pub fn wait(&self, wake: &WakeFd, limit: Duration) -> Heard {
        let (ready, woken) = {
            let mut fds = [
                PollFd::new(&self.fd, PollFlags::IN),
                PollFd::new(wake, PollFlags::IN),
            ];
            match poll_for(&mut fds, Some(limit)) {
                Ok(0) => return Heard::TimedOut,
                Ok(_) => (!fds[0].revents().is_empty(), !fds[1].revents().is_empty()),
                Err(_) => return Heard::Woken,
            }
        };
        if woken {
            wake.clear();
            return Heard::Woken;
        }
        if ready { self.take() } else { Heard::TimedOut }
    }

    fn take(&self) -> Heard {
        let mut events = Vec::new();
        let mut buf = [0u8; DATAGRAM_BYTES_MAX];
        for _ in 0..EVENTS_PER_TURN_MAX {
            match recvfrom(&self.fd, &mut buf[..], RecvFlags::empty()) {
                Ok((n, _, from)) => {
                    let from = from.and_then(|from| SocketAddrNetlink::try_from(from).ok());
                    if self.trusts(from) {
                        events.extend(parse(&buf[..n.min(DATAGRAM_BYTES_MAX)]));
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(Errno::NOBUFS) => return Heard::Overflow,
                Err(e) => return Heard::Failed(e),
            }
        }
        Heard::Events(events)
    }

    /// Any process may send to our port directly, only a privileged one to a group; and on the
    /// kernel's group only the kernel (port 0) speaks.
    fn trusts(&self, from: Option<SocketAddrNetlink>) -> bool {
        from.is_some_and(|from| match self.group {
            Group::Kernel => from.groups() != 0 && from.pid() == 0,
            Group::Udev => from.groups() != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_follows_udevd() {
        let dir = tempfile::tempdir().unwrap();
        let control = dir.path().join("control");
        assert_eq!(Group::detect(&control), Group::Kernel);
        std::os::unix::fs::symlink("/", &control).unwrap();
        assert_eq!(Group::detect(&control), Group::Udev);
    }

    #[test]
    fn a_wake_ends_the_wait_and_strangers_are_not_heard() {
        let socket = UeventSocket::open(Group::Kernel).unwrap();
        let wake = WakeFd::new().unwrap();
        wake.wake();
        assert_eq!(socket.wait(&wake, Duration::from_secs(60)), Heard::Woken);
        assert!(!socket.trusts(None));
        assert!(!socket.trusts(Some(SocketAddrNetlink::new(4711, 0))));
        assert!(!socket.trusts(Some(SocketAddrNetlink::new(4711, 1))));
        assert!(socket.trusts(Some(SocketAddrNetlink::new(0, 1))));
    }

    /// Asks the kernel to announce a terminal again. Only root may; elsewhere there is nothing to
    /// prove this with, and the parsing is proven by itself.
    #[test]
    #[allow(
        clippy::disallowed_methods,
        clippy::print_stderr,
        reason = "a test asks the kernel"
    )]
    fn the_kernel_is_heard() {
        let socket = UeventSocket::open(Group::Kernel).unwrap();
        let wake = WakeFd::new().unwrap();
        if let Err(e) = std::fs::write("/sys/class/tty/tty0/uevent", "add") {
            eprintln!("skipped: cannot ask the kernel for an event: {e}");
            return;
        }
        loop {
            match socket.wait(&wake, Duration::from_secs(20)) {
                Heard::Events(events) if events.iter().any(|e| e.devname == "tty0") => return,
                Heard::Events(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
