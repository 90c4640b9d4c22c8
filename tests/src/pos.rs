//! A retailer's own POS: reports each sale to a PC's API under a receipt number of its own.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::daemon::{Daemon, TillSetup};
use crate::wares::{gtin13, iso_time, price_minor};

/// The POS of one till.
#[derive(Clone, Debug)]
pub struct Pos {
    till: String,
    receipts: u32,
}

impl Pos {
    /// One that reports for a till of this name.
    #[must_use]
    pub fn at(till: &str) -> Self {
        Self {
            till: till.to_owned(),
            receipts: 0,
        }
    }

    /// How the PC must be configured for it.
    #[must_use]
    pub fn till(&self) -> TillSetup {
        TillSetup {
            name: self.till.clone(),
            source: "api".into(),
            ..TillSetup::default()
        }
    }

    /// A number that its receipts start behind, so that two POS of one till never share one.
    #[must_use]
    pub fn from_receipt(mut self, number: u32) -> Self {
        self.receipts = number;
        self
    }

    /// Sells so many pieces of a ware, and gives the document that the PC answers.
    pub fn sell(&mut self, pc: &Daemon, ware: u32, pieces: u32) -> Result<String> {
        let sale = self.prepared(pc, ware, pieces)?;
        self.report(pc, &sale)
    }

    /// A sale that can be reported.
    pub fn prepared(&mut self, pc: &Daemon, ware: u32, pieces: u32) -> Result<Value> {
        self.receipts += 1;
        let minor = price_minor(ware);
        let started = pc.status()?["started"].as_i64().context("started")?;
        Ok(json!({
            "till": self.till, "transaction": format!("{}-{}", self.till, self.receipts),
            // Behind the opening stock, whose second it might be.
            "time": iso_time(started + 3_600_000),
            "lines": [{ "code": gtin13(ware), "quantity": pieces.to_string(),
                "unit_price": format!("{}.{:02}", minor / 100, minor % 100) }],
        }))
    }

    /// Reports a sale, and gives the document that the PC answers.
    pub fn report(&self, pc: &Daemon, sale: &Value) -> Result<String> {
        let answer = pc.post("/api/v1/sales", sale)?;
        if answer.status != 201 {
            bail!("sale: {} {}", answer.status, answer.text());
        }
        let place = answer.json()?["document"].as_str().map(str::to_owned);
        place.with_context(|| answer.text())
    }
}
