//! A place that bytes come from or go to: a TCP address, or a serial line by its selector. Both are
//! streams here, so that a relay need not care.

use shelf_devices::port::{Port, PortEvent, line_node};
use shelf_devices::selector::Selector;
use shelf_devices::serial::{SerialOpener, SerialSettings};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Bytes of a serial line that may wait for its reader.
const LINE_BYTES_MAX: usize = 4096;
/// Events of a port that may wait.
const PORT_EVENTS_MAX: usize = 64;
/// How long connecting may take.
const CONNECT_MS_MAX: u64 = 5_000;

/// A stream, whatever carries it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Where bytes come from or go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `host:port`.
    Tcp(String),
    /// A serial line.
    Line(Selector, SerialSettings),
}

impl Place {
    /// Reads a selector; `line` is such as `19200-8N1`.
    pub(super) fn parse(text: &str, line: Option<&str>) -> Result<Self, String> {
        let selector: Selector = text.parse().map_err(|error| format!("{error}"))?;
        let settings = match line {
            Some(line) => line.parse().map_err(|error| format!("{error}"))?,
            None => SerialSettings::default(),
        };
        Ok(match selector {
            Selector::Tcp(place) => Self::Tcp(place),
            line => Self::Line(line, settings),
        })
    }

    /// Opens it: connects, or opens the line. The error is in words.
    pub(super) async fn open(&self) -> Result<Box<dyn Stream>, String> {
        match self {
            Self::Tcp(place) => {
                let limit = std::time::Duration::from_millis(CONNECT_MS_MAX);
                let connecting = tokio::time::timeout(limit, TcpStream::connect(place));
                let stream = connecting
                    .await
                    .map_err(|_| format!("{place} does not answer"))?;
                let stream = stream.map_err(|error| format!("{place}: {error}"))?;
                let _fast = stream.set_nodelay(true);
                Ok(Box::new(stream))
            }
            Self::Line(selector, settings) => {
                let (selector, settings) = (selector.clone(), *settings);
                let opening = tokio::task::spawn_blocking(move || open_line(&selector, settings));
                let opened = opening.await.map_err(|error| error.to_string())?;
                let (events, port) = opened.map_err(|error| error.to_string())?;
                let (ours, theirs) = tokio::io::duplex(LINE_BYTES_MAX);
                tokio::spawn(carry(events, port, ours));
                Ok(Box::new(theirs))
            }
        }
    }
}

type Opened = (mpsc::Receiver<PortEvent>, Port);

fn open_line(
    selector: &Selector,
    settings: SerialSettings,
) -> Result<Opened, shelf_devices::transport::OpenError> {
    let node = line_node(selector)?;
    let (events, seen) = mpsc::channel(PORT_EVENTS_MAX);
    let take = move |event| events.blocking_send(event).is_ok();
    let port = Port::open(&mut SerialOpener::new(settings), &node, take)?;
    Ok((seen, port))
}

/// Between a port's thread and a stream; ends when either does.
async fn carry(mut events: mpsc::Receiver<PortEvent>, port: Port, mut stream: DuplexStream) {
    let mut buffer = vec![0; LINE_BYTES_MAX];
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(PortEvent::Bytes(bytes)) => {
                    if stream.write_all(&bytes).await.is_err() {
                        break;
                    }
                }
                Some(PortEvent::Gone(_)) | None => break,
            },
            read = stream.read(&mut buffer) => match read {
                Ok(count) if count > 0 => {
                    if !port.write(buffer.get(..count).unwrap_or_default().to_vec()) {
                        break;
                    }
                }
                _ => break,
            },
        }
    }
    drop(events);
    // Closing waits for the port's thread.
    let _closed = tokio::task::spawn_blocking(move || drop(port)).await;
}
