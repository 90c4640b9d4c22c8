//! A running hub: writer, HTTP and link, started together and stopped in order.
//!
//! The binary, the demo and the tests all use [`HubServer::start`]; it brings its own threads, so
//! that it may be started from anywhere. Stopping takes no new frames, commits what was taken,
//! sends the acks of it and closes the listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::api::{self, Parts};
use crate::bootstrap::maker::Maker;
use crate::channels::{self, NEWS_MAX};
use crate::config::{Database, HubConfig};
use crate::database::DatabaseError;
use crate::exchange::Exchange;
use crate::link;
use crate::metrics::Metrics;
use crate::news::News;
use crate::platform::Clock;
use crate::publisher::Publisher;
use crate::readers::Readers;
use crate::storage::postgres::{PostgresSource, PostgresStorage};
use crate::storage::sqlite::{SqliteSource, SqliteStorage};
use crate::storage::{Source, Storage, StorageError};
use crate::worker::{self, Acks, GaveUp, LEAVING_FRAMES_MAX, WorkerHandle, WorkerParts};

/// Where catalogue files are, below the data directory.
const SNAPSHOT_DIRECTORY: &str = "catalogue";
/// Where files of stores' documents are, below the data directory.
const BOOTSTRAP_DIRECTORY: &str = "bootstrap";
/// How often an unpublished revision of the catalogue is tried again.
const PUBLISH_AGAIN_S: u64 = 30;
/// How long clients and the broker may take to let go once the writer has ended.
const GOODBYE_MS_MAX: u64 = 3_000;

/// Starts hubs.
#[derive(Debug)]
pub struct HubServer;

/// The hub did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database can't be used.
    #[error("the hub's data can't be used")]
    Database(#[source] DatabaseError),
    /// The database server can't be used.
    #[error("the hub's database can't be used: {0}")]
    Storage(#[source] StorageError),
    /// The listener can't be bound.
    #[error("the API can't listen on {addr}: is another program using the port?")]
    Listen {
        /// Which address.
        addr: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The system gave no thread or runtime.
    #[error("the hub got no {what} from the system")]
    Resource {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// Why a running hub ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The writer gave up.
    #[error("the hub stopped because its database does not take anything any more")]
    Writer(#[source] GaveUp),
    /// A thread panicked.
    #[error("the hub stopped because its {0} thread panicked: report this with the log around it")]
    Panicked(&'static str),
}

/// A running hub; dropping it stops it.
#[derive(Debug)]
pub struct HubHandle {
    http_addr: SocketAddr,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
    threads: Option<(JoinHandle<()>, worker::WorkerThread)>,
}

impl HubServer {
    /// Starts a hub; returns once it serves HTTP. The broker may come later.
    pub fn start(config: &HubConfig) -> Result<HubHandle, StartError> {
        Self::start_with(config, Acks::AfterCommit)
    }

    /// As [`HubServer::start`], with a control for the kill test.
    pub fn start_with(config: &HubConfig, acks: Acks) -> Result<HubHandle, StartError> {
        let (mut storage, source) = open(config)?;
        let listener = bind(config.http.listen)?;
        let http_addr = listener.1;
        let metrics = Arc::new(Metrics::default());
        let clock = Clock::start();
        let published = storage.begin().and_then(|it| it.published(None));
        let published = published.map_err(StartError::Storage)?;
        let revision = published.map_or(0, |it| it.revision);
        Metrics::set(&metrics.catalogue_revision, revision);
        let (reader, news) = mpsc::channel(NEWS_MAX);
        let exchange = Exchange::new(config).with_reader(reader);
        let (leaving, frames) = mpsc::channel(LEAVING_FRAMES_MAX);
        let resource = |what| move |source| StartError::Resource { what, source };
        let (worker, writer) = worker::start(WorkerParts {
            storage,
            exchange,
            leaving,
            clock,
            metrics: Arc::clone(&metrics),
            group_max: config.group_messages_max,
            acks,
        })
        .map_err(resource("writer thread"))?;
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let edge = Edge {
            config: config.clone(),
            source,
            worker,
            metrics: Arc::clone(&metrics),
            clock,
            stop: stop.clone(),
            stopped,
            end,
            news,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(resource("runtime"))?;
        let thread = std::thread::Builder::new()
            .name("hub-edge".to_owned())
            .spawn(move || runtime.block_on(edge.run(listener.0, frames)))
            .map_err(resource("thread"))?;
        Ok(HubHandle {
            http_addr,
            metrics,
            stop,
            ended,
            threads: Some((thread, writer)),
        })
    }
}

/// What writes, and what opens readers.
pub(crate) type Opened = (Box<dyn Storage>, Box<dyn Source>);

/// The database that the configuration names.
pub(crate) fn open(config: &HubConfig) -> Result<Opened, StartError> {
    Ok(match &config.database {
        Database::Sqlite => {
            let storage = SqliteStorage::open(&config.data).map_err(StartError::Database)?;
            (Box::new(storage), Box::new(SqliteSource::new(&config.data)))
        }
        Database::Postgres(url) => {
            let storage = PostgresStorage::open(url.reveal()).map_err(StartError::Storage)?;
            let source = PostgresSource::new(url.reveal());
            (Box::new(storage), Box::new(source))
        }
    })
}

fn bind(addr: SocketAddr) -> Result<(std::net::TcpListener, SocketAddr), StartError> {
    let error = |source| StartError::Listen { addr, source };
    let listener = std::net::TcpListener::bind(addr).map_err(error)?;
    listener.set_nonblocking(true).map_err(error)?;
    let bound = listener.local_addr().map_err(error)?;
    Ok((listener, bound))
}

impl HubHandle {
    /// Where the API listens.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Its counters.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Rises when the hub ends, asked for or by itself.
    #[must_use]
    pub fn ended(&self) -> watch::Receiver<bool> {
        self.ended.clone()
    }

    /// Stops it: what was taken is committed and acked. Blocks until it is done.
    pub fn stop(mut self) -> Result<(), RunError> {
        self.close()
    }

    fn close(&mut self) -> Result<(), RunError> {
        self.stop.send_replace(true);
        let Some((edge, writer)) = self.threads.take() else {
            return Ok(());
        };
        let edge = edge.join().map_err(|_| RunError::Panicked("network"));
        let writer = writer.join().map_err(|_| RunError::Panicked("writer"));
        writer?.map_err(RunError::Writer)?;
        edge
    }
}

impl Drop for HubHandle {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the hub did not end well"
            );
        }
    }
}

/// The asynchronous side: HTTP and the link.
struct Edge {
    config: HubConfig,
    source: Box<dyn Source>,
    worker: WorkerHandle,
    metrics: Arc<Metrics>,
    clock: Clock,
    stop: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
    end: watch::Sender<bool>,
    news: mpsc::Receiver<News>,
}

impl Edge {
    async fn run(self, listener: std::net::TcpListener, frames: link::Frames) {
        let snapshots = self.config.data.join(SNAPSHOT_DIRECTORY);
        let readers = Readers::new(self.source);
        let publisher = Publisher::new(readers.clone(), self.worker.clone(), snapshots.clone());
        let directory = self.config.data.join(BOOTSTRAP_DIRECTORY);
        let first_number = u64::try_from(self.clock.wall().as_millis()).unwrap_or(0);
        let bootstrap = Maker::new(readers.clone(), directory, first_number);
        let router = api::router(Parts {
            bootstrap,
            readers: readers.clone(),
            worker: self.worker.clone(),
            publisher: publisher.clone(),
            tenant: self.config.tenant.clone(),
            snapshots,
            token: self.config.http.token.clone(),
            silent_after_ms: self.config.silent_after_ms,
            metrics: Arc::clone(&self.metrics),
            clock: self.clock,
        });
        let http = serve(listener, router, self.stopped.clone());
        let link = link::run(link::LinkParts {
            config: &self.config,
            worker: self.worker.clone(),
            frames,
            metrics: Arc::clone(&self.metrics),
            stopped: self.stopped.clone(),
        });
        let channels = channels::run(
            channels::Parts {
                config: self.config.clone(),
                readers: readers.clone(),
                worker: self.worker.clone(),
                metrics: Arc::clone(&self.metrics),
                clock: self.clock,
            },
            self.news,
            self.stopped.clone(),
        );
        let publishing = publish_leftovers(publisher, self.stopped.clone());
        let mut all = std::pin::pin!(async { tokio::join!(http, link, publishing, channels) });
        tokio::select! {
            _ = &mut all => {}
            // The writer ended, asked to or by itself: nothing can be acked any more.
            () = self.worker.ended() => {
                self.stop.send_replace(true);
                let goodbye = Duration::from_millis(GOODBYE_MS_MAX);
                if tokio::time::timeout(goodbye, all).await.is_err() {
                    tracing::warn!("a client or the broker did not let go in time");
                }
            }
        }
        self.end.send_replace(true);
    }
}

async fn serve(
    listener: std::net::TcpListener,
    router: axum::Router,
    mut stopped: watch::Receiver<bool>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the API can't listen"),
    };
    let stop = async move {
        // A sender that is gone means the same as `true`.
        drop(stopped.wait_for(|it| *it).await);
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
    if let Err(error) = serving.await {
        tracing::error!(%error, "the API stopped serving");
    }
}

/// Publishes what an earlier run or a full disk left unpublished.
async fn publish_leftovers(publisher: Publisher, mut stopped: watch::Receiver<bool>) {
    let mut turns = tokio::time::interval(Duration::from_secs(PUBLISH_AGAIN_S));
    loop {
        tokio::select! {
            _ = stopped.wait_for(|it| *it) => return,
            _ = turns.tick() => {}
        }
        if let Err(error) = publisher.publish().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "will be tried again"
            );
        }
    }
}
