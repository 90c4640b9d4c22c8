//! Between another till and its device: every byte goes through at once, and a copy goes to whoever
//! listens, if he keeps up. A listener that lags or is gone loses the copy, never the bytes.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::place::{Place, Stream};

/// Pieces of a copy that may wait for its listener.
const COPIES_MAX: usize = 1_024;
/// Bytes carried at once.
const PIECE_BYTES: usize = 4_096;
/// How long a device may still answer after its till has hung up.
const LINGER_MS: u64 = 1_000;
/// Between two attempts to open what can't be opened.
const AGAIN_MS: u64 = 1_000;

/// What a listener hears.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The till sent this.
    Till(Vec<u8>),
    /// The device sent this.
    Device(Vec<u8>),
    /// The connection is over.
    Closed,
    /// The listener was too slow: something is missing here.
    Missing,
}

/// The copier's end.
#[derive(Debug)]
pub(super) struct Copier {
    to: mpsc::Sender<Heard>,
    missing: std::sync::atomic::AtomicBool,
}

/// Both ends of a copy.
pub(super) fn copy() -> (Copier, mpsc::Receiver<Heard>) {
    let (to, heard) = mpsc::channel(COPIES_MAX);
    let missing = std::sync::atomic::AtomicBool::new(false);
    (Copier { to, missing }, heard)
}

impl Copier {
    /// Never waits.
    pub(super) fn tell(&self, heard: Heard) {
        use std::sync::atomic::Ordering::Relaxed;
        if self.missing.load(Relaxed) && self.to.try_send(Heard::Missing).is_ok() {
            self.missing.store(false, Relaxed);
        }
        if self.missing.load(Relaxed) || self.to.try_send(heard).is_err() {
            self.missing.store(true, Relaxed);
        }
    }
}

/// Where tills come from.
pub(super) enum Door {
    /// They connect.
    Tcp(TcpListener),
    /// They are at the other end of a line.
    Line(Place),
    /// Nobody comes.
    Shut,
}

impl Door {
    /// Opens it; tries again until it can.
    pub(super) async fn open(place: Option<Place>) -> Door {
        match place {
            None => Door::Shut,
            Some(Place::Tcp(address)) => loop {
                match TcpListener::bind(&address).await {
                    Ok(listener) => return Door::Tcp(listener),
                    Err(error) => tracing::error!(%address, %error, "tills can't be listened for"),
                }
                pause().await;
            },
            Some(line) => Door::Line(line),
        }
    }

    /// The next till. May be dropped at any time.
    pub(super) async fn next(&self) -> Box<dyn Stream> {
        match self {
            Door::Shut => std::future::pending().await,
            Door::Tcp(listener) => loop {
                match listener.accept().await {
                    Ok((stream, _)) => return Box::new(fast(stream)),
                    Err(error) => tracing::warn!(%error, "a till could not be let in"),
                }
                pause().await;
            },
            Door::Line(line) => loop {
                match line.open().await {
                    Ok(stream) => return stream,
                    Err(error) => tracing::warn!(%error, "the till's line can't be opened"),
                }
                pause().await;
            },
        }
    }
}

fn fast(stream: TcpStream) -> TcpStream {
    let _fast = stream.set_nodelay(true);
    stream
}

pub(super) async fn pause() {
    let at = tokio::time::Instant::now() + Duration::from_millis(AGAIN_MS);
    tokio::time::sleep_until(at).await;
}

/// Carries bytes both ways until one side ends.
pub(super) async fn carry(till: Box<dyn Stream>, device: Box<dyn Stream>, copy: &Copier) {
    let (mut till_says, mut to_till) = tokio::io::split(till);
    let (mut device_says, mut to_device) = tokio::io::split(device);
    let forth = one_way(&mut till_says, &mut to_device, |it| {
        copy.tell(Heard::Till(it));
    });
    let back = one_way(&mut device_says, &mut to_till, |it| {
        copy.tell(Heard::Device(it));
    });
    tokio::pin!(back);
    tokio::select! {
        () = forth => {
            // The till has said everything; the device may still answer.
            let linger = Duration::from_millis(LINGER_MS);
            let _over = tokio::time::timeout(linger, &mut back).await;
        }
        () = &mut back => {}
    }
    copy.tell(Heard::Closed);
}

/// The copy is told before the bytes go on: an answer is never heard before its question.
async fn one_way(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    tell: impl Fn(Vec<u8>),
) {
    let mut buffer = vec![0; PIECE_BYTES];
    while let Ok(count) = from.read(&mut buffer).await {
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        tell(piece.to_vec());
        if to.write_all(piece).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    let _ended = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_that_lags_loses_the_copy_and_is_told_so() {
        let (copy, mut heard) = copy();
        for _ in 0..COPIES_MAX + 5 {
            copy.tell(Heard::Till(vec![1]));
        }
        let mut got = Vec::new();
        while let Ok(it) = heard.try_recv() {
            got.push(it);
        }
        assert_eq!(got.len(), COPIES_MAX);
        copy.tell(Heard::Till(vec![2]));
        assert_eq!(heard.try_recv(), Ok(Heard::Missing));
        assert_eq!(heard.try_recv(), Ok(Heard::Till(vec![2])));
        drop(heard);
        copy.tell(Heard::Closed);
    }
}
