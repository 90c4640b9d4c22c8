//! The blocking half of a start: ledger, tills, devices, in this order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use shelf_devices::supervisor::Supervisor;
use shelf_ledger::{Depth, Ledger, OpenError, OpenOptions, Writer};
use shelf_stock::location::Location;
use shelf_stock::name::{StoreId, TillId};
use shelf_till::basket::TillConfig;
use tokio::sync::watch;

use super::badges::{BadgeError, Badges};
use super::counter::{Counter, CounterError};
use super::devices;
use super::lookup::Lookup;
use super::resolve::{Reading, ReadingError};
use super::rfid::{Around, Room, SoldTags};
use super::shop::{Bell, CheckState, Shop, WanSwitch};
use super::status::SyncStatus;
use super::terminal::{TerminalTask, given as given_terminal};
use crate::cli::Failure;
use crate::config::{Config, Fiscal, SalesSourceSetting, TillSettings};
use crate::platform::{self, MachineClock, MachineEntropy, MonoClock, files};

/// Where a PC without configuration keeps its ledger: it works alone.
const STORE_WITHOUT_NAME: &str = "this-store";

/// This PC can't start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The address of the pages is taken or not ours.
    #[error("the pages can't listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The ledger.
    #[error("the ledger can't be opened")]
    Ledger(#[from] OpenError),
    /// A till.
    #[error("a till can't be opened")]
    Counter(#[from] CounterError),
    /// The devices.
    #[error("the devices can't be started")]
    Devices(#[from] shelf_devices::supervisor::StartError),
    /// Staff badges.
    #[error("the staff's badges can't be read")]
    Badges(#[from] BadgeError),
    /// A layout of in-store codes.
    #[error("an in-store code can't be understood")]
    Reading(#[from] ReadingError),
    /// Something in the configuration, seen only now.
    #[error("{message}")]
    Config {
        /// What and what to do.
        message: String,
    },
    /// A file that the configuration names.
    #[error("{} can't be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No random bytes.
    #[error("no identity can be drawn")]
    Entropy(#[from] platform::EntropyError),
    /// No thread.
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
    /// A bug.
    #[error("the start panicked: report this with the log around it")]
    Panicked,
}

impl StartError {
    /// With the exit code and the next step that fit.
    pub(crate) fn into_failure(self) -> Failure {
        match &self {
            Self::Listen { address, source } => {
                let hint = match source.kind() {
                    std::io::ErrorKind::AddrInUse => format!(
                        "another program listens on {address}, perhaps another shelfd: stop it, or \
                         set `http.listen`"
                    ),
                    _ => "set `http.listen` to an address of this PC".to_owned(),
                };
                Failure::temporary(self).hint(hint)
            }
            Self::Config { .. } | Self::Reading(_) | Self::File { .. } => {
                Failure::configuration(self)
            }
            Self::Ledger(OpenError::Locked { .. }) => Failure::temporary(self),
            _ => Failure::new(self),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// What was opened.
pub(crate) struct Opened {
    pub(crate) shop: Arc<Shop>,
    pub(super) ledger: Ledger,
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) front: JoinHandle<()>,
    pub(super) terminals: Vec<TerminalTask>,
}

pub(crate) fn open(
    config: Config,
    data: PathBuf,
    wan: Option<WanSwitch>,
) -> Result<Opened, StartError> {
    let clock = MonoClock::start();
    super::beside::check(&config)?;
    files::private_folder(&data).map_err(|source| StartError::File {
        path: data.clone(),
        source,
    })?;
    let store = store(&config)?;
    let (ledger, report) = Ledger::open(options(&config, &data, store.clone(), clock))?;
    tracing::info!(?report, "the ledger is open");
    let lookup = Lookup::new(ledger.readers().clone(), Reading::new(&config.policy)?);
    let bell = Bell::new();
    let sold = Arc::new(SoldTags::load(ledger.writer()));
    let (counters, terminals) = tills(&config, ledger.writer(), &bell, &sold)?;
    let rfid = room(&config, &ledger, (clock, &bell), &counters, &lookup, sold);
    let badges = Arc::new(Badges::open(&data, platform::random_bytes()?)?);
    let devices = devices::start(&config, clock, &counters, &lookup, badges.clone(), &rfid)?;
    let sync = not_yet_heard(&config, &ledger);
    let shop = Shop {
        node: ledger.node().to_string(),
        started: platform::wall_now(),
        clock,
        writer: ledger.writer().clone(),
        readers: ledger.readers().clone(),
        lookup,
        counters,
        rfid,
        devices: devices.desk,
        loose: devices.loose,
        sync: watch::channel(sync).0,
        bell,
        machine: std::sync::OnceLock::new(),
        orders: super::orders::OrderBoard::new(),
        picking: super::picking::Picking::default(),
        compare: super::compare::Compare::default(),
        observations: super::observations::Observations::default(),
        badges,
        pins: super::pins::Pins::default(),
        ack_ms: std::sync::atomic::AtomicU64::new(0),
        reconsider: Mutex::default(),
        stopping: watch::channel(false).0,
        check: Mutex::default(),
        metrics: ledger.live_metrics(),
        tally: super::intake::Tally::default(),
        beside: super::beside::BesideBoard::default(),
        data,
        wan,
        store,
        config,
    };
    Ok(Opened {
        shop: Arc::new(shop),
        ledger,
        supervisor: devices.supervisor,
        front: devices.front,
        terminals,
    })
}

pub(super) type Counters = BTreeMap<TillId, Arc<Counter>>;

/// What RFID readers see, over the ledger and the tills.
fn room(
    config: &Config,
    ledger: &Ledger,
    (clock, bell): (MonoClock, &Bell),
    counters: &Counters,
    lookup: &Lookup,
    sold: Arc<SoldTags>,
) -> Arc<Room> {
    let around = Around {
        clock,
        counters: counters.clone(),
        lookup: lookup.clone(),
        writer: ledger.writer().clone(),
        bell: bell.clone(),
        sold,
    };
    Arc::new(Room::new(config, around))
}

/// The tills that sell on our page, with the terminals that wait for their tasks.
fn tills(
    config: &Config,
    writer: &Writer,
    bell: &Bell,
    sold: &Arc<SoldTags>,
) -> Result<(Counters, Vec<TerminalTask>), StartError> {
    let mut counters = BTreeMap::new();
    let mut terminals = Vec::new();
    let ours = |it: &&TillSettings| it.sales_source == SalesSourceSetting::Basket;
    for till in config.till.iter().filter(ours) {
        let Some(name) = till.name.clone() else {
            continue;
        };
        let (counter, terminal) = counter(
            till,
            name.clone(),
            config,
            writer.clone(),
            bell.clone(),
            sold.clone(),
        )?;
        terminals.extend(terminal);
        counters.insert(name, counter);
    }
    Ok((counters, terminals))
}

fn options(
    config: &Config,
    data: &std::path::Path,
    store: StoreId,
    clock: MonoClock,
) -> OpenOptions {
    let clock = Arc::new(MachineClock(clock));
    let mut options = OpenOptions::new(data, store, clock, Arc::new(MachineEntropy));
    options.wal_bytes = u64::from(config.ledger.wal_prefill_mib) << 20;
    options.ballast_bytes = u64::from(config.ledger.ballast_mib) << 20;
    options
}

fn store(config: &Config) -> Result<StoreId, StartError> {
    let named = config.store.clone().map(Ok);
    let store = named.unwrap_or_else(|| StoreId::new(STORE_WITHOUT_NAME));
    store.map_err(|error| StartError::Config {
        message: error.to_string(),
    })
}

/// How this PC stands to the hub before the first word between them.
fn not_yet_heard(config: &Config, ledger: &Ledger) -> SyncStatus {
    SyncStatus {
        broker: config.hub.broker.clone(),
        lan_broker: config.lan.broker.clone(),
        public_key: hex(ledger.key().public_key().as_bytes()),
        ..SyncStatus::default()
    }
}

type OpenCounter = (Arc<Counter>, Option<TerminalTask>);

fn counter(
    till: &TillSettings,
    name: TillId,
    config: &Config,
    writer: Writer,
    bell: Bell,
    sold: Arc<SoldTags>,
) -> Result<OpenCounter, StartError> {
    let mut rules = TillConfig::new(name);
    rules.fiscal = match till.fiscal {
        Fiscal::None => shelf_till::basket::Fiscal::None,
        Fiscal::Declared => shelf_till::basket::Fiscal::Declared,
    };
    rules.duplicate_guard_ms = i64::try_from(config.policy.duplicate_scan_ms).unwrap_or(i64::MAX);
    for (group, location) in &config.policy.returns {
        let location = location
            .parse::<Location>()
            .map_err(|error| StartError::Config {
                message: format!("`policy.returns.{group}`: {error}"),
            })?;
        rules.returns.by_group.insert(group.clone(), location);
    }
    let Some((desk, address, words, end)) = given_terminal(till, &config.currency)? else {
        return Ok((Counter::open(rules, writer, None, bell, sold)?, None));
    };
    let counter = Counter::open(rules, writer, Some(desk), bell, sold)?;
    let task = TerminalTask {
        address,
        words,
        end,
        counter: counter.clone(),
    };
    Ok((counter, Some(task)))
}

/// The long look at the ledger, in a thread that nobody waits for.
pub(super) fn check_in_background(shop: &Arc<Shop>, ledger: &Ledger) {
    let running = match ledger.start_check(Depth::Quick) {
        Ok(running) => running,
        Err(error) => {
            tracing::warn!(%error, "the ledger's check could not be started");
            return;
        }
    };
    let shop = shop.clone();
    tokio::task::spawn_blocking(move || {
        let complaints = match running.wait() {
            Some(Ok(report)) => report.findings,
            Some(Err(error)) => vec![error.to_string()],
            None => vec!["the check panicked".to_owned()],
        };
        for complaint in &complaints {
            tracing::error!(%complaint, "the ledger's check found something");
        }
        let state = CheckState {
            done: true,
            complaints,
        };
        *shop.check.lock().unwrap_or_else(PoisonError::into_inner) = state;
        shop.ring_pages();
    });
}
