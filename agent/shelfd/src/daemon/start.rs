//! The blocking half of a start: ledger, tills, devices, in this order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use shelf_codecs::zvt::Password;
use shelf_devices::supervisor::Supervisor;
use shelf_ledger::{Depth, Ledger, OpenError, OpenOptions, Writer};
use shelf_stock::location::Location;
use shelf_stock::name::{StoreId, TillId};
use shelf_till::basket::TillConfig;
use tokio::sync::watch;

use super::counter::{Counter, CounterError};
use super::devices;
use super::lookup::Lookup;
use super::resolve::{Reading, ReadingError};
use super::shop::{Bell, CheckState, Shop, WanSwitch};
use super::status::SyncStatus;
use super::terminal::{self, TerminalDesk, TerminalEnd, terminal_address};
use crate::cli::Failure;
use crate::config::{Config, Fiscal, SalesSourceSetting, TillSettings};
use crate::platform::{self, MachineClock, MachineEntropy, MonoClock, files};

/// Where a PC without configuration keeps its ledger: it works alone.
pub(super) const STORE_WITHOUT_NAME: &str = "this-store";

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
    pub(super) terminals: Vec<Terminal>,
}

/// A terminal that waits for its task.
pub(crate) struct Terminal {
    address: SocketAddr,
    config: shelf_sessions::zvt::Config,
    end: TerminalEnd,
    counter: Arc<Counter>,
}

impl Terminal {
    /// Its task.
    pub(super) async fn run(self, writer: Writer, clock: MonoClock) {
        terminal::run(
            self.address,
            self.config,
            self.end,
            self.counter,
            writer,
            clock,
        )
        .await;
    }
}

pub(crate) fn open(
    config: Config,
    data: PathBuf,
    wan: Option<WanSwitch>,
) -> Result<Opened, StartError> {
    let clock = MonoClock::start();
    files::private_folder(&data).map_err(|source| StartError::File {
        path: data.clone(),
        source,
    })?;
    let (ledger, report) = Ledger::open(options(&config, &data, clock)?)?;
    tracing::info!(?report, "the ledger is open");
    let lookup = Lookup::new(ledger.readers().clone(), Reading::new(&config.policy)?);
    let bell = Bell::new();
    let (counters, terminals) = tills(&config, ledger.writer(), &bell)?;
    let devices = devices::start(&config, clock, &counters, &lookup)?;
    let sync = SyncStatus {
        broker: config.hub.broker.clone(),
        lan_broker: config.lan.broker.clone(),
        public_key: hex(ledger.key().public_key().as_bytes()),
        ..SyncStatus::default()
    };
    let shop = Shop {
        node: ledger.node().to_string(),
        started: platform::wall_now(),
        clock,
        writer: ledger.writer().clone(),
        readers: ledger.readers().clone(),
        lookup,
        counters,
        devices: devices.desk,
        loose: devices.loose,
        sync: watch::channel(sync).0,
        bell,
        machine: std::sync::OnceLock::new(),
        orders: super::orders::OrderBoard::new(),
        picking: super::picking::Picking::default(),
        compare: super::compare::Compare::default(),
        pins: super::pins::Pins::default(),
        ack_ms: std::sync::atomic::AtomicU64::new(0),
        reconsider: Mutex::default(),
        stopping: watch::channel(false).0,
        check: Mutex::default(),
        metrics: ledger.live_metrics(),
        tally: super::intake::Tally::default(),
        data,
        wan,
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

/// The tills that sell on our page, with the terminals that wait for their tasks.
fn tills(
    config: &Config,
    writer: &Writer,
    bell: &Bell,
) -> Result<(Counters, Vec<Terminal>), StartError> {
    let mut counters = BTreeMap::new();
    let mut terminals = Vec::new();
    let ours = |it: &&TillSettings| it.sales_source == SalesSourceSetting::Basket;
    for till in config.till.iter().filter(ours) {
        let Some(name) = till.name.clone() else {
            continue;
        };
        let (counter, terminal) =
            counter(till, name.clone(), config, writer.clone(), bell.clone())?;
        terminals.extend(terminal);
        counters.insert(name, counter);
    }
    Ok((counters, terminals))
}

fn options(
    config: &Config,
    data: &std::path::Path,
    clock: MonoClock,
) -> Result<OpenOptions, StartError> {
    let store = match &config.store {
        Some(store) => store.clone(),
        None => StoreId::new(STORE_WITHOUT_NAME).map_err(|error| StartError::Config {
            message: error.to_string(),
        })?,
    };
    let clock = Arc::new(MachineClock(clock));
    let mut options = OpenOptions::new(data, store, clock, Arc::new(MachineEntropy));
    options.wal_bytes = u64::from(config.ledger.wal_prefill_mib) << 20;
    options.ballast_bytes = u64::from(config.ledger.ballast_mib) << 20;
    Ok(options)
}

type OpenCounter = (Arc<Counter>, Option<Terminal>);

fn counter(
    till: &TillSettings,
    name: TillId,
    config: &Config,
    writer: Writer,
    bell: Bell,
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
    let Some(address) = &till.terminal else {
        return Ok((Counter::open(rules, writer, None, bell)?, None));
    };
    let address = terminal_address(address).ok_or_else(|| StartError::Config {
        message: format!("`till.terminal` is `{address}`: write zvt://HOST or zvt://HOST:PORT"),
    })?;
    let config = shelf_sessions::zvt::Config::new(password(till)?, currency(&config.currency)?);
    let (desk, end): (TerminalDesk, TerminalEnd) = terminal::desk();
    let counter = Counter::open(rules, writer, Some(desk), bell)?;
    Ok((
        counter.clone(),
        Some(Terminal {
            address,
            config,
            end,
            counter,
        }),
    ))
}

fn password(till: &TillSettings) -> Result<Password, StartError> {
    let text = match &till.terminal_password_file {
        Some(path) => files::read_secret(path).map_err(|source| StartError::File {
            path: path.clone(),
            source,
        })?,
        None => "000000".into(),
    };
    Password::new(&text).ok_or_else(|| StartError::Config {
        message: "the terminal's password is not six digits: mend `till.terminal_password_file`"
            .into(),
    })
}

/// ISO 4217 numbers of the currencies in which our terminals are paid.
fn currency(code: &str) -> Result<u16, StartError> {
    match code {
        "EUR" => Ok(978),
        "CHF" => Ok(756),
        "GBP" => Ok(826),
        "USD" => Ok(840),
        "SEK" => Ok(752),
        "DKK" => Ok(208),
        "NOK" => Ok(578),
        "PLN" => Ok(985),
        "CZK" => Ok(203),
        "HUF" => Ok(348),
        "CNY" => Ok(156),
        other => Err(StartError::Config {
            message: format!(
                "`currency` is `{other}`: terminals are paid in EUR, CHF, GBP, USD, SEK, DKK, NOK, \
                 PLN, CZK, HUF or CNY"
            ),
        }),
    }
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
