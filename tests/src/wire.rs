//! A network cable that can be cut: a TCP relay between a program and a broker.
//!
//! While it is cut, connections end at once and new ones are accepted and closed, as a router does
//! whose uplink is gone; whatever was under way is lost. It looks at nothing that passes and must
//! never keep, repeat or reorder bytes.

#![allow(
    clippy::disallowed_methods,
    reason = "a relay owns sockets and the threads that wait on them"
)]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

const BUFFER_BYTES: usize = 64 * 1024;

#[derive(Debug, Default)]
struct State {
    is_cut: bool,
    is_over: bool,
    next: u64,
    open: BTreeMap<u64, [TcpStream; 2]>,
}

impl State {
    fn end_all(&mut self) {
        for stream in std::mem::take(&mut self.open).values().flatten() {
            // A stream that its peer closed already needs no second end.
            let _was_closed = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A relay, which ends with its value.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Wire {
    /// Relays from a port of its own to a port of this machine.
    pub fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let wire = Self {
            address: listener.local_addr()?,
            state: Arc::default(),
        };
        let state = wire.state.clone();
        let far = SocketAddr::from(([127, 0, 0, 1], port));
        std::thread::spawn(move || accept(&listener, far, &state));
        Ok(wire)
    }

    /// The port that a program connects to instead of the far one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends every connection and lets no new one through.
    pub fn cut(&self) {
        let mut state = locked(&self.state);
        state.is_cut = true;
        state.end_all();
    }

    /// Lets connections through again.
    pub fn heal(&self) {
        locked(&self.state).is_cut = false;
    }

    /// How many connections pass now.
    #[must_use]
    pub fn open(&self) -> usize {
        locked(&self.state).open.len()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        {
            let mut state = locked(&self.state);
            state.is_over = true;
            state.end_all();
        }
        // Wakes the thread that accepts, so that it sees the end.
        let _woken = TcpStream::connect(self.address);
    }
}

fn locked(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, far: SocketAddr, state: &Arc<Mutex<State>>) {
    for near in listener.incoming() {
        if locked(state).is_over {
            return;
        }
        if let Ok(near) = near {
            // A connection that can't be relayed ends here, which its program sees.
            let _refused = relay(near, far, state);
        }
    }
}

fn relay(near: TcpStream, far: SocketAddr, state: &Arc<Mutex<State>>) -> io::Result<()> {
    if locked(state).is_cut {
        return Ok(());
    }
    let far = TcpStream::connect(far)?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ends = [near.try_clone()?, far.try_clone()?];
    let number = {
        let mut state = locked(state);
        // Cut between the look and now.
        if state.is_cut || state.is_over {
            return Ok(());
        }
        state.next += 1;
        let number = state.next;
        state.open.insert(number, ends);
        number
    };
    let (near_out, far_out) = (near.try_clone()?, far.try_clone()?);
    for (from, to) in [(near, far_out), (far, near_out)] {
        let state = state.clone();
        std::thread::spawn(move || {
            pump(from, to);
            let both = locked(&state).open.remove(&number);
            for stream in both.iter().flatten() {
                let _was_closed = stream.shutdown(Shutdown::Both);
            }
        });
    }
    Ok(())
}

/// Until either side ends.
fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(count) = from.read(&mut buffer) {
        let part = buffer.get(..count).unwrap_or_default();
        if count == 0 || to.write_all(part).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test panics")]

    use super::*;

    fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                pump(stream.try_clone().unwrap(), stream);
            }
        });
        port
    }

    fn answers(port: u16) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(b"hello")?;
        stream.shutdown(Shutdown::Write)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map(|_| bytes)
    }

    #[test]
    fn nothing_passes_while_it_is_cut() {
        let wire = Wire::to(echo()).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", wire.port())).unwrap();
        stream.write_all(b"one").unwrap();
        let mut bytes = [0; 3];
        stream.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"one");
        assert_eq!(wire.open(), 1);

        wire.cut();
        assert!(matches!(stream.read(&mut bytes), Ok(0) | Err(_)));
        assert_ne!(answers(wire.port()).unwrap_or_default(), b"hello");

        wire.heal();
        let mut stream = TcpStream::connect(("127.0.0.1", wire.port())).unwrap();
        stream.write_all(b"two").unwrap();
        stream.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"two");
    }
}
