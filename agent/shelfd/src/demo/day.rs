//! The shop's day: the doors open, the tills sell, the WAN is cut on time, the doors close.

use std::sync::Arc;
use std::time::Duration;

use shelf_sim::shop::Dice;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::clerk::Clerk;
use super::goods::GoodsByCode;
use super::pos::Pos;
use super::record::Record;
use super::replay::{Closing, run_pos, start_clerk};
use super::screen::{self, Key, Screen};
use super::web::WebShop;
use super::{Run, world};
use crate::cli::Failure;
use crate::platform;

/// When the WAN is cut and restored in a run of a given duration, in per cent of it.
const WAN_CUT_PER_CENT: (u32, u32) = (35, 60);
/// How often is looked whether somebody carries something.
const LOOK_AT_TAGS: Duration = Duration::from_millis(250);

impl Run<'_> {
    /// Opens the doors until the time is up, somebody stops it, or the customers run out. Gives the
    /// web shop back, whose last orders are still open.
    pub(super) async fn trade(
        &mut self,
        record: &Arc<Record>,
        client: &reqwest::Client,
        web: WebShop,
    ) -> Result<WebShop, Failure> {
        let (close, closed) = watch::channel(false);
        let (empty, mut is_empty) = watch::channel(false);
        let closing = Closing {
            closed: closed.clone(),
            empty,
        };
        let clerks = self.clerks(record, client);
        let dice = |part| Dice::new(self.arguments.seed, part);
        let mut threads = Vec::new();
        for (part, clerk) in (100..).zip(clerks) {
            let thread = start_clerk(clerk, self.queue.clone(), closing.clone(), dice(part));
            threads.push(thread.map_err(Failure::new)?);
        }
        let pos = self.pos(record, client)?;
        let web = tokio::spawn(web.trade(self.pace, closing.clone()));
        let pos = tokio::spawn(run_pos(pos, self.pace, self.queue.clone(), closing));
        let (keys, keyboard) = screen::keys(closed);
        self.watch(record, client, keys, &mut is_empty).await?;
        close.send_replace(true);
        let joined = tokio::task::spawn_blocking(move || {
            threads
                .into_iter()
                .chain(keyboard)
                .all(|it| it.join().is_ok())
        });
        let all_well = joined.await.unwrap_or(false) & pos.await.is_ok();
        if !all_well {
            record.counts.broken.up();
            record.trouble("a simulator panicked: report this with the log around it".into());
        }
        web.await.map_err(Failure::new)
    }

    /// Draws, takes keys and cuts the WAN on time.
    async fn watch(
        &self,
        record: &Record,
        client: &reqwest::Client,
        mut keys: tokio::sync::mpsc::Receiver<Key>,
        is_empty: &mut watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let title = format!(
            "{}: 2 PCs, 3 tills, {} items",
            world::STORE,
            self.shop.goods.len()
        );
        let mut screen = Screen::new(self.clock, client.clone(), title);
        let mut draw = tokio::time::interval(screen.every());
        let mut carrying = tokio::time::interval(LOOK_AT_TAGS);
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::new)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::new)?;
        let part = |per_cent| self.arguments.duration.map(|it| it * per_cent / 100);
        let from = tokio::time::Instant::now();
        let at = |after: Option<Duration>| async move {
            match after {
                Some(after) => tokio::time::sleep_until(from + after).await,
                None => std::future::pending().await,
            }
        };
        let (cut, restored) = (at(part(WAN_CUT_PER_CENT.0)), at(part(WAN_CUT_PER_CENT.1)));
        let over = at(self.arguments.duration);
        tokio::pin!(cut, restored, over);
        let (mut is_cut, mut is_restored) = (false, false);
        loop {
            tokio::select! {
                _ = draw.tick() => screen.draw(&self.world, record).await,
                _ = carrying.tick() => self.tags.carry(self.clock.millis()),
                () = &mut cut, if !is_cut => {
                    is_cut = true;
                    self.world.wan.set(false);
                }
                () = &mut restored, if !is_restored => {
                    is_restored = true;
                    self.world.wan.set(true);
                }
                () = &mut over => return Ok(()),
                Some(key) = keys.recv() => match key {
                    Key::Wan => self.world.wan.toggle(),
                    Key::Quit => return Ok(()),
                },
                _ = is_empty.wait_for(|it| *it) => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    }

    fn clerks(&mut self, record: &Arc<Record>, client: &reqwest::Client) -> Vec<Clerk> {
        let urls = self.world.urls();
        let mut clerks = Vec::new();
        let goods = Arc::new(GoodsByCode::new(&self.shop));
        for (part, till) in (10..).zip(&mut self.world.tills) {
            let (Some(pc), Some(lag), Some(url)) = (
                self.world.pcs.get(till.pc),
                self.world.lags.get(till.pc),
                urls.get(till.pc),
            ) else {
                continue;
            };
            let counters = pc.shop.counters.values();
            let counter = counters
                .into_iter()
                .find(|it| it.till().as_str() == till.name);
            let (Some(counter), Some(scanner)) = (counter, till.scanner.take()) else {
                continue;
            };
            clerks.push(Clerk {
                till: till.name.to_owned(),
                counter: counter.clone(),
                scanner,
                terminal: till.terminal.clone(),
                plate: till.plate.clone(),
                goods: goods.clone(),
                takes_cash: till.takes_cash,
                url: format!("{url}/api/v1/tills/{}", till.name),
                client: client.clone(),
                runtime: tokio::runtime::Handle::current(),
                clock: self.clock,
                pace: self.pace,
                record: record.clone(),
                lag: lag.clone(),
                dice: Dice::new(self.arguments.seed, part),
                last: None,
            });
        }
        clerks
    }

    fn pos(&self, record: &Arc<Record>, client: &reqwest::Client) -> Result<Pos, Failure> {
        let (till, pc) = world::POS;
        let (Some(url), Some(lag)) = (self.world.urls().get(pc).cloned(), self.world.lags.get(pc))
        else {
            return Err(Failure::new("the existing POS has no PC"));
        };
        Ok(Pos {
            till: till.to_owned(),
            url: format!("{url}/api/v1/sales"),
            client: client.clone(),
            record: record.clone(),
            lag: lag.clone(),
            goods: Arc::new(GoodsByCode::new(&self.shop)),
            dice: Dice::new(self.arguments.seed, 20),
            run: platform::wall_now().as_millis().to_string(),
            reports: 0,
            sabotage: self.arguments.sabotage,
        })
    }
}
