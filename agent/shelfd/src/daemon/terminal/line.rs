//! The line to a payment terminal: a connection for each dialogue, or a serial port with (for ZVT)
//! the layer of checked frames on it.
//!
//! A serial line has no connections: closing one means that nothing of it reaches the machine any
//! more, while frames that are still owed go out. The port itself stays open until it is gone.

use std::collections::VecDeque;
use std::time::Duration;

use shelf_devices::port::{Port, PortEvent, line_node};
use shelf_devices::selector::Selector;
use shelf_devices::serial::{SerialOpener, SerialSettings};
use shelf_sessions::time::Mono;
use shelf_sessions::zvt::serial_link::{LinkEffect, LinkInput, SerialLink};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::address::{Carrier, TerminalAddress, Tongue};
use crate::platform::MonoClock;

/// Bytes read from a socket at once.
const READ_BYTES: usize = 2048;
/// Events of a port that may wait.
const PORT_EVENTS_MAX: usize = 64;

/// What comes from a line.
#[derive(Debug)]
pub(super) enum LineEvent {
    /// Bytes for the machine.
    Bytes(Vec<u8>),
    /// The connection is gone.
    Gone,
    /// Bytes that could not be read below the machine, masked.
    Fault(shelf_codecs::zvt::Fault),
    /// Nothing for the machine: a timer of the line itself.
    Nothing,
}

/// The line to one terminal.
pub(super) enum Line {
    /// A socket for each dialogue.
    Tcp(Socket),
    /// A serial port.
    Serial(Box<SerialLine>),
}

impl Line {
    /// A line that is not open yet; connecting may take `limit`.
    pub(super) fn new(address: TerminalAddress, limit: Duration) -> Self {
        match address.carrier {
            Carrier::Tcp(place) => Self::Tcp(Socket {
                place,
                limit,
                stream: None,
                buffer: vec![0; READ_BYTES],
            }),
            Carrier::Serial(selector, settings) => Self::Serial(Box::new(SerialLine {
                selector,
                settings,
                link: (address.tongue == Tongue::Zvt).then(SerialLink::new),
                port: None,
                is_open: false,
                due: None,
                waiting: VecDeque::new(),
            })),
        }
    }

    /// Opens it; `false`: it can't be.
    pub(super) async fn connect(&mut self) -> bool {
        match self {
            Self::Tcp(socket) => socket.connect().await,
            Self::Serial(line) => line.connect().await,
        }
    }

    /// Closes it after everything sent has been written.
    pub(super) async fn close(&mut self) {
        match self {
            Self::Tcp(socket) => {
                if let Some(mut stream) = socket.stream.take() {
                    let _closed = stream.shutdown().await;
                }
            }
            Self::Serial(line) => line.is_open = false,
        }
    }

    /// Sends; `false`: it is gone.
    pub(super) async fn send(&mut self, now: Mono, bytes: Vec<u8>) -> bool {
        match self {
            Self::Tcp(socket) => socket.send(&bytes).await,
            Self::Serial(line) => line.send(now, bytes),
        }
    }

    /// The next thing that happens on it; for ever nothing while it is closed. May be dropped at any
    /// time without losing anything.
    pub(super) async fn event(&mut self, clock: &MonoClock) -> LineEvent {
        match self {
            Self::Tcp(socket) => socket.event().await,
            Self::Serial(line) => line.event(clock).await,
        }
    }
}

/// A connection over TCP.
pub(super) struct Socket {
    place: String,
    limit: Duration,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Socket {
    async fn connect(&mut self) -> bool {
        let connecting = TcpStream::connect(&self.place);
        self.stream = match tokio::time::timeout(self.limit, connecting).await {
            Ok(Ok(stream)) => {
                let _fast = stream.set_nodelay(true);
                Some(stream)
            }
            _ => None,
        };
        self.stream.is_some()
    }

    async fn send(&mut self, bytes: &[u8]) -> bool {
        if let Some(stream) = &mut self.stream
            && stream.write_all(bytes).await.is_ok()
        {
            return true;
        }
        self.stream = None;
        false
    }

    async fn event(&mut self) -> LineEvent {
        let Some(stream) = &mut self.stream else {
            return std::future::pending().await;
        };
        match stream.read(&mut self.buffer).await {
            Ok(count) if count > 0 => {
                LineEvent::Bytes(self.buffer.get(..count).unwrap_or_default().to_vec())
            }
            _ => {
                self.stream = None;
                LineEvent::Gone
            }
        }
    }
}

/// A serial port; for ZVT with its layer of frames.
pub(super) struct SerialLine {
    selector: Selector,
    settings: SerialSettings,
    link: Option<SerialLink>,
    /// The queue first: a port is closed only when its thread has ended, and that may wait for the queue.
    port: Option<(mpsc::Receiver<PortEvent>, Port)>,
    /// Whether the machine wants to hear.
    is_open: bool,
    /// When the layer of frames must be woken.
    due: Option<Mono>,
    waiting: VecDeque<LineEvent>,
}

impl SerialLine {
    async fn connect(&mut self) -> bool {
        self.waiting.clear();
        self.due = None;
        if let Some(link) = &mut self.link {
            link.handle(Mono::default(), LinkInput::Reset, &mut Vec::new());
        }
        if self.port.is_none() {
            let (selector, settings) = (self.selector.clone(), self.settings);
            let opened = tokio::task::spawn_blocking(move || open(&selector, settings)).await;
            match opened {
                Ok(Ok(port)) => self.port = Some(port),
                Ok(Err(error)) => tracing::warn!(%error, "the terminal's line can't be opened"),
                Err(error) => tracing::error!(%error, "opening the terminal's line panicked"),
            }
        }
        self.is_open = self.port.is_some();
        self.is_open
    }

    fn send(&mut self, now: Mono, bytes: Vec<u8>) -> bool {
        match self.link.is_some() {
            true => self.link(now, LinkInput::FromSession(bytes)),
            false => self.write(bytes),
        }
        self.port.is_some()
    }

    fn write(&mut self, bytes: Vec<u8>) {
        if let Some((_, port)) = &self.port
            && !port.write(bytes)
        {
            self.gone();
        }
    }

    fn gone(&mut self) {
        self.port = None;
        self.due = None;
        if std::mem::take(&mut self.is_open) {
            self.waiting.push_back(LineEvent::Gone);
        }
    }

    /// One input of the layer of frames and what follows from it.
    fn link(&mut self, now: Mono, input: LinkInput) {
        let mut effects = Vec::new();
        let Some(link) = &mut self.link else { return };
        link.handle(now, input, &mut effects);
        self.due = None;
        for effect in effects {
            match effect {
                LinkEffect::ToPort(bytes) => self.write(bytes),
                LinkEffect::ToSession(bytes) if self.is_open => {
                    self.waiting.push_back(LineEvent::Bytes(bytes));
                }
                LinkEffect::ToSession(_) => {}
                LinkEffect::Lost => {
                    if std::mem::take(&mut self.is_open) {
                        self.waiting.push_back(LineEvent::Gone);
                    }
                }
                LinkEffect::Fault(fault) => self.waiting.push_back(LineEvent::Fault(fault)),
                LinkEffect::SetTimer(at) => self.due = Some(at),
            }
        }
    }

    async fn event(&mut self, clock: &MonoClock) -> LineEvent {
        if let Some(event) = self.waiting.pop_front() {
            return event;
        }
        let Some((events, _)) = &mut self.port else {
            return std::future::pending().await;
        };
        let due = self.due.map(|it| clock.at_millis(it.0));
        let heard = tokio::select! {
            event = events.recv() => Some(event),
            () = super::cable::sleep_until(due) => None,
        };
        let now = Mono(clock.millis());
        match heard {
            None => self.link(now, LinkInput::Tick),
            Some(Some(PortEvent::Bytes(bytes))) if self.link.is_some() => {
                self.link(now, LinkInput::FromPort(bytes));
            }
            Some(Some(PortEvent::Bytes(bytes))) if self.is_open => {
                return LineEvent::Bytes(bytes);
            }
            Some(Some(PortEvent::Bytes(_))) => {}
            Some(Some(PortEvent::Gone(why))) => {
                tracing::info!(%why, "the terminal's line is gone");
                self.gone();
            }
            Some(None) => self.gone(),
        }
        self.waiting.pop_front().unwrap_or(LineEvent::Nothing)
    }
}

/// Finds the node and opens it.
fn open(
    selector: &Selector,
    settings: SerialSettings,
) -> Result<(mpsc::Receiver<PortEvent>, Port), shelf_devices::transport::OpenError> {
    let node = line_node(selector)?;
    let (events, seen) = mpsc::channel(PORT_EVENTS_MAX);
    let take = move |event| events.blocking_send(event).is_ok();
    let port = Port::open(&mut SerialOpener::new(settings), &node, take)?;
    Ok((seen, port))
}
