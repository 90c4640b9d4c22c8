//! The composition of a running PC: what is started in which order, and stopped in the reverse.
//!
//! Order matters in one direction only: nothing may take a scan before the ledger is open, and
//! the ledger closes last. Each part owns its own threads or tasks; this module owns the parts.

pub(crate) mod backup;
pub(crate) mod badges;
pub(crate) mod beside;
pub(crate) mod bootstrap;
pub(crate) mod broker;
pub(crate) mod catalogue;
pub(crate) mod compact;
pub(crate) mod compare;
pub(crate) mod counter;
pub(crate) mod devices;
pub(crate) mod drop_folder;
pub(crate) mod front;
pub(crate) mod given;
pub(crate) mod intake;
pub(crate) mod lan;
pub(crate) mod logging;
pub(crate) mod lookup;
pub(crate) mod notify;
pub(crate) mod observations;
pub(crate) mod order_steps;
pub(crate) mod orders;
pub(crate) mod picking;
pub(crate) mod pins;
pub(crate) mod presence;
pub(crate) mod resolve;
pub(crate) mod rfid;
pub(crate) mod safety;
pub(crate) mod scales;
pub(crate) mod shop;
pub(crate) mod sign_on;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod status_board;
pub(crate) mod sync;
pub(crate) mod terminal;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use shelf_devices::supervisor::Supervisor;
use shelf_ledger::Ledger;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::Failure;
use crate::config::Config;
use shop::{Shop, WanSwitch};
pub(crate) use start::StartError;

/// Stack of a blocking thread: readers and tills need little.
const THREAD_STACK_BYTES: usize = 512 * 1024;
/// Blocking threads at most: page reads and till inputs.
const BLOCKING_THREADS_MAX: usize = 16;

/// A running PC.
pub(crate) struct Daemon {
    /// What its parts share.
    pub(crate) shop: Arc<Shop>,
    /// Where its pages are.
    pub(crate) http: SocketAddr,
    ledger: Arc<Ledger>,
    supervisor: Arc<Supervisor>,
    front: JoinHandle<()>,
    tasks: JoinSet<()>,
}

/// `shelfd run`: starts, tells systemd, waits for a signal, stops.
pub(crate) fn run_until_stopped(config: Config, data: PathBuf) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_stack_size(THREAD_STACK_BYTES)
        .build()
        .map_err(Failure::new)?;
    runtime.block_on(async {
        let daemon = Daemon::start(config, data, None)
            .await
            .map_err(StartError::into_failure)?;
        tracing::info!(http = %daemon.http, node = %daemon.shop.node, "ready");
        notify::ready(&format!("http://{}", daemon.http));
        notify::watchdog(&daemon.shop, stopped()).await;
        tracing::info!("stopping");
        notify::stopping();
        daemon.stop().await;
        Ok(())
    })
}

/// SIGTERM or SIGINT.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::error!(%error, "a signal can't be waited for");
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
    }
}

impl Daemon {
    /// Opens the ledger, then the tills, the devices, the pages and the way to the hub.
    pub(crate) async fn start(
        config: Config,
        data: PathBuf,
        wan: Option<WanSwitch>,
    ) -> Result<Self, StartError> {
        let listener = TcpListener::bind(config.http.listen)
            .await
            .map_err(|source| StartError::Listen {
                address: config.http.listen,
                source,
            })?;
        let http = listener.local_addr().map_err(|source| StartError::Listen {
            address: config.http.listen,
            source,
        })?;
        let opened = tokio::task::spawn_blocking(move || start::open(config, data, wan))
            .await
            .map_err(|_| StartError::Panicked)??;
        let start::Opened {
            shop,
            ledger,
            supervisor,
            front,
            terminals,
        } = opened;
        let stop = shop.stopping.subscribe();
        let mut tasks = JoinSet::new();
        for terminal in terminals {
            tasks.spawn(terminal::run(terminal, shop.writer.clone(), shop.clock));
        }
        let ledger = Arc::new(ledger);
        shop.compare.begin(&shop, &ledger);
        sync::start(&shop, &ledger, stop.clone(), &mut tasks)?;
        drop_folder::start(&shop, stop.clone(), &mut tasks);
        beside::start(&shop, &stop, &mut tasks)?;
        safety::start(&shop, stop.clone(), &mut tasks);
        devices::attend(&shop, &stop, &mut tasks);
        rfid::start(&shop, stop.clone(), &mut tasks);
        compact::start(&shop, stop.clone(), &mut tasks);
        let router = crate::api::router(shop.clone());
        let stopped = stop.clone();
        tasks.spawn(serve(listener, router, stop));
        start::check_in_background(&shop, &ledger);
        backup::start(&shop, &ledger, stopped, &mut tasks);
        Ok(Self {
            shop,
            http,
            ledger,
            supervisor,
            front,
            tasks,
        })
    }

    /// Stops taking scans, finishes what was taken, tells the hub goodbye, closes the ledger.
    pub(crate) async fn stop(mut self) {
        self.supervisor.stop();
        let front = self.front;
        let _joined = tokio::task::spawn_blocking(move || front.join()).await;
        self.shop.stopping.send_replace(true);
        let grace = std::time::Duration::from_millis(STOP_GRACE_MS_MAX);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            self.tasks.shutdown().await;
        }
        let _closed = tokio::task::spawn_blocking(move || drop(self.ledger)).await;
    }
}

/// How long the parts may take to end by themselves.
const STOP_GRACE_MS_MAX: u64 = 3_000;

async fn serve(listener: TcpListener, router: axum::Router, mut stop: watch::Receiver<bool>) {
    let stopped = async move {
        // An error means that the daemon is gone, which is a stop as well.
        let _seen = stop.wait_for(|it| *it).await;
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service)
        .with_graceful_shutdown(stopped)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the pages ended");
    }
}
