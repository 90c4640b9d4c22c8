//! The command line of the hub: `run`, `check`, `replay`, `orders`, `levels`, `exceptions`, `pcs`,
//! `recovery`, `keys`.
//!
//! Reads arguments and the configuration, prints for people or, with `--json`, for programs, and
//! turns errors into exit codes: 1 failed, 2 usage, 75 try again later, 78 configuration. What a
//! hub does is in the library.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the command line: answers go to stdout, errors to stderr"
)]

mod about;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use shelf_hub::ask;
use shelf_hub::check;
use shelf_hub::config::{self, ConfigError, HubConfig, Overrides};
use shelf_hub::database::DatabaseError;
use shelf_hub::logging;
use shelf_hub::platform;
use shelf_hub::replay::args::ReplayArgs;
use shelf_hub::replay::{self, Progress, ReplayError, chart};
use shelf_hub::restored;
use shelf_hub::server::{HubServer, StartError};
use shelf_hub::worker::Acks;
use shelf_ledger::OpenError;

const EXIT_TEMPORARY: u8 = 75;
const EXIT_CONFIG: u8 = 78;

/// The hub of shelfd: keeps every store's documents, folds their stock, hands out the catalogue.
///
/// It needs a configuration file with two lines (`tenant = "…"`, `data_dir = "…"`), an MQTT 5
/// broker such as mosquitto beside it, and nothing else: the database is made at the first start.
#[derive(Debug, Parser)]
#[command(
    name = "shelf-hub",
    version,
    after_help = "\
Examples:
  shelf-hub check --config hub.toml       is this configuration right, is the database well?
  shelf-hub run --config hub.toml         serve stores until stopped (Ctrl-C or SIGTERM)
  shelf-hub run --config hub.toml --restored
                                          the same, the first time after a backup was put back:
                                          nothing is sold until stores and channels have told again
                                          what was promised (`shelf-hub recovery --store NAME`)
  shelf-hub replay --items items.csv --sales sales.csv.gz
                                          what would safety stock have done with your sales?
  shelf-hub keys                          every key of the configuration
  curl -H 'Content-Type: text/csv' --data-binary @items.csv http://127.0.0.1:8430/api/v1/catalogue

SHELF_HUB_LOG says what `run` logs to standard error: `info` (as without it), `shelf_hub=debug,info`.
Exit codes: 0 done, 1 failed, 2 wrong arguments, 75 try again later, 78 wrong configuration."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve stores until stopped.
    Run(RunArgs),
    /// Say whether the configuration and the database are well, and change nothing.
    Check(CheckArgs),
    /// Replay your own sales: cancelled orders and hidden stock, against the usual ways.
    Replay(ReplayArgs),
    /// Show a store's orders, as a running hub has them.
    Orders(AskArgs),
    /// Show what a channel is shown of a store, and why.
    Levels {
        #[command(flatten)]
        ask: AskArgs,
        /// Which channel.
        #[arg(long, value_name = "NAME")]
        channel: String,
    },
    /// Show what somebody should look at in a store.
    Exceptions(AskArgs),
    /// Show a store's PCs: which are here, which are silent although the store is open.
    Pcs(AskArgs),
    /// Show whether a store sells again after a backup was put back, and what is missing.
    Recovery(AskArgs),
    /// Print what makes a shell complete this program's words: `shelf-hub completions bash`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// List every key of the configuration.
    Keys {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    place: Place,
    /// Print one JSON line with the address of the API when it serves.
    #[arg(long)]
    json: bool,
    /// The database was put back from a backup: sell nothing online until every store and channel
    /// has said again what was promised. For one start only, not for the unit's file.
    #[arg(long)]
    restored: bool,
    /// For the kill test: ack before the commit, to prove that the test would notice.
    #[arg(long, hide = true)]
    control_that_loses_data: bool,
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    place: Place,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct AskArgs {
    /// Which store.
    #[arg(long, value_name = "NAME")]
    store: String,
    /// Where the hub's API is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8430")]
    url: String,
    /// File holding the token that the API asks for.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print what the API answers.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Place {
    /// The configuration file (TOML); `shelf-hub keys` explains its keys.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Directory of the data, instead of `data_dir`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The database, instead of `database.url`: `sqlite`, or a PostgreSQL.
    #[arg(long, value_name = "sqlite|postgres://…")]
    database: Option<String>,
    /// Name of this worker where several share one PostgreSQL, instead of `worker.name`.
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// The broker, instead of `broker.url`.
    #[arg(long, value_name = "mqtt://HOST:PORT")]
    broker: Option<String>,
    /// Address of the API, instead of `http.listen`; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

impl Place {
    fn load(&self) -> Result<HubConfig, ConfigError> {
        let overrides = Overrides {
            data: self.data.clone(),
            database_url: self.database.clone(),
            worker: self.worker.clone(),
            broker_url: self.broker.clone(),
            listen: self.listen,
        };
        config::load(&self.config, &overrides)
    }
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run(&args),
        Command::Check(args) => checked(&args),
        Command::Replay(args) => replayed(&args),
        Command::Orders(args) => asked(&args, "orders", ("orders", &ORDER_COLUMNS)),
        Command::Levels { ask, channel } => {
            let path = format!("/api/v1/channels/{channel}/levels?store={}", ask.store);
            shown(&ask, &path, ("levels", &LEVEL_COLUMNS))
        }
        Command::Exceptions(args) => asked(&args, "exceptions", ("orders", &EXCEPTION_COLUMNS)),
        Command::Pcs(args) => asked(&args, "nodes", ("nodes", &NODE_COLUMNS)),
        Command::Recovery(args) => recovery(&args),
        Command::Completions { shell } => about::completions(shell, &mut Cli::command()),
        Command::Keys { json } => about::listed(json),
    }
}

/// The most bytes of a token's file.
const TOKEN_BYTES_MAX: u64 = 4096;
const ORDER_COLUMNS: [&str; 5] = ["order", "channel", "state", "payment", "revision"];
const LEVEL_COLUMNS: [&str; 5] = [
    "item",
    "shown_thousandths",
    "sellable_thousandths",
    "quota_left_thousandths",
    "haircut_thousandths",
];
const EXCEPTION_COLUMNS: [&str; 4] = ["order", "what", "owner", "hint"];
const NODE_COLUMNS: [&str; 5] = ["node", "state", "version", "unsynced", "words"];

fn asked(args: &AskArgs, what: &str, rows: (&str, &[&str])) -> ExitCode {
    let path = format!("/api/v1/stores/{}/{what}?limit=1000", args.store);
    shown(args, &path, rows)
}

/// Asks a running hub and shows some of its answer, or all of it as JSON.
fn shown(args: &AskArgs, path: &str, (rows, columns): (&str, &[&str])) -> ExitCode {
    let answer = match answered(args, path) {
        Ok(answer) => answer,
        Err(code) => return code,
    };
    if args.json {
        println!("{answer}");
        return ExitCode::SUCCESS;
    }
    match answer.get(rows).and_then(serde_json::Value::as_array) {
        Some(found) if !found.is_empty() => println!("{}", ask::table(found, columns)),
        _ => println!("there is nothing"),
    }
    ExitCode::SUCCESS
}

/// Whether a store sells again, in words; 75 while something is missing.
fn recovery(args: &AskArgs) -> ExitCode {
    let path = format!("/api/v1/stores/{}/recovery", args.store);
    let answer = match answered(args, &path) {
        Ok(answer) => answer,
        Err(code) => return code,
    };
    let sells = answer["sells"] == true;
    if args.json {
        println!("{answer}");
    } else if sells {
        println!("{} sells online", args.store);
    } else {
        println!("{} sells nothing online until:", args.store);
        for (key, words) in [
            (
                "rights_missing",
                "its granting PC has told what it granted (is it switched on?)",
            ),
            (
                "orders_missing",
                "its PCs have told the orders that they know",
            ),
        ] {
            if answer[key] == true {
                println!("  {words}");
            }
        }
        for channel in answer["channels_missing"].as_array().into_iter().flatten() {
            let channel = channel.as_str().unwrap_or_default();
            println!(
                "  channel {channel} has placed its orders again, and said so: POST \
                 /api/v1/channels/{channel}/reconciled"
            );
        }
    }
    match sells {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(EXIT_TEMPORARY),
    }
}

/// What a running hub answers.
fn answered(args: &AskArgs, path: &str) -> Result<serde_json::Value, ExitCode> {
    let token = match &args.token_file {
        None => None,
        Some(file) => match platform::read_text(file, TOKEN_BYTES_MAX) {
            Ok(token) => Some(config::Secret::new(token.trim())),
            Err(error) => return Err(complain(&error, "name a file that this user may read", 1)),
        },
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| complain(&error, "free some memory", EXIT_TEMPORARY))?;
    let answer = runtime.block_on(ask::get(&args.url, path, token.as_ref()));
    answer.map_err(|error| complain(&error, "is the hub running there? see --url", 1))
}

fn run(args: &RunArgs) -> ExitCode {
    match served(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

/// The configuration, after what a restored backup asks for.
fn configured(args: &RunArgs) -> Result<HubConfig, ExitCode> {
    logging::start().map_err(|error| {
        complain(
            &error,
            "write `info` or `shelf_hub=debug,info`",
            EXIT_CONFIG,
        )
    })?;
    let config = args.place.load();
    let config = config.map_err(|error| complain(&error, error.hint(), EXIT_CONFIG))?;
    if args.restored {
        let stores = restored::mark(&config)
            .map_err(|error| complain(&error, "is another hub running on this data?", 1))?;
        tracing::warn!(
            ?stores,
            "restored from a backup: see /stores/{{store}}/recovery"
        );
    }
    Ok(config)
}

/// Serves until somebody asks it to stop, or it can't go on.
fn served(args: &RunArgs) -> Result<(), ExitCode> {
    let config = configured(args)?;
    let acks = match args.control_that_loses_data {
        true => Acks::ControlThatLosesData,
        false => Acks::AfterCommit,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| complain(&error, "free some memory", EXIT_TEMPORARY))?;
    // Asked for before the start, so that no signal goes unheard.
    let stop_asked = {
        let _inside = runtime.enter();
        stop_signal()
    };
    let stop_asked = stop_asked.map_err(|error| complain(&error, "is this a usual system?", 1))?;
    let handle = HubServer::start_with(&config, acks)
        .map_err(|error| complain(&error, start_hint(&error), start_code(&error)))?;
    let http = handle.http_addr();
    tracing::info!(%http, tenant = %config.tenant, "the hub serves");
    if args.json {
        println!(
            "{}",
            serde_json::json!({ "event": "serving", "http": http.to_string() })
        );
    }
    let mut ended = handle.ended();
    runtime.block_on(async {
        tokio::select! {
            () = stop_asked => tracing::info!("stopping: what was taken is committed and acked"),
            _ = ended.wait_for(|it| *it) => {}
        }
    });
    let stopped = handle.stop();
    stopped.map_err(|error| complain(&error, "the log says what happened before", 1))
}

/// Ends when somebody asks the process to stop.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn start_hint(error: &StartError) -> &'static str {
    match error {
        StartError::Listen { .. } => "stop the other program, or set `http.listen`",
        StartError::Storage(_) => "is PostgreSQL running, and may this user use its database?",
        StartError::Database(_) => "is the disk full, or is another hub running on this data?",
        StartError::Resource { .. } => "free some memory and start again",
    }
}

/// 78 where somebody must decide something first, 75 where waiting may help.
fn start_code(error: &StartError) -> u8 {
    match error {
        StartError::Database(DatabaseError::TooNew { .. }) => EXIT_CONFIG,
        StartError::Database(DatabaseError::Open(source)) => match source {
            OpenError::Locked { .. } | OpenError::Io { .. } | OpenError::Sqlite { .. } => {
                EXIT_TEMPORARY
            }
            OpenError::NotALedger { .. }
            | OpenError::OtherApplication { .. }
            | OpenError::TooNew { .. } => EXIT_CONFIG,
            _ => 1,
        },
        _ => EXIT_TEMPORARY,
    }
}

fn checked(args: &CheckArgs) -> ExitCode {
    let config = match args.place.load() {
        Ok(config) => config,
        Err(error) => return complain(&error, error.hint(), EXIT_CONFIG),
    };
    let findings = check::run(&config);
    if args.json {
        println!("{}", serde_json::json!({ "findings": findings }));
    } else {
        for finding in &findings {
            println!(
                "{:<5} {}: {}",
                finding.verdict.word(),
                finding.title,
                finding.detail
            );
            if let Some(hint) = &finding.hint {
                println!("      hint: {hint}");
            }
        }
    }
    match findings.iter().any(|it| it.verdict == check::Verdict::Fail) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

fn replayed(args: &ReplayArgs) -> ExitCode {
    let watched = std::io::stderr().is_terminal();
    let mut show = |progress: Progress| {
        let Progress { doing, done, of } = progress;
        let of = if of > 0 {
            format!(" of {of}")
        } else {
            String::new()
        };
        if watched {
            eprint!("\r{doing}: {done}{of}          ");
        }
    };
    let report = replay::run(&args.options(), &mut show);
    if watched {
        eprint!("\r{:60}\r", "");
    }
    let report = match report {
        Ok(report) => report,
        Err(error) => return complain(&error, replay_hint(&error), 1),
    };
    if let Some(path) = &args.chart
        && let Err(error) = platform::write_whole(path, chart::svg(&report).as_bytes())
    {
        return complain(&error, "is the directory there, and yours?", 1);
    }
    match args.json {
        true => println!("{}", report.json()),
        false => print!("{report}"),
    }
    ExitCode::SUCCESS
}

const fn replay_hint(error: &ReplayError) -> &'static str {
    match error {
        ReplayError::File(_) => "is the path right?",
        ReplayError::Column { .. } => "rename the column in the header of the file",
        ReplayError::Broken { .. } => "is the file whole? unpack it to see",
        ReplayError::Nothing { .. } => "`shelf-hub replay --help` says what files look like",
    }
}

/// Prints an error, its causes and a hint.
fn complain(error: &dyn std::error::Error, hint: &str, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        eprintln!("  because: {source}");
        cause = source.source();
    }
    if !hint.is_empty() {
        eprintln!("\nhint: {hint}");
    }
    ExitCode::from(code)
}
