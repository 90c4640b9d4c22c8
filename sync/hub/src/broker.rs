//! The built-in MQTT 5 broker of the demo: rumqttd with small segments behind a door of ours.
//!
//! A shop runs mosquitto or a broker cluster; this one exists so that one command shows the whole
//! chain on a machine that has only Rust. rumqttd can neither be stopped nor say which port it got,
//! so it listens on a private loopback port and clients come in through [`Broker`], which binds
//! the public address itself, ends every connection on [`Broker::stop`] and forwards bytes
//! unchanged. Its threads idle until the process ends: start one broker per process. It keeps
//! recent messages per topic filter in memory, so segments are small here; a reader that falls
//! behind by more than [`SEGMENT_BYTES_MAX`] x [`SEGMENTS_MAX`] loses messages, which the log
//! exchange repairs (docs/adr/0003-embedded-broker.md). No access control: loopback only.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rumqttd::{Config, ConnectionSettings, RouterConfig, ServerSettings};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Bytes of one segment of one topic filter.
pub const SEGMENT_BYTES_MAX: usize = 1024 * 1024;
/// Segments kept per topic filter.
pub const SEGMENTS_MAX: usize = 4;
/// The largest message that passes: a frame of 64 KiB and its envelope.
pub const PAYLOAD_BYTES_MAX: usize = 128 * 1024;
/// The most clients at once.
pub const CLIENTS_MAX: usize = 512;
/// How often the start looks whether the broker accepts connections.
const READY_POLL_MS: u64 = 10;
/// After how many looks it gives up.
const READY_POLLS_MAX: u32 = 500;

/// A running broker; dropping it stops it.
#[derive(Debug)]
pub struct Broker {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    door: Option<JoinHandle<()>>,
}

/// The broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The public address can't be bound.
    #[error("the built-in broker can't listen on {addr}: is another program using the port?")]
    Bind {
        /// Which address.
        addr: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system gave no thread, runtime or private port.
    #[error("the built-in broker got no {what} from the system")]
    Resource {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// rumqttd did not come up.
    #[error("the built-in broker did not accept connections in time; start it again")]
    NotReady,
}

impl BrokerError {
    fn resource(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Resource { what, source }
    }
}

impl Broker {
    /// Starts on a free loopback port.
    pub fn start() -> Result<Self, BrokerError> {
        Self::start_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// Starts on an address; port 0 takes a free one. Returns once clients can connect.
    pub fn start_on(addr: SocketAddr) -> Result<Self, BrokerError> {
        let bind = |source| BrokerError::Bind { addr, source };
        let listener = TcpListener::bind(addr).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let (inside, ended) = start_inside()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(BrokerError::resource("runtime"))?;
        let (stop, stopped) = watch::channel(false);
        let (ready, is_ready) = std::sync::mpsc::sync_channel(1);
        let door = std::thread::Builder::new()
            .name("broker-door".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let up = wait_until_up(inside, &ended).await;
                    if ready.send(up).is_ok() && up {
                        forward(listener, inside, stopped).await;
                    }
                });
            })
            .map_err(BrokerError::resource("thread"))?;
        let broker = Self {
            addr,
            stop,
            door: Some(door),
        };
        match is_ready.recv() {
            Ok(true) => Ok(broker),
            _ => Err(BrokerError::NotReady),
        }
    }

    /// Where clients connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends every connection and frees the address.
    pub fn stop(mut self) {
        self.close();
    }

    fn close(&mut self) {
        self.stop.send_replace(true);
        if let Some(door) = self.door.take()
            && door.join().is_err()
        {
            tracing::error!("the broker's door thread had panicked");
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.close();
    }
}

/// Starts rumqttd on a private port; the flag rises when it ends.
fn start_inside() -> Result<(SocketAddr, Arc<AtomicBool>), BrokerError> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
    let inside = free.map_err(BrokerError::resource("private port"))?;
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ended);
    std::thread::Builder::new()
        .name("broker".to_owned())
        .spawn(move || {
            let result = rumqttd::Broker::new(settings(inside)).start();
            flag.store(true, Ordering::Release);
            if let Err(error) = result {
                tracing::error!(%error, "the built-in broker ended");
            }
        })
        .map_err(BrokerError::resource("thread"))?;
    Ok((inside, ended))
}

fn settings(listen: SocketAddr) -> Config {
    let server = ServerSettings {
        name: "broker-mqtt5".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: 10_000,
            max_payload_size: PAYLOAD_BYTES_MAX,
            max_inflight_count: 100,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    };
    Config {
        router: RouterConfig {
            max_connections: CLIENTS_MAX,
            max_outgoing_packet_count: 200,
            max_segment_size: SEGMENT_BYTES_MAX,
            max_segment_count: SEGMENTS_MAX,
            ..RouterConfig::default()
        },
        v5: Some(HashMap::from([("1".to_owned(), server)])),
        ..Config::default()
    }
}

async fn wait_until_up(inside: SocketAddr, ended: &AtomicBool) -> bool {
    let mut polls = tokio::time::interval(Duration::from_millis(READY_POLL_MS));
    for _ in 0..READY_POLLS_MAX {
        polls.tick().await;
        if TcpStream::connect(inside).await.is_ok() {
            return true;
        }
        if ended.load(Ordering::Acquire) {
            return false;
        }
    }
    false
}

async fn forward(listener: TcpListener, inside: SocketAddr, stopped: watch::Receiver<bool>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the built-in broker can't listen"),
    };
    let mut ours = stopped.clone();
    loop {
        tokio::select! {
            _ = ours.wait_for(|it| *it) => return,
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    let mut stopped = stopped.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            _ = stopped.wait_for(|it| *it) => {}
                            result = join(client, inside) => if let Err(error) = result {
                                tracing::debug!(%error, "a client of the built-in broker left");
                            },
                        }
                    });
                }
                Err(error) => tracing::warn!(%error, "the built-in broker can't accept"),
            },
        }
    }
}

async fn join(mut client: TcpStream, inside: SocketAddr) -> io::Result<()> {
    let mut server = TcpStream::connect(inside).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
