//! Payment terminals of both kinds, over TCP and over serial lines, behind tills of one daemon; and what the
//! till's ledger and the terminal's own books must agree about.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use shelf_sim::ecr17_terminal::{Ecr17Config, Ecr17Handle, Ecr17Script};
use shelf_sim::zvt_terminal::{
    BookedKind, BookedState, Cut, PaymentScript, TerminalConfig, TerminalHandle,
};

use crate::daemon::{Daemon, Setup};
use crate::patience::{Look, until, within_eq};
use crate::wares::{gtin13, price_minor};

/// What a terminal and a till need to agree after a pulled cable: the terminal waits for answers, the till
/// asks again after pauses, and one that tells nothing of its own is asked until no customer can be there.
pub const AGREED: Duration = Duration::from_secs(240);
/// The number of every terminal.
pub const TERMINAL: u32 = 12_345_678;
/// The control bytes of ZVT's authorisation.
const AUTHORISATION: (u8, u8) = (0x06, 0x01);

/// What it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Words {
    /// ZVT.
    Zvt,
    /// ECR17.
    Ecr17,
}

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// On the network.
    Tcp,
    /// On a pseudo-terminal.
    Serial,
}

/// Every kind of terminal over every way, with a name for its till.
pub const KINDS: [(&str, Words, Way); 4] = [
    ("zvt-tcp", Words::Zvt, Way::Tcp),
    ("zvt-serial", Words::Zvt, Way::Serial),
    ("ecr17-tcp", Words::Ecr17, Way::Tcp),
    ("ecr17-serial", Words::Ecr17, Way::Serial),
];

/// One simulated terminal.
#[derive(Debug)]
pub enum Terminal {
    /// ZVT.
    Zvt(TerminalHandle),
    /// ECR17.
    Ecr17(Ecr17Handle),
}

/// Plugs a terminal in whose customers take `thinks_ms` for each payment, one after the other and 0 after
/// that; and gives the lines that configure its till.
pub fn plug(
    (name, words, way): (&str, Words, Way),
    dir: &Path,
    cut: Option<Cut>,
    thinks_ms: &[u64],
) -> Result<(Terminal, String)> {
    let line = dir.join(name);
    let word = match words {
        Words::Zvt => "zvt",
        Words::Ecr17 => "ecr17",
    };
    let more = match words {
        Words::Zvt => String::new(),
        Words::Ecr17 => format!("terminal_id = {TERMINAL}\n"),
    };
    let times = thinks_ms.iter().copied().chain(std::iter::repeat_n(0, 100));
    let terminal = match words {
        Words::Zvt => {
            let config = TerminalConfig {
                cut,
                ..TerminalConfig::default()
            };
            let script = |thinks_ms| PaymentScript {
                thinks_ms,
                ..PaymentScript::default()
            };
            let scripts = times.map(script).collect();
            Terminal::Zvt(match way {
                Way::Tcp => TerminalHandle::start(0, config, scripts)?,
                Way::Serial => TerminalHandle::on_pty(&line, config, scripts)?,
            })
        }
        Words::Ecr17 => {
            let config = Ecr17Config {
                cut,
                ..Ecr17Config::new(TERMINAL).context("a number of eight digits")?
            };
            let script = |thinks_ms| Ecr17Script {
                thinks_ms,
                ..Ecr17Script::default()
            };
            let scripts = times.map(script).collect();
            Terminal::Ecr17(match way {
                Way::Tcp => Ecr17Handle::on_tcp(0, config, scripts)?,
                Way::Serial => Ecr17Handle::on_pty(&line, config, scripts)?,
            })
        }
    };
    let place = match (way, &terminal) {
        (Way::Serial, _) => format!("{word}+serial:path:{}", line.display()),
        (Way::Tcp, Terminal::Zvt(it)) => format!("{word}://{}", it.addr()),
        (Way::Tcp, Terminal::Ecr17(it)) => format!("{word}://{}", it.addr()),
    };
    let till = format!("[[till]]\nname = \"{name}\"\nterminal = \"{place}\"\n{more}");
    Ok((terminal, till))
}

impl Terminal {
    /// What stands in its own books, in minor units; paid out is negative.
    #[must_use]
    pub fn standing(&self) -> Vec<i64> {
        let minor = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
        match self {
            Self::Zvt(it) => it
                .standing()
                .iter()
                .map(|it| match it.kind {
                    BookedKind::Payment => minor(it.amount.minor()),
                    BookedKind::Refund => -minor(it.amount.minor()),
                })
                .collect(),
            Self::Ecr17(it) => {
                let books = it.books().into_iter();
                let standing = books.filter(|it| !it.reversed);
                standing.map(|it| minor(it.amount.minor())).collect()
            }
        }
    }

    /// How often it was asked to take money.
    #[must_use]
    pub fn asked(&self) -> usize {
        match self {
            Self::Zvt(it) => {
                let commands = it.commands();
                commands.iter().filter(|it| **it == AUTHORISATION).count()
            }
            Self::Ecr17(it) => usize::try_from(it.payments_heard()).unwrap_or(usize::MAX),
        }
    }

    /// Whether it still waits to hear that its approval was taken, and would take the money back by itself.
    #[must_use]
    pub fn waits(&self) -> bool {
        match self {
            Self::Zvt(it) => it
                .books()
                .iter()
                .any(|it| it.state == BookedState::Stands && !it.acknowledged),
            Self::Ecr17(_) => false,
        }
    }

    /// Bytes taken and sent so far.
    #[must_use]
    pub fn bytes_in_out(&self) -> (u64, u64) {
        match self {
            Self::Zvt(it) => it.bytes_in_out(),
            Self::Ecr17(it) => it.bytes_in_out(),
        }
    }
}

/// A daemon with these tills and goods to sell.
pub fn shop(tills: String) -> Result<Daemon> {
    let setup = Setup {
        pc: "PC 1".into(),
        more: tills,
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup)?;
    daemon.stock_up(3, 1_000)?;
    Ok(daemon)
}

/// Puts one piece of ware 1 into the basket and asks its terminal for the money.
pub fn begin(daemon: &Daemon, till: &str) -> Result<()> {
    daemon.act(till, "scan", &[("code", &gtin13(1))])?;
    daemon.act(till, "pay_card", &[])?;
    Ok(())
}

/// Sells one piece of ware 1 by card, and gives the document.
pub fn sell(daemon: &Daemon, till: &str) -> Result<Value> {
    let before = sales_of(daemon, till)?.len();
    begin(daemon, till)?;
    until(&format!("{till}: the sale"), AGREED, || {
        let sales = sales_of(daemon, till)?;
        Ok(match sales.len() > before {
            true => Look::Done(sales.last().cloned().unwrap_or_default()),
            false => Look::NotYet(daemon.till(till)?.to_string()),
        })
    })
}

/// The first payment of every till's terminal, all at once: one that never took money has no number before,
/// and an ECR17 terminal is understood by the number before.
pub fn sell_first(daemon: &Daemon, tills: &[&str]) -> Result<()> {
    for till in tills {
        begin(daemon, till)?;
    }
    for till in tills {
        within_eq(till, AGREED, &true, || {
            let view = daemon.till(till)?;
            Ok(view["basket"].is_null() && view["terminal"]["busy"] == false)
        })?;
    }
    Ok(())
}

/// The sales of one till, oldest first.
pub fn sales_of(daemon: &Daemon, till: &str) -> Result<Vec<Value>> {
    let mut sales = daemon.documents_of("sale")?;
    sales.retain(|it| it["till"] == till);
    Ok(sales)
}

/// What the ledger says that this till's terminal took: sales less voids, in minor units.
pub fn taken(daemon: &Daemon, till: &str) -> Result<i64> {
    let mut documents = daemon.documents()?;
    documents.retain(|it| it["till"] == till);
    let tenders = documents
        .iter()
        .filter_map(|it| it["tenders"].as_array())
        .flatten();
    Ok(tenders.filter_map(|it| it["amount"].as_i64()).sum())
}

/// Asks for an errand and waits for the terminal's answer in words.
pub fn errand(daemon: &Daemon, till: &str, errand: &str, words: &str) -> Result<Value> {
    let fields = [("errand", errand)];
    until(&format!("{till}: free for {errand}"), AGREED, || {
        Ok(match daemon.act(till, "terminal", &fields) {
            Ok(_) => Look::Done(()),
            Err(error) => Look::NotYet(error.to_string()),
        })
    })?;
    let done = |it: &Value| {
        let doing = it["terminal"]["doing"].as_str().unwrap_or_default();
        it["terminal"]["busy"] == false && doing == words
    };
    let view = daemon.till_until(till, &format!("{errand}: {words}"), done)?;
    Ok(view["terminal"].clone())
}

/// How a till's second payment ended, which was broken off, once till and terminal agree about every cent:
/// `paid`, `not paid`, or `people decide` where nobody but the slip knows. One that was asked for twice is
/// an error at once.
pub fn agreed(daemon: &Daemon, till: &str, terminal: &Terminal) -> Result<&'static str> {
    let end = until(&format!("{till}: they agree"), AGREED, || {
        let view = daemon.till(till)?;
        if terminal.asked() > 2 {
            let text = format!("{till}: asked {} times to pay", terminal.asked());
            return Ok(Look::Done(Err(text)));
        }
        let (sold, stands) = (taken(daemon, till)?, terminal.standing());
        let unsettled = view["unsettled"].as_array();
        let unknown = unsettled.is_some_and(|it| !it.is_empty());
        let idle = view["basket"]["stage"] != "paying" && view["terminal"]["busy"] == false;
        let books: i64 = stands.iter().sum();
        Ok(match (idle, sold == books) {
            (true, true) if sold == 2 * price_minor(1) => Look::Done(Ok("paid")),
            (true, true) if !unknown => Look::Done(Ok("not paid")),
            (true, _) if unknown && sold == price_minor(1) && !terminal.waits() => {
                Look::Done(Ok("people decide"))
            }
            _ => Look::NotYet(format!("{sold} taken, {stands:?} stand, {view}")),
        })
    })?;
    match end {
        Ok(end) => Ok(end),
        Err(text) => bail!(text),
    }
}
