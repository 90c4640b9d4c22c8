//! The demo's machinery in one process: broker, hub, WAN, two PCs, scanners and terminals.
//!
//! The PCs are the same [`Daemon`] that `shelfd run` starts, with configurations as a shop would
//! write them; the hub is the same server that `shelf-hub run` starts. Everything here listens on
//! loopback and is stopped in reverse order.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shelf_hub::broker::{Broker, BrokerError};
use shelf_hub::config::HubConfig;
use shelf_hub::server::{HubHandle, HubServer};
use shelf_sim::scanner_pty::{Framing, PtyScanner};
use shelf_sim::zvt_terminal::{TerminalConfig, TerminalHandle};
use shelf_stock::name::{NameError, StoreId, TenantId, TillId};
use tokio::task::JoinSet;

use super::lag::Lag;
use super::pace::Pace;
use super::plate::Plate;
use super::tags::Tags;
use super::wan::Wan;
use crate::config::{Config, DeviceSettings, Fiscal, SalesSourceSetting, TillSettings};
use crate::daemon::{Daemon, StartError};
use crate::platform::{MonoClock, files};

/// The store's name.
pub(super) const STORE: &str = "store-1";
const TENANT: &str = "demo";
/// The ports that the pages have where they are free.
const PORTS: [u16; 2] = [8420, 8421];
/// Bytes of one request to a PC: a whole shop's opening stock.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The demo can't be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorldError {
    /// A folder.
    #[error("{} can't be made", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The broker.
    #[error("the built-in broker can't be started")]
    Broker(#[from] BrokerError),
    /// The hub.
    #[error("the hub can't be started")]
    Hub(#[from] shelf_hub::server::StartError),
    /// The WAN.
    #[error("the WAN can't be laid")]
    Wan(#[source] std::io::Error),
    /// A simulated device.
    #[error("a simulated {device} can't be started: {why}")]
    Device {
        /// What.
        device: &'static str,
        /// Why.
        why: String,
    },
    /// A PC.
    #[error("a PC can't be started")]
    Pc(#[from] StartError),
    /// A name of ours.
    #[error("a name of the demo can't be used")]
    Name(#[from] NameError),
    /// The runtime.
    #[error("a part of the demo panicked: report this with the log around it")]
    Panicked,
}

/// One of our tills with its devices.
pub(super) struct OwnTill {
    /// Its name.
    pub(super) name: &'static str,
    /// Its PC.
    pub(super) pc: usize,
    /// Whether cash may be settled.
    pub(super) takes_cash: bool,
    /// Its scanner; taken by the cashier.
    pub(super) scanner: Option<PtyScanner>,
    /// Its terminal.
    pub(super) terminal: Arc<TerminalHandle>,
    /// Its scale, if it has one.
    pub(super) plate: Option<Plate>,
}

/// Everything that runs.
pub(super) struct World {
    broker: Broker,
    hub: HubHandle,
    carriers: JoinSet<()>,
    /// The WAN.
    pub(super) wan: Wan,
    /// The PCs.
    pub(super) pcs: Vec<Daemon>,
    /// Their ways to the hub.
    pub(super) lags: Vec<Arc<Lag>>,
    /// Our tills.
    pub(super) tills: Vec<OwnTill>,
}

/// The existing POS: its till and its PC.
pub(super) const POS: (&str, usize) = ("till-3", 1);
/// The one of our tills that has a scale.
const WEIGHS: &str = "till-2";
/// Our tills: name, PC, cash.
const OWN: [(&str, usize, bool); 2] = [("till-1", 0, false), ("till-2", 1, true)];

/// What a world is made from.
pub(super) struct Plan<'a> {
    /// Where it keeps its data.
    pub(super) folder: &'a Path,
    /// Goods with tags, and their reader.
    pub(super) tags: &'a Tags,
    /// What the simulators' chance begins with.
    pub(super) seed: u64,
    /// Layouts of weight codes.
    pub(super) measure_templates: Vec<String>,
    /// How fast.
    pub(super) pace: Pace,
    /// Whether the usual ports are wanted.
    pub(super) usual_ports: bool,
    /// Time.
    pub(super) clock: MonoClock,
}

impl World {
    /// Starts everything, the hub first.
    pub(super) async fn start(plan: &Plan<'_>) -> Result<Self, WorldError> {
        let (folder, clock) = (plan.folder, plan.clock);
        let broker = blocking(Broker::start).await??;
        let config = hub_config(folder, broker.addr())?;
        let hub = blocking(move || HubServer::start(&config)).await??;
        let wan = Wan::new(clock);
        let mut carriers = JoinSet::new();
        let to_broker = wan
            .way_to(broker.addr(), &mut carriers)
            .await
            .map_err(WorldError::Wan)?;
        let to_hub = wan
            .way_to(hub.http_addr(), &mut carriers)
            .await
            .map_err(WorldError::Wan)?;
        let mut tills = Vec::new();
        for own in OWN {
            tills.push(own_till(plan, own)?);
        }
        let (mut pcs, mut lags) = (Vec::new(), Vec::new());
        for (index, port) in PORTS.into_iter().enumerate() {
            let mut config = pc_config(index, to_broker, to_hub, plan)?;
            for till in tills.iter().filter(|it| it.pc == index) {
                add_till(&mut config, till)?;
            }
            if index == 0 {
                plan.tags.add_to(&mut config);
            }
            if POS.1 == index {
                config.till.push(TillSettings {
                    name: Some(TillId::new(POS.0)?),
                    sales_source: SalesSourceSetting::Api,
                    ..TillSettings::default()
                });
            }
            config.http.listen = address(port, plan.usual_ports);
            let data = folder.join(format!("pc-{}", index + 1));
            let pc = Daemon::start(config, data, Some(wan.switch())).await?;
            lags.push(Arc::new(Lag::new(pc.shop.clone(), clock)));
            pcs.push(pc);
        }
        for lag in &lags {
            carriers.spawn(lag.clone().follow());
        }
        Ok(Self {
            broker,
            hub,
            carriers,
            wan,
            pcs,
            lags,
            tills,
        })
    }

    /// Where the hub's API is, not over the WAN.
    pub(super) fn hub_url(&self) -> String {
        format!("http://{}", self.hub.http_addr())
    }

    /// The pages of the PCs.
    pub(super) fn urls(&self) -> Vec<String> {
        self.pcs
            .iter()
            .map(|it| format!("http://{}", it.http))
            .collect()
    }

    /// Stops everything, the PCs first, so that they can say goodbye.
    pub(super) async fn stop(mut self) {
        for pc in self.pcs {
            pc.stop().await;
        }
        self.carriers.shutdown().await;
        let (hub, broker) = (self.hub, self.broker);
        let stopped = blocking(move || {
            let stopped = hub.stop();
            broker.stop();
            stopped
        });
        if let Ok(Err(error)) = stopped.await {
            tracing::warn!(%error, "the hub did not end well");
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WorldError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| WorldError::Panicked)
}

fn hub_config(folder: &Path, broker: SocketAddr) -> Result<HubConfig, WorldError> {
    let data = folder.join("hub");
    let failed = |source| WorldError::Folder {
        path: data.clone(),
        source,
    };
    files::private_folder(&data).map_err(failed)?;
    let tenant = TenantId::new(TENANT)?;
    Ok(HubConfig::local(tenant, data, Some(broker)))
}

fn pc_config(
    index: usize,
    broker: SocketAddr,
    hub: SocketAddr,
    plan: &Plan<'_>,
) -> Result<Config, WorldError> {
    let mut config = Config {
        tenant: Some(TenantId::new(TENANT)?),
        store: Some(StoreId::new(STORE)?),
        pc_name: format!("PC {}", index + 1),
        ..Config::default()
    };
    config.hub.broker = Some(format!("mqtt://{broker}"));
    config.hub.url = Some(format!("http://{hub}"));
    config.http.request_bytes_max = REQUEST_BYTES_MAX;
    config.policy.duplicate_scan_ms = plan.pace.guard_ms();
    config.safety = plan.pace.safety();
    config
        .policy
        .measure_templates
        .clone_from(&plan.measure_templates);
    Ok(config)
}

fn own_till(
    plan: &Plan<'_>,
    (name, pc, takes_cash): (&'static str, usize, bool),
) -> Result<OwnTill, WorldError> {
    let device = |device| move |why: String| WorldError::Device { device, why };
    let link = plan.folder.join(format!("scanner-{name}"));
    let scanner = PtyScanner::plug(link, Framing::default());
    let scanner = scanner.map_err(|it| device("scanner")(it.to_string()))?;
    let terminal = TerminalHandle::start(0, TerminalConfig::default(), Vec::new());
    let terminal = terminal.map_err(|it| device("terminal")(format!("{it:#}")))?;
    let plate = (name == WEIGHS)
        .then(|| Plate::start(plan.seed))
        .transpose();
    let plate = plate.map_err(|it| device("scale")(format!("{it:#}")))?;
    Ok(OwnTill {
        name,
        pc,
        takes_cash,
        scanner: Some(scanner),
        terminal: Arc::new(terminal),
        plate,
    })
}

fn add_till(config: &mut Config, till: &OwnTill) -> Result<(), WorldError> {
    config.till.push(TillSettings {
        name: Some(TillId::new(till.name)?),
        terminal: Some(format!("zvt://{}", till.terminal.addr())),
        fiscal: if till.takes_cash {
            Fiscal::Declared
        } else {
            Fiscal::None
        },
        ..TillSettings::default()
    });
    config
        .device
        .extend(till.plate.iter().map(|it| it.settings(till.name)));
    let path = till
        .scanner
        .as_ref()
        .map(|it| it.path().display().to_string());
    config.device.push(DeviceSettings {
        name: format!("scanner of {}", till.name),
        select: format!("path:{}", path.unwrap_or_default()),
        role: format!("till:{}", till.name),
        ..DeviceSettings::default()
    });
    Ok(())
}

/// The usual address of the pages where it is free, else any.
fn address(port: u16, usual: bool) -> SocketAddr {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let free = usual && std::net::TcpListener::bind(wanted).is_ok();
    if free {
        wanted
    } else {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }
}
