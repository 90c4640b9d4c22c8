//! Between another till and its device: every byte goes through at once, and a copy goes to whoever
//! listens, if he keeps up. A listener that lags or is gone loses the copy, never the bytes.
//!
//! Where what is overheard moves stock, bytes wait until the listener has dealt with their copy: what
//! has come out of the printer is then in the ledger, whatever happens next. They wait for a moment
//! at most; printing goes before counting.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use shelf_codecs::escpos::RECEIPT_IDLE_MS;
use shelf_stock::name::TillId;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::Instant;

use super::errand::{self, Errand, Request};
use super::place::{Place, Stream};

/// Pieces of a copy that may wait for its listener.
const COPIES_MAX: usize = 1_024;
/// Bytes carried at once.
const PIECE_BYTES: usize = 4_096;
/// How long a device may still answer after its till has hung up.
const LINGER_MS: u64 = 1_000;
/// How long bytes wait for the listener.
pub(super) const HOLD_MS_MAX: u64 = 1_000;
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
    missing: AtomicBool,
    told: AtomicU64,
    /// How many pieces the listener has dealt with, where bytes wait for that.
    hold: Option<(Duration, watch::Receiver<u64>)>,
    /// The listener was too slow the last time: nobody waits until it has caught up.
    behind: AtomicBool,
}

/// The listener's end.
#[derive(Debug)]
pub(super) struct Listener {
    heard: mpsc::Receiver<Heard>,
    dealt: watch::Sender<u64>,
    next: u64,
}

/// Both ends of a copy; with `hold`, bytes wait so long until the listener has dealt with their copy.
pub(super) fn copy(hold: Option<Duration>) -> (Copier, Listener) {
    let (to, heard) = mpsc::channel(COPIES_MAX);
    let (dealt, seen) = watch::channel(0);
    let copier = Copier {
        to,
        missing: AtomicBool::new(false),
        told: AtomicU64::new(0),
        hold: hold.map(|it| (it, seen)),
        behind: AtomicBool::new(false),
    };
    let next = 0;
    (copier, Listener { heard, dealt, next })
}

impl Listener {
    /// The next piece, which says that everything before it was dealt with. May be dropped at any
    /// time.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        self.dealt.send_replace(self.next);
        let heard = self.heard.recv().await;
        self.next += 1;
        heard
    }
}

impl Copier {
    /// Never waits.
    pub(super) fn tell(&self, heard: Heard) {
        if self.missing.load(Relaxed) && self.send(Heard::Missing) {
            self.missing.store(false, Relaxed);
        }
        if self.missing.load(Relaxed) || !self.send(heard) {
            self.missing.store(true, Relaxed);
        }
    }

    fn send(&self, heard: Heard) -> bool {
        let sent = self.to.try_send(heard).is_ok();
        self.told.fetch_add(u64::from(sent), Relaxed);
        sent
    }

    /// Waits until the listener has dealt with what it was told, if that is wanted and takes not
    /// long.
    async fn settled(&self) {
        let Some((limit, dealt)) = &self.hold else {
            return;
        };
        let told = self.told.load(Relaxed);
        if self.behind.load(Relaxed) && *dealt.borrow() < told {
            return;
        }
        let mut dealt = dealt.clone();
        let waited = tokio::time::timeout(*limit, dealt.wait_for(|it| *it >= told)).await;
        // A listener that is gone is no reason not to print.
        self.behind.store(waited.is_err(), Relaxed);
        if waited.is_err() {
            tracing::error!("what is printed can't be kept in time; printing goes on");
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
    let at = Instant::now() + Duration::from_millis(AGAIN_MS);
    tokio::time::sleep_until(at).await;
}

/// Whoever may send the device something of ours while the till is quiet.
pub(super) struct Guest<'a> {
    /// At which till.
    pub(super) till: &'a TillId,
    /// What is asked for.
    pub(super) requests: &'a mut mpsc::Receiver<Request>,
    /// Is told what was done.
    pub(super) done: &'a (dyn Fn(Errand) + Sync),
}

/// Where bytes go, and when the last of the till's went there.
struct Way<W>(Mutex<(W, Instant)>);

impl<W: AsyncWrite + Unpin> Way<W> {
    fn to(writer: W) -> Self {
        Self(Mutex::new((writer, Instant::now())))
    }

    async fn send(&self, piece: &[u8]) -> std::io::Result<()> {
        let mut way = self.0.lock().await;
        way.1 = Instant::now();
        way.0.write_all(piece).await?;
        way.0.flush().await
    }

    /// Does what guests ask for, for ever.
    async fn welcome(&self, guest: Option<Guest<'_>>) {
        let Some(guest) = guest else {
            return std::future::pending().await;
        };
        loop {
            let request = errand::next(guest.requests).await;
            let errand = request.errand;
            let mut way = self.0.lock().await;
            let done = match way.1.elapsed().as_millis() < u128::from(RECEIPT_IDLE_MS) {
                true => Err("the till is printing: try again in a moment".to_owned()),
                false => match way.0.write_all(&errand.bytes(guest.till)).await {
                    Ok(()) => way.0.flush().await.map_err(|it| it.to_string()),
                    Err(error) => Err(error.to_string()),
                },
            };
            drop(way);
            if done.is_ok() {
                (guest.done)(errand);
            }
            request.answer(done);
        }
    }
}

/// Carries bytes both ways until one side ends.
pub(super) async fn carry(
    till: Box<dyn Stream>,
    device: Box<dyn Stream>,
    copy: &Copier,
    guest: Option<Guest<'_>>,
) {
    let (mut till_says, to_till) = tokio::io::split(till);
    let (mut device_says, to_device) = tokio::io::split(device);
    let (to_till, to_device) = (Way::to(to_till), Way::to(to_device));
    let forth = one_way(&mut till_says, &to_device, copy, Heard::Till);
    let back = one_way(&mut device_says, &to_till, copy, Heard::Device);
    tokio::pin!(back);
    tokio::select! {
        () = to_device.welcome(guest) => {}
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
    to: &Way<impl AsyncWrite + Unpin>,
    copy: &Copier,
    heard: fn(Vec<u8>) -> Heard,
) {
    let mut buffer = vec![0; PIECE_BYTES];
    while let Ok(count) = from.read(&mut buffer).await {
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        let heard = heard(piece.to_vec());
        let waits = matches!(heard, Heard::Till(_));
        copy.tell(heard);
        if waits {
            copy.settled().await;
        }
        if to.send(piece).await.is_err() {
            break;
        }
    }
    let _ended = to.0.lock().await.0.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_that_lags_loses_the_copy_and_is_told_so() {
        let (copy, mut listener) = copy(None);
        for _ in 0..COPIES_MAX + 5 {
            copy.tell(Heard::Till(vec![1]));
        }
        for _ in 0..COPIES_MAX {
            assert_eq!(listener.next().await, Some(Heard::Till(vec![1])));
        }
        copy.tell(Heard::Till(vec![2]));
        assert_eq!(listener.next().await, Some(Heard::Missing));
        assert_eq!(listener.next().await, Some(Heard::Till(vec![2])));
        drop(listener);
        copy.tell(Heard::Closed);
    }

    /// Whether it is over after one look.
    fn is_over(work: std::pin::Pin<&mut impl Future>) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        work.poll(&mut context).is_ready()
    }

    #[tokio::test]
    async fn bytes_wait_until_their_copy_was_dealt_with() {
        let (copy, mut listener) = copy(Some(Duration::from_secs(60)));
        copy.tell(Heard::Till(vec![1]));
        let mut waiting = std::pin::pin!(copy.settled());
        assert!(!is_over(waiting.as_mut()));
        listener.next().await;
        assert!(!is_over(waiting.as_mut()), "it is only being dealt with");
        let next = std::pin::pin!(listener.next());
        assert!(!is_over(next));
        assert!(is_over(waiting.as_mut()));
    }

    #[tokio::test]
    async fn nobody_waits_long_for_a_listener_that_is_slow_or_gone() {
        let (copy, mut listener) = copy(Some(Duration::from_millis(1)));
        copy.tell(Heard::Till(vec![1]));
        listener.next().await;
        copy.settled().await;
        copy.tell(Heard::Till(vec![2]));
        assert!(
            is_over(std::pin::pin!(copy.settled())),
            "waited once already"
        );
        drop(listener);
        copy.settled().await;
    }
}
