//! Every key of the configuration, defined once: type, default, unit, documentation.
//!
//! The macro below only saves writing each key three times (field, default, table of keys); it
//! adds no language of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shelf_stock::name::{StoreId, TenantId, TillId};

/// One key as documentation: where it stands, what it takes, what it is when absent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct KeyDoc {
    /// Table it stands in; empty for the top level.
    pub(crate) table: &'static str,
    /// The key.
    pub(crate) name: &'static str,
    /// Rust's name of its type.
    pub(crate) kind: &'static str,
    /// Default as written in the definition.
    pub(crate) default: &'static str,
    /// Unit of a number; empty otherwise.
    pub(crate) unit: &'static str,
    /// What it does.
    pub(crate) doc: &'static str,
}

macro_rules! settings {
    ($(#[doc = $about:literal])+ $name:ident [$table:literal] {
        $($(#[doc = $doc:literal])+ $key:ident: $kind:ty = $default:expr, $unit:literal;)*
    }) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $($(#[doc = $doc])+ pub(crate) $key: $kind,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl $name {
            pub(crate) const KEYS: &'static [KeyDoc] = &[$(KeyDoc {
                table: $table,
                name: stringify!($key),
                kind: stringify!($kind),
                default: stringify!($default),
                unit: $unit,
                doc: concat!($($doc),+),
            },)*];
        }
    };
}

macro_rules! words {
    ($($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $word:ident),* $(,)? })*) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($(#[doc = $doc])+ $word,)* }
    )*};
}

mod device;
mod zone;

pub(crate) use device::{DeviceKind, DeviceSettings, Flow, Parity, Prefix, Share, UhfFamily};
pub(crate) use zone::{RfidSettings, ZoneKind, ZoneSettings};

settings! {
    /// The whole configuration of one PC.
    Config [""] {
        /// The retailer's account at the hub.
        tenant: Option<TenantId> = None, "";
        /// The store that this PC stands in.
        store: Option<StoreId> = None, "";
        /// What people call this PC, such as `till 1` or `back office`.
        pc_name: String = "this PC".into(), "";
        /// ISO 4217 code of the currency that this store trades in.
        currency: String = "EUR".into(), "";
        /// Where the ledger and everything else that must survive is kept; absent: the system's
        /// or the user's usual folder.
        data_dir: Option<PathBuf> = None, "";
        /// The cloud hub.
        hub: HubSettings = HubSettings::default(), "";
        /// The other PCs of the store, over its own network.
        lan: LanSettings = LanSettings::default(), "";
        /// The local pages and API.
        http: HttpSettings = HttpSettings::default(), "";
        /// The ledger's file.
        ledger: LedgerSettings = LedgerSettings::default(), "";
        /// What is written about the running.
        log: LogSettings = LogSettings::default(), "";
        /// House rules of the store.
        policy: PolicySettings = PolicySettings::default(), "";
        /// How much is withheld from online.
        safety: SafetySettings = SafetySettings::default(), "";
        /// When the store is open.
        opening_hours: OpeningSettings = OpeningSettings::default(), "";
        /// Tills of this PC.
        till: Vec<TillSettings> = Vec::new(), "";
        /// Devices of this PC.
        device: Vec<DeviceSettings> = Vec::new(), "";
        /// Zones that RFID readers watch.
        zone: Vec<ZoneSettings> = Vec::new(), "";
        /// What is common to all zones.
        rfid: RfidSettings = RfidSettings::default(), "";
    }
}

settings! {
    /// How the hub is reached.
    HubSettings ["hub"] {
        /// The MQTT broker, `mqtt://host:port` or `mqtts://host:port`; absent: this PC works alone.
        broker: Option<String> = None, "";
        /// The hub's HTTP address, from where catalogues are downloaded.
        url: Option<String> = None, "";
        /// Name to give to the broker.
        username: Option<String> = None, "";
        /// File that holds the password for the broker (mode 0600).
        password_file: Option<PathBuf> = None, "";
        /// File with the certificate of the authority that signed the broker's; absent: the
        /// system's authorities.
        ca_file: Option<PathBuf> = None, "";
    }
}

settings! {
    /// How the other PCs of the store are reached without the hub.
    LanSettings ["lan"] {
        /// An MQTT broker in the store, another than the hub's, `mqtt://host:port` or
        /// `mqtts://host:port`; absent: PCs reach each other only through the hub.
        broker: Option<String> = None, "";
        /// Name to give to the broker.
        username: Option<String> = None, "";
        /// File that holds the password for the broker (mode 0600).
        password_file: Option<PathBuf> = None, "";
        /// File with the certificate of the authority that signed the broker's; absent: the
        /// system's authorities.
        ca_file: Option<PathBuf> = None, "";
        /// Public keys of the other PCs (64 hex digits; `shelfd status` shows each PC's), for a
        /// store without a hub: those that the hub's list names are known anyway.
        siblings: Vec<String> = Vec::new(), "";
    }
}

settings! {
    /// The local pages and API.
    HttpSettings ["http"] {
        /// Where they listen. Anything but loopback needs `token_file`.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8420)), "";
        /// File with the token that callers from other machines must send.
        token_file: Option<PathBuf> = None, "";
        /// Names under which other machines reach this PC, such as `till-1.shop.example`; the
        /// loopback names and the address of `listen` are known.
        hosts: Vec<String> = Vec::new(), "";
        /// How many bytes one request may have.
        request_bytes_max: usize = 1_048_576, "bytes";
    }
}

settings! {
    /// The ledger's file and its safety margins.
    LedgerSettings ["ledger"] {
        /// How much of the write-ahead log is written once at the start, so that commits never
        /// grow it; 0 switches it off.
        wal_prefill_mib: u32 = 64, "MiB";
        /// Room kept back, given up when the disk is full so that selling goes on.
        ballast_mib: u32 = 32, "MiB";
        /// How long documents are kept; older ones that the hub has are summed up. Longer than
        /// the hub's oldest backup is old. 0: for ever.
        keep_days: u32 = 400, "days";
        /// Where hourly backups go: another disk or a mounted share; absent: none are made.
        backup_dir: Option<PathBuf> = None, "";
    }
}

settings! {
    /// What is written about the running, and where.
    LogSettings ["log"] {
        /// `console`, `journald`, or `auto`: journald under systemd, else the console.
        target: LogTarget = LogTarget::Auto, "";
        /// Which events: `info`, `debug`, or a filter such as `shelfd=debug,shelf_link=trace`.
        filter: String = "info".into(), "";
    }
}

settings! {
    /// House rules of the store.
    PolicySettings ["policy"] {
        /// What the till does when the book says that there is none left: `nothing`, `warn`.
        out_of_stock: StockPolicy = StockPolicy::Warn, "";
        /// The same code again within this time is taken for one scan.
        duplicate_scan_ms: u64 = 300, "ms";
        /// Where returned goods of a group go: `{ food = "damaged", books = "floor" }`.
        returns: std::collections::BTreeMap<String, String> =
            std::collections::BTreeMap::new(), "";
        /// File that names managers and their PINs, `STAFF PIN` a line (mode 0600): they may let
        /// through what the rules refuse, such as a second hand-over.
        manager_pin_file: Option<PathBuf> = None, "";
        /// Layouts of the store's own weight and price codes, such as `21.....{NNDDD}`.
        measure_templates: Vec<String> = Vec::new(), "";
    }
}

settings! {
    /// How much is withheld from online: what errors cost, and how long goods are at risk.
    SafetySettings ["safety"] {
        /// How often an online order shall be deliverable although the shop goes on selling, where
        /// no costs are given.
        service_level_per_mille: u16 = 950, "per mille";
        /// What one cancelled unit costs (refund, voucher, the platform's penalty), in cents.
        cost_cancelled_cents: u32 = 0, "cents";
        /// What one unit that is hidden for nothing costs (its margin, times the chance that it
        /// would have sold online), in cents. Both costs together replace the service level.
        cost_hidden_cents: u32 = 0, "cents";
        /// How long a channel takes to show a new level.
        channel_lag_s: u32 = 60, "s";
        /// How long goods are in customers' trolleys before they are scanned.
        trolley_minutes: u32 = 20, "min";
        /// How long an order waits in opening time until it is picked; used until picks of this
        /// store have been measured.
        pick_minutes: u32 = 120, "min";
    }
}

settings! {
    /// When the store is open, by the clock of this PC: `09:00-20:00`, or several spans such as
    /// `09:00-13:00, 14:30-18:00`; one that ends before it begins goes on into the next day. A PC
    /// that is silent while the store is closed is not missed; without any of these keys every
    /// silence counts.
    OpeningSettings ["opening_hours"] {
        /// Mondays; empty: closed.
        monday: String = String::new(), "";
        /// Tuesdays; empty: closed.
        tuesday: String = String::new(), "";
        /// Wednesdays; empty: closed.
        wednesday: String = String::new(), "";
        /// Thursdays; empty: closed.
        thursday: String = String::new(), "";
        /// Fridays; empty: closed.
        friday: String = String::new(), "";
        /// Saturdays; empty: closed.
        saturday: String = String::new(), "";
        /// Sundays; empty: closed.
        sunday: String = String::new(), "";
    }
}

settings! {
    /// One till.
    TillSettings ["till"] {
        /// Its name, unique in the store.
        name: Option<TillId> = None, "";
        /// Which one source moves stock: `basket`, `api`, `file`, `tee` (the others are evidence).
        sales_source: SalesSourceSetting = SalesSourceSetting::Basket, "";
        /// `declared` if the store declares that it may lawfully settle cash here.
        fiscal: Fiscal = Fiscal::None, "";
        /// Its payment terminal: `zvt://HOST[:PORT]`, `zvt+serial:SELECTOR`, `ecr17://HOST:PORT` or
        /// `ecr17+serial:SELECTOR`, with a selector as `shelfd devices` prints it.
        terminal: Option<String> = None, "";
        /// Settings of the terminal's serial line, such as `9600-8N2`; absent: the protocol's own.
        terminal_line: Option<String> = None, "";
        /// Whether the terminal prints its slips; if not, they are shown on the till's page (ZVT).
        terminal_prints: bool = true, "";
        /// The terminal's own number, up to 8 digits (ECR17).
        terminal_id: Option<u32> = None, "";
        /// This till's number at the terminal, up to 8 digits (ECR17).
        terminal_register: u32 = 1, "";
        /// What the terminal's check bytes cover: `std`, `stx`, `noext` or `stx_noext` (ECR17).
        terminal_lrc: String = "std".to_owned(), "";
        /// File with the terminal's password, 6 digits (mode 0600); absent: 000000.
        terminal_password_file: Option<PathBuf> = None, "";
        /// Its receipt printer, `tcp:HOST:9100` or a serial line's selector: watched, and its
        /// drawer can be opened.
        printer: Option<String> = None, "";
        /// Settings of the printer's serial lines, such as `19200-8N1`; absent: `9600-8N1`.
        printer_line: Option<String> = None, "";
        /// Where another POS prints, to be passed on to `printer`: `tcp:ADDRESS:PORT` to listen on, or
        /// the selector of a serial line. Its receipts become evidence; with
        /// `sales_source = "tee"` they are the sales.
        printer_from: Option<String> = None, "";
        /// The words in front of the number on its receipts, such as `Bon-Nr`; absent: the usual
        /// words of several languages are looked for.
        receipt_number: Option<String> = None, "";
        /// Where another POS looks for its ZVT terminal, to be passed on to `tap_terminal`:
        /// `tcp:ADDRESS:PORT` to listen on, or the selector of a serial line. Its payments become
        /// evidence.
        tap_from: Option<String> = None, "";
        /// The terminal of that POS: `tcp:HOST:20007`, or the selector of a serial line.
        tap_terminal: Option<String> = None, "";
        /// A customer display that speaks CD5220: a serial line's selector, or `tcp:HOST:PORT`.
        display: Option<String> = None, "";
        /// Folder into which another POS drops its CSV or POSLog files.
        drop_dir: Option<PathBuf> = None, "";
    }
}

words! {
    /// Where log lines go.
    LogTarget {
        /// journald under systemd, else the console.
        Auto,
        /// Standard error.
        Console,
        /// The journal.
        Journald,
    }
    /// What happens when the book says that there is none left.
    StockPolicy {
        /// Nothing: the shelf is right.
        Nothing,
        /// A line on the till's screen.
        Warn,
    }
    /// Which source of a till moves stock.
    SalesSourceSetting {
        /// Our own till page.
        Basket,
        /// Another POS that calls our API.
        Api,
        /// Another POS that drops files.
        File,
        /// Another POS that only prints: its receipts are read on their way to the printer.
        Tee,
    }
    /// Whether this till may settle cash.
    Fiscal {
        /// It may not: stock is captured, money is another system's.
        None,
        /// The store declares that it is lawful here.
        Declared,
    }
}

/// Every key there is, table by table.
pub(crate) fn keys() -> impl Iterator<Item = &'static KeyDoc> {
    [
        Config::KEYS,
        HubSettings::KEYS,
        LanSettings::KEYS,
        HttpSettings::KEYS,
        LedgerSettings::KEYS,
        LogSettings::KEYS,
        PolicySettings::KEYS,
        SafetySettings::KEYS,
        OpeningSettings::KEYS,
        TillSettings::KEYS,
        DeviceSettings::KEYS,
        ZoneSettings::KEYS,
        RfidSettings::KEYS,
    ]
    .into_iter()
    .flatten()
}
