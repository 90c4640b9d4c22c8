//! A retailer's own POS whose only way out is its receipt printer: prints, asks the printer whether it is
//! done, and prints again if nobody says so.

#![allow(
    clippy::disallowed_methods,
    reason = "plays another till: its network and its clock"
)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use shelf_codecs::escpos::{CodePage, PrintJob, StatusPart, request_status};

use crate::patience::{Look, USUAL, until};
use crate::wares::{iso_time, price_minor};

/// How long the printer may take to say that it is done.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// One till of it. Its clock shows UTC.
#[derive(Clone, Debug)]
pub struct PrintingPos {
    printer: SocketAddr,
    /// How often it had to print again because nobody answered.
    pub again: u32,
}

/// A receipt as it will be printed.
#[derive(Clone, Debug)]
pub struct PrintedReceipt {
    lines: Vec<String>,
}

impl PrintedReceipt {
    /// A receipt of so many pieces of each ware; `back`: they come back.
    #[must_use]
    pub fn of(number: u32, goods: &[(u32, i64)], back: bool) -> Self {
        let mut lines = vec!["Laden am Eck".to_owned()];
        lines.extend(back.then(|| "*** RETOURE ***".to_owned()));
        lines.push(format!("Bon-Nr. {number}   {}", printed_now()));
        let mut sum = 0;
        for &(ware, pieces) in goods {
            let amount = price_minor(ware) * pieces;
            sum += amount;
            let times = if pieces == 1 {
                String::new()
            } else {
                format!("{pieces} x ")
            };
            lines.push(format!("{times}Ware {ware}   {} A", money(amount)));
        }
        lines.push(format!("SUMME EUR   {}", money(sum)));
        lines.push("Vielen Dank! Rückgabe nur mit Bon.".into());
        Self { lines }
    }

    /// A receipt with these lines.
    #[must_use]
    pub fn plain(lines: &[&str]) -> Self {
        let lines = lines.iter().map(|it| (*it).to_owned()).collect();
        Self { lines }
    }

    /// The same, marked as a copy.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut copy = self.clone();
        copy.lines
            .insert(0, format!("*** KOPIE {} ***", printed_now()));
        copy
    }

    fn bytes(&self) -> Vec<u8> {
        let job = PrintJob::new(CodePage::Cp858);
        let job = self.lines.iter().fold(job, |job, line| job.line(line));
        job.kick().cut()
    }
}

/// `12,34`.
#[must_use]
pub fn money(minor: i64) -> String {
    format!("{},{:02}", minor / 100, minor % 100)
}

/// Today and now, as this POS prints it.
#[must_use]
pub fn printed_now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let iso = iso_time(i64::try_from(since.as_millis()).unwrap_or(0));
    iso.get(..16).unwrap_or_default().replace('T', " ")
}

impl PrintingPos {
    /// A till that prints to this address.
    #[must_use]
    pub fn at(printer: SocketAddr) -> Self {
        Self { printer, again: 0 }
    }

    /// Prints until the printer has said that it is done. What is printed again says so every second
    /// time, as tills do or don't.
    pub fn print(&mut self, receipt: &PrintedReceipt) -> Result<()> {
        let mut tries = 0;
        until("the receipt is printed", USUAL, || {
            tries += 1;
            self.again += u32::from(tries == 2);
            let printed = if tries % 2 == 0 {
                receipt.copy()
            } else {
                receipt.clone()
            };
            self.once(&printed).map(Look::Done)
        })
    }

    fn once(&self, receipt: &PrintedReceipt) -> Result<()> {
        let mut stream = TcpStream::connect(self.printer)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        stream.write_all(&receipt.bytes())?;
        stream.write_all(&request_status(StatusPart::Printer))?;
        let mut answer = [0; 1];
        stream.read_exact(&mut answer).context("no answer")?;
        Ok(())
    }
}
