//! The simulated readers behind real sockets and a real pseudo-terminal, read by the daemon's sessions.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test of real sockets, which take real time"
)]

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use shelf_codecs::epc::EpcBytes;
use shelf_codecs::llrp::{ConnectionAttempt, Frame, Message};
use shelf_codecs::uhf::UhfTag;
use shelf_sessions::llrp::{self, TagRead, presence_work};
use shelf_sessions::time::Mono;
use shelf_sessions::uhf;
use shelf_sim::rfid::llrp::{LlrpReaderConfig, LlrpServer};
use shelf_sim::rfid::uhf::{UhfModel, UhfReaderConfig, UhfServer};

/// Nothing here takes longer on a machine under load.
const PATIENCE: Duration = Duration::from_secs(60);

fn socket(address: std::net::SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    stream
}

fn is_quiet(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What happened at the client's end.
enum Happened {
    Begun,
    Connected,
    Gone,
    Heard(Vec<u8>),
    Nothing,
}

/// Reads until so many different tags were seen.
fn read_llrp(server: &LlrpServer, tags: usize) -> BTreeSet<EpcBytes> {
    let begun = Instant::now();
    let mut session = llrp::Session::new(llrp::Config {
        retry_ms: (1, 10),
        ..llrp::Config::new(presence_work(&[], 1, 32), 1)
    });
    let ready = llrp::Input::SinkReady;
    session.handle(now(begun), ready, &mut Vec::new(), &mut |_: &TagRead<
        '_,
    >| {});
    let mut seen = BTreeSet::new();
    let mut stream: Option<TcpStream> = None;
    let mut happened = Happened::Begun;
    while seen.len() < tags {
        assert!(begun.elapsed() < PATIENCE, "only {} tags", seen.len());
        let input = match &happened {
            Happened::Begun => llrp::Input::Start,
            Happened::Connected => llrp::Input::Connected,
            Happened::Gone => llrp::Input::Disconnected,
            Happened::Heard(bytes) => llrp::Input::Bytes(bytes),
            Happened::Nothing => llrp::Input::Tick,
        };
        let mut out = Vec::new();
        let mut sink = |read: &TagRead<'_>| {
            seen.insert(read.epc);
        };
        session.handle(now(begun), input, &mut out, &mut sink);
        let mut asked = None;
        for effect in out {
            match effect {
                llrp::Effect::Connect => {
                    stream = Some(socket(server.addr()));
                    asked = Some(Happened::Connected);
                }
                llrp::Effect::Disconnect => stream = None,
                llrp::Effect::Send(bytes) => {
                    // A connection that is gone is seen at the next read.
                    let _sent = stream.as_mut().map(|it| it.write_all(&bytes));
                }
                _ => {}
            }
        }
        happened = asked.unwrap_or_else(|| listen(&mut stream));
    }
    seen
}

fn listen(stream: &mut Option<TcpStream>) -> Happened {
    let Some(open) = stream else {
        std::thread::yield_now();
        return Happened::Nothing;
    };
    let mut buffer = vec![0; 4096];
    match open.read(&mut buffer) {
        Ok(n) if n > 0 => Happened::Heard(buffer[..n].to_vec()),
        Err(e) if is_quiet(&e) => Happened::Nothing,
        _ => {
            *stream = None;
            Happened::Gone
        }
    }
}

fn now(begun: Instant) -> llrp::Now {
    llrp::Now {
        mono: Mono(u64::try_from(begun.elapsed().as_millis()).unwrap()),
        wall_us: None,
    }
}

#[test]
fn a_fixed_reader_is_read_over_tcp_and_over_a_cut_in_a_frame() {
    let server = LlrpServer::start(0, LlrpReaderConfig::new(1)).unwrap();
    for line in [
        "fill 25 1",
        "fill 5 2",
        "wait 400",
        "fault cut",
        "wait 200",
        "fill 10 3",
    ] {
        assert!(server.order(line.parse().unwrap()));
    }
    assert_eq!(read_llrp(&server, 40).len(), 40);
}

#[test]
fn a_second_client_is_sent_away_with_the_reason() {
    let server = LlrpServer::start(0, LlrpReaderConfig::new(2)).unwrap();
    let first = socket(server.addr());
    let greeting = greeting(first.try_clone().unwrap());
    assert_eq!(greeting, Some(ConnectionAttempt::Success));
    let second = self::greeting(socket(server.addr()));
    assert_eq!(second, Some(ConnectionAttempt::ClientInitiatedExists));
    assert_eq!(
        self::greeting(first),
        Some(ConnectionAttempt::AnotherAttempted)
    );
}

fn greeting(mut stream: TcpStream) -> Option<ConnectionAttempt> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = Vec::new();
    let mut byte = [0];
    loop {
        if let Some((frame, _)) = Frame::split(&bytes) {
            let Ok(Message::ReaderEventNotification(events)) = Message::read(&frame) else {
                return None;
            };
            return events.connection_attempt();
        }
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
}

/// A UHF session over anything that reads and writes.
fn read_uhf(
    family: uhf::Family,
    line: &mut (impl Read + Write),
    tags: usize,
) -> BTreeSet<EpcBytes> {
    let begun = Instant::now();
    let mut session = uhf::Session::new(uhf::Config::new(family));
    let mut seen = BTreeSet::new();
    let mut heard: Option<Vec<u8>> = None;
    let mut connected = false;
    while seen.len() < tags {
        assert!(
            begun.elapsed() < PATIENCE,
            "{family:?}: only {} tags",
            seen.len()
        );
        let mut out = Vec::new();
        let mut sink = |tag: &UhfTag| {
            seen.insert(tag.epc);
        };
        let input = match &heard {
            _ if !connected => uhf::Input::Connected,
            Some(bytes) => uhf::Input::Bytes(bytes),
            None => uhf::Input::Tick,
        };
        connected = true;
        session.handle(now(begun).mono, input, &mut out, &mut sink);
        for effect in out {
            if let uhf::Effect::Send(bytes) = effect {
                line.write_all(&bytes).unwrap();
            }
        }
        let mut buffer = vec![0; 4096];
        let read = line.read(&mut buffer);
        let quiet = read.as_ref().is_err_and(is_quiet);
        heard = (!quiet).then(|| buffer[..read.unwrap()].to_vec());
    }
    seen
}

#[test]
fn a_serial_reader_is_read_behind_a_serial_server_and_on_a_terminal() {
    let config = UhfReaderConfig::new(UhfModel::Indy, 3);
    let server = UhfServer::on_tcp(0, config).unwrap();
    assert!(server.order("fill 12".parse().unwrap()));
    let mut stream = socket(server.addr().unwrap());
    let family = uhf::Family::Indy { address: 1 };
    assert_eq!(read_uhf(family, &mut stream, 12).len(), 12);

    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("reader");
    let config = UhfReaderConfig::new(UhfModel::M100, 4);
    let server = UhfServer::on_pty(&link, config).unwrap();
    assert!(server.order("fill 12".parse().unwrap()));
    let mut tty = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&link)
        .unwrap();
    assert_eq!(read_uhf(uhf::Family::M100, &mut tty, 12).len(), 12);
}
