//! Payment terminals, a receipt printer and a customer display on the command line. Every line that is typed
//! is an order; the end of the input unplugs the device.

use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use shelf_codecs::ecr17::LrcMode;
use shelf_sim::customer_display::CustomerDisplay;
use shelf_sim::ecr17_terminal::{Ecr17Config, Ecr17Handle, Ecr17Script};
use shelf_sim::line_server::LineServer;
use shelf_sim::receipt_printer;
use shelf_sim::zvt_terminal::{PaymentScript, Pull, TerminalConfig, TerminalHandle};

/// A device at the till's cash side.
#[derive(Subcommand)]
pub(crate) enum PayDevice {
    /// A ZVT payment terminal; an order is how the next payment goes: `approve`, `decline`, `cancel`,
    /// `pull-before` or `pull-after` (the acknowledgement), `card DIGITS` (sends the whole number),
    /// or `books`.
    Zvt(PayLine),
    /// An ECR17 payment terminal; an order is `approve`, `decline`, `damage`, `nak`, `card DIGITS` or
    /// `books`.
    Ecr17(Ecr17Line),
    /// A receipt printer; an order is `receipts`, `paper-end`, `cover-open`, `silent` or `ready`.
    Printer(PayLine),
    /// A customer display; every order says what it shows.
    Display(PayLine),
}

/// Where it is.
#[derive(Args)]
pub(crate) struct PayLine {
    /// Where the host opens its pseudo-terminal; absent: it is on TCP.
    #[arg(long)]
    pty: Option<PathBuf>,
    /// Port on the loopback interface; 0 takes a free one.
    #[arg(long, default_value_t = 0, conflicts_with = "pty")]
    port: u16,
}

/// An ECR17 terminal.
#[derive(Args)]
pub(crate) struct Ecr17Line {
    #[command(flatten)]
    line: PayLine,
    /// Its number, up to eight digits.
    #[arg(long, default_value_t = 12_345_678)]
    terminal: u32,
    /// What its check bytes cover: std, stx, noext or `stx_noext`.
    #[arg(long, default_value = "std")]
    lrc: String,
}

/// Takes one order; says what came of it.
type Orders = Box<dyn FnMut(&str) -> Result<String>>;

/// Plugs a device in and has it take every order.
pub(crate) fn run(device: &PayDevice, orders: impl BufRead) -> Result<ExitCode> {
    let (place, mut take) = match device {
        PayDevice::Zvt(line) => zvt(line)?,
        PayDevice::Ecr17(line) => ecr17(line)?,
        PayDevice::Printer(line) => printer(line)?,
        PayDevice::Display(line) => display(line)?,
    };
    println!("plugged in at {place}; each line is an order, the end of the input unplugs it");
    for order in orders.lines() {
        println!("{}", take(order.context("read an order")?.trim())?);
    }
    Ok(ExitCode::SUCCESS)
}

fn at(line: &PayLine, addr: std::net::SocketAddr) -> String {
    match &line.pty {
        Some(link) => format!("path:{}", link.display()),
        None => format!("tcp:{addr}"),
    }
}

fn zvt(line: &PayLine) -> Result<(String, Orders)> {
    let config = TerminalConfig::default();
    let terminal = match &line.pty {
        Some(link) => TerminalHandle::on_pty(link, config, Vec::new())?,
        None => TerminalHandle::start(line.port, config, Vec::new())?,
    };
    let place = at(line, terminal.addr());
    let take = move |order: &str| {
        let usual = PaymentScript::default();
        let script = match order.split_once(' ').unwrap_or((order, "")) {
            ("approve", _) => usual,
            ("decline", _) => PaymentScript::declined(),
            ("cancel", _) => PaymentScript::cancelled(),
            ("pull-before", _) => PaymentScript {
                pull: Some(Pull::BeforeStatusAcknowledged),
                ..usual
            },
            ("pull-after", _) => PaymentScript {
                pull: Some(Pull::AfterStatusAcknowledged),
                ..usual
            },
            ("card", digits) => PaymentScript {
                unmasked_pan: Some(digits.to_owned()),
                ..usual
            },
            ("books", _) => return Ok(format!("{:#?}", terminal.books())),
            _ => bail!("`{order}` is no order: see --help"),
        };
        terminal.add_script(script);
        Ok("so goes the next payment".to_owned())
    };
    Ok((place, Box::new(take)))
}

fn ecr17(settings: &Ecr17Line) -> Result<(String, Orders)> {
    let mut config = Ecr17Config::new(settings.terminal).context("more than eight digits")?;
    config.lrc = LrcMode::from_name(&settings.lrc).context("write std, stx, noext or stx_noext")?;
    let terminal = match &settings.line.pty {
        Some(link) => Ecr17Handle::on_pty(link, config, Vec::new())?,
        None => Ecr17Handle::on_tcp(settings.line.port, config, Vec::new())?,
    };
    let place = at(&settings.line, terminal.addr());
    let take = move |order: &str| {
        let mut script = Ecr17Script::default();
        match order.split_once(' ').unwrap_or((order, "")) {
            ("approve", _) => {}
            ("decline", _) => script.code = 1,
            ("damage", _) => script.damages_once = true,
            ("nak", _) => script.naks = 1,
            ("card", digits) => script.unmasked_pan = Some(digits.to_owned()),
            ("books", _) => return Ok(format!("{:#?}", terminal.books())),
            _ => bail!("`{order}` is no order: see --help"),
        }
        terminal.add_script(script);
        Ok("so goes the next payment".to_owned())
    };
    Ok((place, Box::new(take)))
}

fn printer(line: &PayLine) -> Result<(String, Orders)> {
    let printer = match &line.pty {
        Some(link) => receipt_printer::on_pty(link)?,
        None => receipt_printer::on_tcp(line.port)?,
    };
    let place = at(line, printer.addr().unwrap_or(([127, 0, 0, 1], 0).into()));
    let take = move |order: &str| {
        let mut it = printer.device();
        match order {
            "receipts" => return Ok(format!("{:#?}", it.receipts())),
            "paper-end" => it.status.paper_end = true,
            "cover-open" => it.status.cover_open = true,
            "silent" => it.silent = true,
            "ready" => {
                it.status = shelf_codecs::escpos::PrinterStatus::default();
                it.silent = false;
            }
            _ => bail!("`{order}` is no order: see --help"),
        }
        Ok("so it is".to_owned())
    };
    Ok((place, Box::new(take)))
}

fn display(line: &PayLine) -> Result<(String, Orders)> {
    let display = match &line.pty {
        Some(link) => LineServer::on_pty(link, CustomerDisplay::default())?,
        None => LineServer::on_tcp(line.port, CustomerDisplay::default())?,
    };
    let place = at(line, display.addr().unwrap_or(([127, 0, 0, 1], 0).into()));
    let take = move |_: &str| {
        let it = display.device();
        let (upper, lower) = it.shows();
        Ok(format!("|{upper:<20}|\n|{lower:<20}|"))
    };
    Ok((place, Box::new(take)))
}
